use std::io::{BufRead, IsTerminal, Write};

use clap::Args;

use crate::cli::CliError;
use crate::command::table::harmless;

/// The flag of commands that ask before they do it.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Confirmation {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Asks on a terminal whether it is meant. Without one, only the flag says so.
    pub(crate) fn ask(self, question: &str) -> Result<(), CliError> {
        if self.yes {
            return Ok(());
        }
        let question = harmless(question);
        let (stdin, stderr) = (std::io::stdin(), std::io::stderr());
        if !stdin.is_terminal() || !stderr.is_terminal() {
            return Err(CliError::Usage(format!(
                "{question} There is no terminal to ask on: repeat it with --yes if that is meant"
            )));
        }
        let asked = write!(stderr.lock(), "{question} [y/N] ").and_then(|()| stderr.lock().flush());
        asked.map_err(|error| CliError::failed(&error))?;
        let mut answer = String::new();
        stdin
            .lock()
            .read_line(&mut answer)
            .map_err(|error| CliError::failed(&error))?;
        if is_yes(&answer) {
            return Ok(());
        }
        Err(CliError::Failed("nothing was done".to_owned()))
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(&*answer.trim().to_lowercase(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(["y\n", "YES\n", " Yes "].into_iter().all(is_yes));
        assert!(!["", "\n", "n\n", "yep\n", "delete\n"].into_iter().any(is_yes));
    }
}
