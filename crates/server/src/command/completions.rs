use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::{Cli, CliError, print};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet completions bash >~/.local/share/bash-completion/completions/ratchet\n  \
                        ratchet completions zsh >~/.zfunc/_ratchet       (fpath+=~/.zfunc before compinit in ~/.zshrc)\n  \
                        ratchet completions fish >~/.config/fish/completions/ratchet.fish\n  \
                        ratchet completions powershell >>$PROFILE\n  \
                        ratchet completions elvish >>~/.config/elvish/rc.elv\n\nA new shell has them."
)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_gets_every_command_and_flag() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "ratchet", &mut script);
            let script = String::from_utf8(script).unwrap();
            for word in [
                "serve",
                "completions",
                "doctor",
                "max-concurrent-jobs",
                "database",
            ] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
