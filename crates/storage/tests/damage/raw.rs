use ratchet_storage::test_support::TestDatabase;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// Runs statements behind the repositories' back, on a connection to which no check and no foreign key is sacred.
pub(crate) async fn damage(database: &TestDatabase, statements: &[&str]) {
    if database.file().is_some() {
        let mut connection = SqliteConnection::connect(database.url()).await.unwrap();
        for first in [
            "PRAGMA ignore_check_constraints = ON",
            "PRAGMA foreign_keys = OFF",
        ] {
            connection.execute(first).await.unwrap();
        }
        for sql in statements {
            connection.execute(AssertSqlSafe(*sql)).await.unwrap();
        }
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(database.url()).await.unwrap();
        for sql in statements {
            connection.execute(AssertSqlSafe(*sql)).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}
