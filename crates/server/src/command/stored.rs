use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use ratchet_interfaces::RepositoryFactory;
use ratchet_storage::{Database, DatabaseUrl, MigrationState};

use crate::cli::{CliError, CommonArgs};

/// Reads from the database of the settings, beside a server that may be running on it. The database is neither made nor
/// brought up.
pub(crate) fn read_from<T>(
    common: &CommonArgs,
    read: impl AsyncFnOnce(Arc<dyn RepositoryFactory>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let url = common.settings()?.database.url;
    refuse_missing_file(&url)?;
    run(async {
        let database = open(url.clone()).await?;
        if is_behind(&database).await? {
            return Err(CliError::Failed(format!(
                "{url} lacks tables of this version; `ratchet serve` and `ratchet migrate up` make them"
            )));
        }
        answer(database, read).await
    })
}

/// The error that the database's file does not exist: opening it would make the file of a mistyped name.
pub(crate) fn refuse_missing_file(url: &DatabaseUrl) -> Result<(), CliError> {
    match missing_file(url)? {
        Some(missing) => Err(CliError::Failed(missing)),
        None => Ok(()),
    }
}

/// Says that the database's file does not exist, and what makes it, if that is so.
pub(crate) fn missing_file(url: &DatabaseUrl) -> Result<Option<String>, CliError> {
    let Some(file) = url.file() else {
        return Ok(None);
    };
    let is_there = file.try_exists().map_err(|error| CliError::failed(&error))?;
    Ok((!is_there).then(|| {
        format!(
            "the database file {} does not exist; `ratchet serve` and `ratchet migrate up` make it",
            file.display()
        )
    }))
}

fn run<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
    runtime.block_on(work)
}

async fn open(url: DatabaseUrl) -> Result<Database, CliError> {
    Database::open(url)
        .await
        .map_err(|error| CliError::failed(&error))
}

async fn is_behind(database: &Database) -> Result<bool, CliError> {
    let migrations = database.migration_status().await;
    let migrations = migrations.map_err(|error| CliError::failed(&error))?;
    Ok(migrations.iter().any(|MigrationState { applied, .. }| !applied))
}

async fn answer<T>(
    database: Database,
    ask: impl AsyncFnOnce(Arc<dyn RepositoryFactory>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let answer = ask(database.repositories()).await;
    database.close().await.map_err(|error| CliError::failed(&error))?;
    answer
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
