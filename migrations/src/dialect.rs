use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// What the two databases call differently. A statement of a migration is written once, with these in braces:
///
/// | in braces | SQLite | PostgreSQL | holds |
/// |---|---|---|---|
/// | `id` | `BLOB` | `uuid` | a UUID |
/// | `int` | `INTEGER` | `bigint` | a number, or microseconds (an instant: since 1970 in UTC) |
/// | `bool` | `INTEGER` | `boolean` | |
/// | `small` | `INTEGER` | `smallint` | |
/// | `name` | `TEXT` | `text COLLATE "C"` | a text that both databases must sort alike |
/// | `table` | `STRICT` | | after a table |
/// | `clustered` | `STRICT, WITHOUT ROWID` | | after a table of short rows that are read by their key |
pub(crate) const WORDS: &[(&str, &str, &str)] = &[
    ("{id}", "BLOB", "uuid"),
    ("{int}", "INTEGER", "bigint"),
    ("{bool}", "INTEGER", "boolean"),
    ("{small}", "INTEGER", "smallint"),
    ("{name}", "TEXT", "text COLLATE \"C\""),
    ("{table}", "STRICT", ""),
    ("{clustered}", "STRICT, WITHOUT ROWID", ""),
];

/// Runs one statement in the words of the database.
pub(crate) async fn execute(db: &impl ConnectionTrait, statement: &str) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let sql = WORDS
        .iter()
        .fold(statement.to_owned(), |sql, (word, sqlite, postgres)| {
            sql.replace(
                word,
                match backend {
                    DbBackend::Postgres => postgres,
                    _ => sqlite,
                },
            )
        });
    db.execute_raw(Statement::from_string(backend, sql)).await?;
    Ok(())
}
