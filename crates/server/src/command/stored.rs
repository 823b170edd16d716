use std::sync::Arc;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use ratchet_interfaces::RepositoryFactory;
use ratchet_storage::{Database, MigrationState};

use crate::cli::{CliError, CommonArgs};

/// Reads from the database of the settings, beside a server that may be running on it. The database is neither made nor
/// brought up.
pub(crate) fn read_from<T>(
    common: &CommonArgs,
    read: impl AsyncFnOnce(Arc<dyn RepositoryFactory>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let url = common.settings()?.database.url;
    if let Some(file) = url.file()
        && !file.try_exists().map_err(|error| CliError::failed(&error))?
    {
        return Err(CliError::Failed(format!(
            "the database file {} does not exist; `ratchet serve` makes it",
            file.display()
        )));
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
    runtime.block_on(async {
        let database = Database::open(url.clone())
            .await
            .map_err(|error| CliError::failed(&error))?;
        let migrations = database
            .migration_status()
            .await
            .map_err(|error| CliError::failed(&error))?;
        if migrations.iter().any(|MigrationState { applied, .. }| !applied) {
            return Err(CliError::Failed(format!(
                "{url} lacks tables of this version; `ratchet serve` and `ratchet migrate up` make them"
            )));
        }
        let answer = read(database.repositories()).await;
        database.close().await.map_err(|error| CliError::failed(&error))?;
        answer
    })
}

/// An instant that was typed.
pub(crate) fn instant(flag: &str, text: &str) -> Result<DateTime<Utc>, CliError> {
    DateTime::<FixedOffset>::parse_from_rfc3339(text)
        .map(|instant| instant.to_utc())
        .map_err(|error| {
            CliError::Usage(format!(
                "{flag} is \"{text}\": an instant is written as in 2026-03-28T09:00:00Z ({error})"
            ))
        })
}

/// Whether a range that was typed ends after it begins.
pub(crate) fn in_order(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<(), CliError> {
    if from < to {
        return Ok(());
    }
    let written = |instant: DateTime<Utc>| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    Err(CliError::Usage(format!(
        "--to is \"{}\": it must be later than --from, which is {}",
        written(to),
        written(from)
    )))
}
