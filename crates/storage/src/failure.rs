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

/// Primary result codes of SQLite that blame the rows: too large, a constraint, a value of the wrong type.
const SQLITE_BLAMES_THE_ROWS: [i32; 3] = [18, 19, 20];
/// Damaged, and no database at all.
const SQLITE_DAMAGED: [i32; 2] = [11, 26];

/// Classes of PostgreSQL's SQLSTATE that blame the rows: data, a constraint, a program limit (a text that is too
/// long for its index).
const POSTGRES_BLAMES_THE_ROWS: [&str; 3] = ["22", "23", "54"];
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

/// What a caller makes of an error. [`RepositoryError::Refused`] makes it give the rows up, so that it is only for
/// errors that the rows would meet on every working database. Whatever else a database says is an outage, also what
/// nobody thought of: one that can only be read after a failover, a file that is damaged, a table or a permission that
/// is missing. An operator mends those, and the rows are to be there when that is done.
pub(crate) fn repository_error(error: DbErr, during: &'static str) -> RepositoryError {
    if blames_the_rows(&error) {
        RepositoryError::Refused {
            during,
            source: Box::new(error),
        }
    } else {
        RepositoryError::Unavailable {
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

/// The column of a row whose value is none of the type that it is read as.
pub(crate) fn undecoded_column(error: &DbErr) -> Option<&str> {
    match sqlx_error(error)? {
        // It is written as it would be in a program.
        sqlx::Error::ColumnDecode { index, .. } => Some(index.trim_matches('"')),
        _ => None,
    }
}

fn blames_the_rows(error: &DbErr) -> bool {
    let Some(sqlx) = sqlx_error(error) else {
        // A column that does not hold what its row's model says.
        return matches!(error, DbErr::Type(_) | DbErr::Json(_));
    };
    if matches!(
        sqlx,
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. }
    ) {
        return true;
    }
    sqlite_code(sqlx).is_some_and(|code| SQLITE_BLAMES_THE_ROWS.contains(&code))
        || postgres_code(sqlx).is_some_and(|code| {
            POSTGRES_BLAMES_THE_ROWS
                .iter()
                .any(|class| code.starts_with(class))
        })
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

/// A transaction that was broken off as a whole: it was undone with its group, or its commit was not answered and it
/// may be on disk or not. No row is to blame, and it may go through another time.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was broken off")]
pub(crate) struct Undone {
    #[source]
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, Database};

    use super::*;

    #[tokio::test]
    async fn sqlite_blames_rows_for_what_they_hold_and_for_nothing_else() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        db.execute_unprepared("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER) STRICT")
            .await
            .unwrap();
        db.execute_unprepared("INSERT INTO t VALUES (1, 'taken', 1)")
            .await
            .unwrap();
        for (sql, blamed) in [
            ("INSERT INTO t VALUES (2, 'taken', 1)", true),
            ("INSERT INTO t VALUES (2, 'free', 'no number')", true),
            ("INSERT INTO t VALUES ('no number', 'free', 1)", true),
            ("INSERT INTO t VALUES (2, zeroblob(2000000000), 1)", true),
            ("INSERT INTO missing VALUES (1)", false),
            ("SELECT json_extract('no json', '$')", false),
            (
                "PRAGMA query_only = ON; INSERT INTO t VALUES (3, 'read only', 1)",
                false,
            ),
        ] {
            let error = db.execute_unprepared(sql).await.unwrap_err();
            let told = repository_error(error, "testing");
            assert_eq!(told.is_transient(), !blamed, "{sql}: {told:?}");
        }
    }
}
