//! What a database's refusal means: the one place that reads error codes.

use std::error::Error;

use ratchet_interfaces::RepositoryError;
use sea_orm::sqlx::error::{DatabaseError, ErrorKind};
use sea_orm::sqlx::postgres::PgDatabaseError;
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Which rule a refused write would have broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    Unique,
    Reference,
}

/// Primary result codes of SQLite that another time may not come: busy, locked, no memory, input or output error,
/// full, cannot open.
const SQLITE_TRANSIENT: [i32; 6] = [5, 6, 7, 10, 13, 14];
/// Damaged, and no database at all.
const SQLITE_DAMAGED: [i32; 2] = [11, 26];

/// Classes of PostgreSQL's SQLSTATE that another time may not come: connection, transaction rollback, out of
/// resources, object in use, operator intervention, system error.
const POSTGRES_TRANSIENT: [&str; 6] = ["08", "40", "53", "55", "57", "58"];
/// Serialization failure and deadlock: the same transaction goes through when it is repeated.
const POSTGRES_REPEATABLE: [&str; 2] = ["40001", "40P01"];

pub(crate) fn violation(error: &DbErr) -> Option<Violation> {
    match database_error(sqlx_error(error)?)?.kind() {
        ErrorKind::UniqueViolation => Some(Violation::Unique),
        ErrorKind::ForeignKeyViolation => Some(Violation::Reference),
        _ => None,
    }
}

/// Whether the transaction lost against another and goes through when it is repeated.
pub(crate) fn is_repeatable(error: &DbErr) -> bool {
    sqlx_error(error)
        .and_then(postgres_code)
        .is_some_and(|code| POSTGRES_REPEATABLE.contains(&code))
}

/// Whether the connection is gone; another may work.
pub(crate) fn is_lost_connection(error: &DbErr) -> bool {
    sqlx_error(error).is_some_and(|error| match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        _ => postgres_code(error).is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
    })
}

/// Whether SQLite says that the file is no database, or not any more.
pub(crate) fn is_damaged(error: &sqlx::Error) -> bool {
    sqlite_code(error).is_some_and(|code| SQLITE_DAMAGED.contains(&code))
}

/// For an error that is not the fault of the rows.
pub(crate) fn repository_error(error: DbErr, during: &'static str) -> RepositoryError {
    if is_transient(&error) {
        RepositoryError::Unavailable {
            during,
            source: Box::new(error),
        }
    } else {
        RepositoryError::Refused {
            during,
            source: Box::new(error),
        }
    }
}

/// `refused` for a result of the database.
pub(crate) trait During<T> {
    fn during(self, what: &'static str) -> Result<T, RepositoryError>;
}

impl<T> During<T> for Result<T, DbErr> {
    fn during(self, what: &'static str) -> Result<T, RepositoryError> {
        self.map_err(|error| repository_error(error, what))
    }
}

fn is_transient(error: &DbErr) -> bool {
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return true;
    }
    let Some(sqlx) = sqlx_error(error) else {
        return false;
    };
    is_lost_connection(error)
        || matches!(sqlx, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
        || sqlite_code(sqlx).is_some_and(|code| SQLITE_TRANSIENT.contains(&code))
        || postgres_code(sqlx)
            .is_some_and(|code| POSTGRES_TRANSIENT.iter().any(|class| code.starts_with(class)))
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn database_error(error: &sqlx::Error) -> Option<&dyn DatabaseError> {
    error.as_database_error()
}

fn postgres_code(error: &sqlx::Error) -> Option<&str> {
    database_error(error)?
        .try_downcast_ref::<PgDatabaseError>()
        .map(PgDatabaseError::code)
}

/// The primary result code; SQLite's extended codes have it in their lowest byte.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let error = database_error(error)?;
    if error.try_downcast_ref::<PgDatabaseError>().is_some() {
        return None;
    }
    error.code()?.parse::<i32>().ok().map(|extended| extended & 0xff)
}

/// A transaction that was undone with its group: nothing was written, and it may go through another time.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was undone")]
pub(crate) struct Undone {
    #[source]
    pub(crate) source: Box<dyn Error + Send + Sync>,
}
