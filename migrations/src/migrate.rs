use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{DbErr, MigratorTrait, SchemaManager};

use crate::{MigrationError, Migrator};

/// Two processes that migrate one PostgreSQL database at the same time take turns on this advisory lock.
const POSTGRES_LOCK: i64 = 0x7261_7463_6865_7401;

/// Where one migration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name, which begins with its date.
    pub name: String,
    /// Whether it is applied.
    pub applied: bool,
}

/// Applies every pending migration in one transaction, and says how many there were. Two statements, both of them
/// reading, when there is none.
///
/// # Errors
/// [`MigrationError::Newer`] when the database holds a migration that this binary does not know.
pub async fn up(db: &DatabaseConnection) -> Result<usize, MigrationError> {
    let pending = pending(&status(db).await?);
    if pending == 0 {
        return Ok(0);
    }
    let failed = |source| MigrationError::Up { source };
    let transaction = begin(db).await.map_err(failed)?;
    Migrator::up(&transaction, None).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(pending)
}

/// Rolls back the last `steps` applied migrations in one transaction, with the data in their tables.
///
/// # Errors
/// [`MigrationError::Newer`] when the database holds a migration that this binary does not know.
pub async fn down(db: &DatabaseConnection, steps: u32) -> Result<(), MigrationError> {
    check_not_newer(db).await?;
    let failed = |source| MigrationError::Down { source };
    let transaction = begin(db).await.map_err(failed)?;
    Migrator::down(&transaction, Some(steps)).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Empties the database: rolls every migration back and applies them all again, in one transaction. Tables that
/// are not Ratchet's are left alone.
///
/// # Errors
/// [`MigrationError::Newer`] when the database holds a migration that this binary does not know.
pub async fn fresh(db: &DatabaseConnection) -> Result<(), MigrationError> {
    check_not_newer(db).await?;
    let transaction = begin(db)
        .await
        .map_err(|source| MigrationError::Down { source })?;
    Migrator::down(&transaction, None)
        .await
        .map_err(|source| MigrationError::Down { source })?;
    let failed = |source| MigrationError::Up { source };
    Migrator::up(&transaction, None).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Every migration that this binary knows, in order. Writes nothing, not even the table of migrations.
///
/// # Errors
/// [`MigrationError::Newer`] when the database holds a migration that this binary does not know.
pub async fn status(db: &DatabaseConnection) -> Result<Vec<MigrationState>, MigrationError> {
    let applied = applied(db)
        .await
        .map_err(|source| MigrationError::Inspect { source })?;
    let known = names();
    let unknown: Vec<String> = applied
        .iter()
        .filter(|name| !known.contains(name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(MigrationError::Newer { unknown });
    }
    Ok(known
        .into_iter()
        .map(|name| MigrationState {
            applied: applied.contains(&name),
            name,
        })
        .collect())
}

/// The names of every migration that this binary knows, in order.
#[must_use]
pub fn names() -> Vec<String> {
    Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect()
}

/// Refuses a database that a newer binary has migrated.
///
/// # Errors
/// [`MigrationError::Newer`], which names the migrations that this binary does not know.
pub async fn check_not_newer(db: &DatabaseConnection) -> Result<(), MigrationError> {
    status(db).await.map(drop)
}

fn pending(states: &[MigrationState]) -> usize {
    states.iter().filter(|state| !state.applied).count()
}

/// The names of the applied migrations, those unknown to this binary included.
async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    // The migrator's own question for them fails on a name that it does not know, which is the very thing that is
    // wanted here.
    let table = Migrator::migration_table_name().to_string();
    if !SchemaManager::new(db).has_table(&table).await? {
        return Ok(Vec::new());
    }
    db.query_all_raw(Statement::from_string(
        db.get_database_backend(),
        format!("SELECT version FROM {table} ORDER BY version"),
    ))
    .await?
    .iter()
    .map(|row| row.try_get_by("version"))
    .collect()
}

/// Begins a transaction that no other migration runs beside.
async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction
            .execute_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                "SELECT pg_advisory_xact_lock($1)",
                [POSTGRES_LOCK.into()],
            ))
            .await?;
    }
    Ok(transaction)
}
