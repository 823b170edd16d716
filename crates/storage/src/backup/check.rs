use std::path::Path;

use ratchet_migrations::MigrationState;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};

use super::BackupError;
use crate::StorageError;
use crate::sqlite::SqliteFile;

/// How many damages are asked for.
const DAMAGES: u32 = 5;

/// The tables that are counted.
const COUNTED: [&str; 6] = ["tasks", "schedules", "ticks", "jobs", "executions", "deliveries"];

/// What is in a backup that was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How large it is.
    pub bytes: u64,
    /// The last migration that it has.
    pub schema: String,
    /// How many migrations of this binary it lacks; a server applies them at its start.
    pub pending: usize,
    /// The tables that say most, and how many rows each has.
    pub rows: Vec<(&'static str, u64)>,
}

/// Reads a file that nobody writes to as a whole.
pub(super) async fn check(path: &Path) -> Result<Checked, BackupError> {
    let bytes = std::fs::metadata(path).map_err(|source| BackupError::File {
        during: "looking at the file",
        path: path.to_owned(),
        source,
    })?;
    let file = SqliteFile::to_examine(path);
    let db = file
        .examiner(true)
        .await
        .map_err(|source| file.cannot_open(source))?;
    let found = looked_at(&db, path, &file, bytes.len()).await;
    db.close()
        .await
        .map_err(|source| StorageError::Close { source })?;
    found
}

async fn looked_at(
    db: &DatabaseConnection,
    path: &Path,
    file: &SqliteFile,
    bytes: u64,
) -> Result<Checked, BackupError> {
    let unknown = |source| file.cannot_examine(source);
    let damages = damages(db).await.map_err(unknown)?;
    if !damages.is_empty() {
        return Err(BackupError::Damaged {
            path: path.to_owned(),
            damages,
        });
    }
    let migrations = ratchet_migrations::status(db).await.map_err(StorageError::from)?;
    let (applied, pending): (Vec<_>, Vec<_>) = migrations.into_iter().partition(|state| state.applied);
    let Some(MigrationState { name: schema, .. }) = applied.into_iter().next_back() else {
        return Err(BackupError::Foreign {
            path: path.to_owned(),
        });
    };
    let mut rows = Vec::with_capacity(COUNTED.len());
    for table in COUNTED {
        let counted = all(db, &format!("SELECT COUNT(*) FROM {table}"))
            .await
            .map_err(unknown)?;
        let count = match counted.first() {
            Some(row) => row.try_get_by_index::<i64>(0).map_err(unknown)?,
            None => 0,
        };
        rows.push((table, count.unsigned_abs()));
    }
    Ok(Checked {
        bytes,
        schema,
        pending: pending.len(),
        rows,
    })
}

async fn damages(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let mut damages = Vec::new();
    for row in all(db, &format!("PRAGMA integrity_check({DAMAGES})")).await? {
        damages.push(row.try_get_by_index::<String>(0)?);
    }
    damages.retain(|damage| damage != "ok");
    let astray = all(db, "PRAGMA foreign_key_check").await?;
    if let Some(first) = astray.first() {
        let table: String = first.try_get_by_index(0)?;
        damages.push(format!(
            "{} rows refer to others that are not there, the first in {table}",
            astray.len()
        ));
    }
    Ok(damages)
}

async fn all(db: &DatabaseConnection, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
    db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
}
