use clap::Subcommand;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs, note};
use crate::command::connection::Connection;
use crate::command::named::text;
use crate::command::table::{Cell, Tone};

mod cancel;
mod create;
mod list;
mod logs;
mod retry;
mod show;
mod wait;

pub(crate) use wait::WaitArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the jobs, newest first
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  ratchet job list\n  ratchet job list --status failed --from -1d\n  \
                      ratchet job list --schedule nightly --all -o json | jq length"
    )]
    List(list::ListArgs),
    /// Show everything that is known of a job, and its attempts
    #[command(after_help = "Examples:\n  ratchet job show 019a0000-0000-7000-8000-000000000000")]
    Show(show::ShowArgs),
    /// Create a job of a task, to be run as soon as it may
    #[command(
        after_help = "Examples:\n  ratchet job create --task hello --input '{\"name\": \"Ada\"}'\n  \
                      ratchet job create --task import@1.2.0 --input @input.json --at +2h --unique-key import\n  \
                      ratchet job create --task report --after 019a0000-0000-7000-8000-000000000000 --wait --timeout 5m"
    )]
    Create(Box<create::CreateArgs>),
    /// Print what the task of a job printed
    #[command(
        after_help = "Examples:\n  ratchet job logs 019a0000-0000-7000-8000-000000000000 --follow\n  \
                      ratchet job logs 019a0000-0000-7000-8000-000000000000 --attempt 1\n\n\
                      With --follow it goes on until the job has ended, whatever that came to, and over a restart of the \
                      server that takes up to 30 s."
    )]
    Logs(logs::LogsArgs),
    /// Call jobs off: one that waits is cancelled, one that runs is asked to stop
    #[command(
        after_help = "Examples:\n  ratchet job cancel 019a0000-0000-7000-8000-000000000000 --reason 'no need'\n  \
                      ratchet job cancel 019a0000-0000-7000-8000-000000000000 --terminate"
    )]
    Cancel(cancel::CancelArgs),
    /// Put jobs that failed or were cancelled back into the queue, with all their tries before them
    #[command(
        after_help = "Examples:\n  ratchet job retry 019a0000-0000-7000-8000-000000000000\n  \
                      ratchet job retry --failed --schedule nightly --from -1d"
    )]
    Retry(retry::RetryArgs),
    /// Wait until jobs have ended
    #[command(
        after_help = "Examples:\n  ratchet job wait 019a0000-0000-7000-8000-000000000000 --timeout 5m\n\n\
                      The exit code is 0 when all completed, 1 when one failed or was cancelled, and 124 when the time is \
                      over before all have ended. A server tells when there is something new (GET /events), and is looked \
                      for up to 30 s if it goes away meanwhile, as one that is started again."
    )]
    Wait(wait::JobWaitArgs),
}

impl JobCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self {
            Self::List(arguments) => arguments.run(common),
            Self::Show(arguments) => arguments.run(common),
            Self::Create(arguments) => arguments.run(common),
            Self::Logs(arguments) => arguments.run(common),
            Self::Cancel(arguments) => arguments.run(common),
            Self::Retry(arguments) => arguments.run(common),
            Self::Wait(arguments) => arguments.run(common),
        }
    }
}

/// Says on standard error that a job waits for a server, if there is none.
pub(crate) fn tell_who_runs_it(connection: &Connection) {
    if !connection.has_server() {
        note("note: no server runs; one runs it when it is started (`ratchet serve`)");
    }
}

/// The status of a job or an execution.
fn status(row: &Value) -> Cell {
    let status = text(row, "status").to_lowercase();
    let tone = match &*status {
        "completed" => Tone::Good,
        "failed" => Tone::Bad,
        "cancelled" | "retrying" => Tone::Doubtful,
        "processing" | "running" => Tone::Plain,
        _ => Tone::Faint,
    };
    Cell::toned(status, tone)
}

/// Whether a job will not change any more by itself.
fn has_ended(job: &Value) -> bool {
    matches!(text(job, "status"), "COMPLETED" | "FAILED" | "CANCELLED")
}

/// The first line of why it failed.
fn error_line(row: &Value) -> &str {
    text(row, "errorMessage").lines().next().unwrap_or_default()
}
