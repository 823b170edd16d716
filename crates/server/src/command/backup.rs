use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use ratchet_storage::{Backup, BackupError, Checked, Restored, restore};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::stored::refuse_missing_file;

/// How often a terminal is told how far a backup is.
const PROGRESS: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet backup /backups/ratchet-$(date +%F).db\n  \
                        ratchet backup /backups/latest.db --force --database sqlite:///var/lib/ratchet/ratchet.db\n\n\
                        A server may be running: the backup is the database as it was at one moment. It is checked before \
                        it gets its name, and holds the secrets of output destinations as the database does. For \
                        PostgreSQL, pg_dump is the tool."
)]
pub(crate) struct BackupArgs {
    /// Where to
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet restore /backups/latest.db --database sqlite:///var/lib/ratchet/ratchet.db\n  \
                        ratchet restore /backups/latest.db --force\n\n\
                        No server may be running on the database. The backup is checked first. A database that is there is \
                        moved aside with --force, and refused without it. docs/operations.md says what becomes of the time \
                        since the backup. For PostgreSQL, pg_restore is the tool."
)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Move a database that exists aside
    #[arg(long)]
    force: bool,
}

impl BackupArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let url = common.settings()?.database.url;
        refuse_missing_file(&url)?;
        let backup = Backup::new(&url, &self.file, self.force).map_err(told)?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let checked = runtime.block_on(watched(backup)).map_err(told)?;
        print(&format!("{}: {}\n", self.file.display(), contents(&checked)))
    }
}

impl RestoreArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let url = common.settings()?.database.url;
        if !self.file.try_exists().map_err(|error| CliError::failed(&error))? {
            return Err(CliError::Usage(format!(
                "there is no backup {}: it is a file that `ratchet backup` made",
                self.file.display()
            )));
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let Restored { checked, aside } = runtime
            .block_on(restore(&self.file, &url, self.force))
            .map_err(told)?;
        let mut text = format!("{url}: {}\n", contents(&checked));
        if let Some(aside) = aside {
            text.push_str(&format!("the former database is {}\n", aside.display()));
        }
        if checked.pending > 0 {
            text.push_str(&format!(
                "{} migrations are pending: `ratchet serve` applies them\n",
                checked.pending
            ));
        }
        text.push_str(
            "what happened since the backup is not in it: ticks are missed, and jobs may run again\n",
        );
        print(&text)
    }
}

/// Says on a terminal how far it is.
async fn watched(backup: Backup) -> Result<Checked, BackupError> {
    if !std::io::stderr().is_terminal() {
        return backup.make().await;
    }
    let (partial, size) = backup.progress()?;
    let mut made = pin!(backup.make());
    let mut interval = tokio::time::interval(PROGRESS);
    let tell = |words: &str| {
        let mut stderr = std::io::stderr().lock();
        // Where standard error is gone, nobody misses the progress.
        if write!(stderr, "\r{words}").and_then(|()| stderr.flush()).is_err() {}
    };
    let mut told = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut made => break outcome,
            _ = interval.tick() => {
                // It has got its name meanwhile, or is gone.
                if let Ok(found) = std::fs::metadata(&partial) {
                    let words = format!("{} of about {}", mebibytes(found.len()), mebibytes(size));
                    told = told.max(words.len());
                    tell(&words);
                }
            }
        }
    };
    tell(&format!("{:told$}\r", ""));
    outcome
}

fn contents(checked: &Checked) -> String {
    let Checked {
        bytes,
        schema,
        pending: _,
        rows,
    } = checked;
    let rows: Vec<String> = rows
        .iter()
        .map(|(table, count)| format!("{count} {table}"))
        .collect();
    format!(
        "{}, sound, schema {schema}; {}",
        mebibytes(*bytes),
        rows.join(", ")
    )
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn told(error: BackupError) -> CliError {
    match error {
        BackupError::Server { .. } | BackupError::Exists { .. } => CliError::usage(&error),
        other => CliError::failed(&other),
    }
}
