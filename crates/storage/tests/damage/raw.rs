use ratchet_storage::test_support::TestDatabase;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// Runs statements behind the repositories' back, on a connection to which no check and no foreign key is sacred.
pub(crate) async fn damage(database: &TestDatabase, statements: &[&str]) {
    if database.file().is_some() {
        let mut connection = sqlite(database).await;
        for sql in statements {
            connection.execute(AssertSqlSafe(*sql)).await.unwrap();
        }
        connection.close().await.unwrap();
    } else {
        let mut connection = postgres(database).await;
        for sql in statements {
            connection.execute(AssertSqlSafe(*sql)).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}

/// Rows of two texts, read behind the repositories' back.
pub(crate) async fn texts(database: &TestDatabase, sql: &str) -> Vec<(String, Option<String>)> {
    let sql = AssertSqlSafe(sql);
    if database.file().is_some() {
        let mut connection = sqlite(database).await;
        sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
    } else {
        let mut connection = postgres(database).await;
        sqlx::query_as(sql).fetch_all(&mut connection).await.unwrap()
    }
}

async fn sqlite(database: &TestDatabase) -> SqliteConnection {
    let mut connection = SqliteConnection::connect(database.url()).await.unwrap();
    for first in [
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA foreign_keys = OFF",
    ] {
        connection.execute(first).await.unwrap();
    }
    connection
}

async fn postgres(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(database.url()).await.unwrap()
}
