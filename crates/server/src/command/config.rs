use clap::{Args, Subcommand, ValueEnum};

use crate::cli::{CliError, CommonArgs, print};
use crate::settings::{Reading, SettingFlags, Settings, declarations, reference};

mod written;

use written::{json, toml, yaml};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say everything that is wrong with the settings; needs no database and changes nothing
    #[command(
        after_help = "Examples:\n  ratchet config check\n  ratchet config check --config /etc/ratchet.toml\n  \
                            RATCHET_LOG_FORMAT=xml ratchet config check --max-concurrent-jobs 0\n\n\
                            Every mistake is named with its key, its value, where it was set and what is allowed. The \
                            flags are those of `ratchet serve`.\n\n\
                            The exit code is 0 when nothing is wrong, and 2 when something is."
    )]
    Check(SettingFlags),
    /// Print the settings that hold, and where each value comes from; passwords are masked
    #[command(
        after_help = "Examples:\n  ratchet config print\n  ratchet config print -o json | jq '.server.bind'\n  \
                            ratchet config print --config /etc/ratchet.toml -o yaml\n\n\
                            As TOML and YAML, the source of each value stands behind it as a comment; JSON has an object \
                            {\"value\": …, \"source\": …} for each key. docs/configuration.md says what each is for."
    )]
    Print(PrintArgs),
    /// Write the reference of all settings in Markdown (docs/configuration.md)
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Args)]
pub(crate) struct PrintArgs {
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Toml)]
    output: Form,
    #[command(flatten)]
    flags: SettingFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Toml,
    Json,
    Yaml,
}

impl ConfigCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self {
            Self::Check(flags) => {
                let reading = Reading::of(flags.over(common.sources()));
                let summary = summary(&reading);
                Settings::from_reading(reading)?;
                print(&summary)
            }
            Self::Print(PrintArgs { output, flags }) => {
                let reading = Reading::of(flags.over(common.sources()));
                let text = match output {
                    Form::Toml => toml(&reading),
                    Form::Json => json(&reading),
                    Form::Yaml => yaml(&reading),
                };
                // What is wrong has no effect: nothing is printed then.
                Settings::from_reading(reading)?;
                print(&text)
            }
            Self::Reference => print(&reference()),
        }
    }
}

/// How many of the values come from where.
fn summary(reading: &Reading) -> String {
    let mut origins: Vec<(&str, usize)> = Vec::new();
    for declaration in declarations() {
        let origin = reading.origin(declaration.key);
        match origins.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, count)) => *count += 1,
            None => origins.push((origin, 1)),
        }
    }
    let told: Vec<String> = origins
        .into_iter()
        .map(|(origin, count)| format!("  {count} by {origin}\n"))
        .collect();
    format!("the settings are in order\n{}", told.concat())
}
