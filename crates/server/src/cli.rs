use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand};
use ratchet_interfaces::with_causes;
use ratchet_recurrence::Zone;

use crate::command::audit::AuditArgs;
use crate::command::completions::CompletionsArgs;
use crate::command::config::ConfigCommand;
use crate::command::cron::CronCommand;
use crate::command::doctor::DoctorArgs;
use crate::command::forecast::ForecastArgs;
use crate::command::migrate::MigrateCommand;
use crate::command::serve::ServeArgs;
use crate::command::task::TaskCommand;
use crate::command::token::TokenCommand;
use crate::command::verify::VerifyArgs;
use crate::command::why::WhyArgs;
use crate::settings::{Settings, SettingsError, SettingsSources};

/// Ratchet runs tasks on schedules: every tick becomes exactly one durable job, on the instant.
///
/// Start with `ratchet serve`: it needs no configuration, keeps everything in the file ratchet.db, and runs a
/// heartbeat every five minutes.
#[derive(Debug, Parser)]
#[command(name = "ratchet", version, long_version = LONG_VERSION.as_str(), max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

/// The answer to `--version`: other time-zone data may move ticks.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ntime-zone data {} (chrono-tz)",
        env!("CARGO_PKG_VERSION"),
        Zone::database_version()
    )
});

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    /// The settings file [default: ratchet.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = "RATCHET_CONFIG")]
    config: Option<PathBuf>,
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME [default: sqlite://ratchet.db]
    #[arg(long = "database", global = true, value_name = "URL")]
    database_url: Option<String>,
}

impl CommonArgs {
    pub(crate) fn sources(&self) -> SettingsSources {
        SettingsSources::new()
            .with_file(self.config.as_deref())
            .with_environment(std::env::vars_os())
            .with_flag("--database", "database.url", self.database_url.as_ref())
    }

    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.sources())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the scheduler and its HTTP server until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Bring the database's tables up or down by hand (`serve` brings them up by itself)
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Make, check, test and run tasks, and list those that there are
    #[command(subcommand)]
    Task(TaskCommand),
    /// Try out cron expressions; needs no database
    #[command(subcommand)]
    Cron(CronCommand),
    /// Say what became, or will become, of an instant of a schedule, and why
    Why(WhyArgs),
    /// List or count the ticks to come of all schedules, as they are or as they could be
    Forecast(ForecastArgs),
    /// Check and print the settings, as they come from the file, the environment and flags
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for everything that could keep a server from running well; changes nothing, and a server may be running
    Doctor(DoctorArgs),
    /// Write what a shell needs to complete the words of this command
    Completions(CompletionsArgs),
    /// Make, list and revoke the tokens that clients of the HTTP API show; a server may be running
    #[command(subcommand)]
    Token(TokenCommand),
    /// List who changed what over the HTTP API; a server may be running
    Audit(AuditArgs),
    /// Recompute every tick that should have been, and compare with the ledger; a server may be running
    Verify(VerifyArgs),
}

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What was typed cannot be done: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// It could not be done: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    pub(crate) fn usage(error: &dyn std::error::Error) -> Self {
        Self::Usage(with_causes(error))
    }

    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        Self::Failed(with_causes(error))
    }
}

/// Writes an answer to standard output.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Who closed the pipe has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::failed(&error)),
        _ => Ok(()),
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::usage(&error)
    }
}

impl Cli {
    /// Does what was asked. The exit code is 0 when it was done, 2 when the words or settings were wrong, 1 when it
    /// failed.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { common, command } = self;
        let outcome = match command {
            Command::Serve(arguments) => arguments.run(&common),
            Command::Migrate(command) => command.run(&common),
            Command::Task(command) => command.run(&common),
            Command::Cron(command) => command.run(),
            Command::Why(arguments) => arguments.run(&common),
            Command::Forecast(arguments) => arguments.run(&common),
            Command::Config(command) => command.run(&common),
            Command::Doctor(arguments) => arguments.run(&common),
            Command::Completions(arguments) => arguments.run(),
            Command::Token(command) => command.run(&common),
            Command::Audit(arguments) => arguments.run(&common),
            Command::Verify(arguments) => arguments.run(&common),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                match writeln!(std::io::stderr(), "error: {error}") {
                    // Where standard error is gone there is nobody left to tell; the exit code still says it.
                    Ok(()) | Err(_) => {}
                }
                ExitCode::from(match error {
                    CliError::Usage(_) => 2,
                    CliError::Failed(_) => 1,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_version_tells_which_time_zone_data_there_are() {
        let version = Cli::command().render_long_version();
        let expected = format!(
            "ratchet {}\ntime-zone data {} (chrono-tz)\n",
            env!("CARGO_PKG_VERSION"),
            Zone::database_version()
        );
        assert_eq!(version, expected);
    }
}
