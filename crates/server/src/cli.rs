mod flags;

use std::io::Write;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};
use ratchet_interfaces::with_causes;
use ratchet_recurrence::Zone;

use crate::command::apply::ApplyArgs;
use crate::command::audit::AuditArgs;
use crate::command::backup::{BackupArgs, RestoreArgs};
use crate::command::completions::CompletionsArgs;
use crate::command::config::ConfigCommand;
use crate::command::cron::CronCommand;
use crate::command::doctor::DoctorArgs;
use crate::command::export::ExportArgs;
use crate::command::forecast::ForecastArgs;
use crate::command::import::ImportCommand;
use crate::command::job::JobCommand;
use crate::command::migrate::MigrateCommand;
use crate::command::openapi::OpenApiArgs;
use crate::command::reference;
use crate::command::schedule::ScheduleCommand;
use crate::command::serve::ServeArgs;
use crate::command::task::TaskCommand;
use crate::command::token::TokenCommand;
use crate::command::verify::VerifyArgs;
use crate::command::why::WhyArgs;
use crate::settings::SettingsError;

pub(crate) use flags::CommonArgs;

/// Ratchet runs tasks on schedules: every tick becomes exactly one durable job, on the instant.
///
/// Start with `ratchet serve`: it needs no configuration, keeps everything in the file ratchet.db, and runs a
/// heartbeat every five minutes.
#[derive(Debug, Parser)]
#[command(name = "ratchet", version, long_version = LONG_VERSION.as_str(), max_term_width = 100,
          after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    common: CommonArgs,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit codes:\n  0    it was done\n  1    it failed, or found something wrong\n  \
                          2    the words or the settings are wrong: nothing was done\n  \
                          124  what was waited for did not happen in time\n  \
                          130  a server was ended by a second signal, whatever it was doing\n\n\
                          Answers go to standard output, everything else to standard error. NO_COLOR=1 or TERM=dumb keeps \
                          colours away from a terminal; elsewhere there are none.";

/// The answer to `--version`: other time-zone data may move ticks.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}\ntime-zone data {} (chrono-tz)",
        env!("CARGO_PKG_VERSION"),
        Zone::database_version()
    )
});

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the scheduler and its HTTP server until SIGTERM or SIGINT
    Serve(ServeArgs),
    /// Bring the database's tables up or down by hand (`serve` brings them up by itself)
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Create, change, list and explain schedules: over a running server, or in the database where none runs
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Create, list, cancel, retry and watch jobs, and read what they printed
    #[command(subcommand)]
    Job(JobCommand),
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
    /// Make schedules what files say, all at once, and show first what that changes
    Apply(ApplyArgs),
    /// Write schedules into a file that `ratchet apply` takes
    Export(ExportArgs),
    /// Make files of schedules of what other schedulers have
    #[command(subcommand)]
    Import(ImportCommand),
    /// Copy the SQLite database into a file, beside a server that may be running
    Backup(BackupArgs),
    /// Put a backup where the SQLite database is to be
    Restore(RestoreArgs),
    /// Check and print the settings, as they come from the file, the environment and flags
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look for everything that could keep a server from running well; changes nothing, and a server may be running
    Doctor(DoctorArgs),
    /// Write what a shell needs to complete the words of this command
    Completions(CompletionsArgs),
    /// Print the OpenAPI document of the HTTP API; needs no server and no database
    Openapi(OpenApiArgs),
    /// Write the reference of the commands in Markdown (docs/cli.md)
    #[command(hide = true)]
    Reference,
    /// Make, list and revoke the tokens that clients of the HTTP API show; a server may be running
    #[command(subcommand)]
    Token(TokenCommand),
    /// List who changed what over the HTTP API; a server may be running
    Audit(AuditArgs),
    /// Recompute every tick that should have been, and compare with the ledger; a server may be running
    Verify(VerifyArgs),
}

impl Command {
    fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self.place() {
            Place::Api => {}
            Place::Database => common.refuse_server_beside_database()?,
            Place::Here => common.refuse_flags_of_a_server()?,
        }
        match self {
            Self::Schedule(command) => command.run(common),
            Self::Job(command) => command.run(common),
            Self::Serve(arguments) => arguments.run(common),
            Self::Migrate(command) => command.run(common),
            Self::Task(command) => command.run(common),
            Self::Cron(command) => command.run(),
            Self::Why(arguments) => arguments.run(common),
            Self::Forecast(arguments) => arguments.run(common),
            Self::Apply(arguments) => arguments.run(common),
            Self::Export(arguments) => arguments.run(common),
            Self::Import(command) => command.run(),
            Self::Backup(arguments) => arguments.run(common),
            Self::Restore(arguments) => arguments.run(common),
            Self::Config(command) => command.run(common),
            Self::Doctor(arguments) => arguments.run(common),
            Self::Completions(arguments) => arguments.run(),
            Self::Openapi(arguments) => arguments.run(),
            Self::Reference => reference::run(),
            Self::Token(command) => command.run(common),
            Self::Audit(arguments) => arguments.run(common),
            Self::Verify(arguments) => arguments.run(common),
        }
    }

    /// What it is about.
    const fn place(&self) -> Place {
        match self {
            Self::Schedule(_)
            | Self::Job(_)
            | Self::Why(_)
            | Self::Forecast(_)
            | Self::Apply(_)
            | Self::Export(_)
            | Self::Token(_)
            | Self::Audit(_) => Place::Api,
            Self::Task(command) if command.asks_a_server() => Place::Api,
            Self::Migrate(_) | Self::Backup(_) | Self::Restore(_) | Self::Doctor(_) | Self::Verify(_) => {
                Place::Database
            }
            Self::Serve(_)
            | Self::Task(_)
            | Self::Cron(_)
            | Self::Import(_)
            | Self::Config(_)
            | Self::Completions(_)
            | Self::Openapi(_)
            | Self::Reference => Place::Here,
        }
    }
}

/// What a command is about, which says what becomes of a server that is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// What the API has: the server is asked.
    Api,
    /// A database, whoever uses it: that of a server is none that can be reached from here.
    Database,
    /// What was typed, and what lies on this machine: a server that the environment names has nothing to do with it.
    Here,
}

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// What was typed cannot be done: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// There is something to do, which was asked for by the exit code alone: 3.
    #[error("there is something to do")]
    Different,
    /// It could not be done: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// It could not be done, because the server is away or about to go or come: exit code 1.
    #[error("{0}")]
    Away(String),
    /// It was waited for, and did not happen in time: exit code 124.
    #[error("{0}")]
    TimedOut(String),
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

/// Says something beside the answer, on standard error.
pub(crate) fn note(text: &str) {
    match writeln!(std::io::stderr(), "{text}") {
        // Where standard error is gone there is nobody to tell.
        Ok(()) | Err(_) => {}
    }
}

impl From<SettingsError> for CliError {
    fn from(error: SettingsError) -> Self {
        Self::usage(&error)
    }
}

impl Cli {
    /// Does what was asked. The exit code is 0 when it was done, 2 when the words or settings were wrong, 1 when it
    /// failed, 124 when what was waited for did not happen in time.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let Self { common, command } = self;
        match command.run(&common) {
            Ok(()) => ExitCode::SUCCESS,
            Err(CliError::Different) => ExitCode::from(3),
            Err(error) => {
                match writeln!(std::io::stderr(), "error: {error}") {
                    // Where standard error is gone there is nobody left to tell; the exit code still says it.
                    Ok(()) | Err(_) => {}
                }
                ExitCode::from(match error {
                    CliError::Usage(_) => 2,
                    CliError::Failed(_) | CliError::Away(_) => 1,
                    CliError::Different => 3,
                    CliError::TimedOut(_) => 124,
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
