use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions, Connection};
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Mutex, MutexGuard};

use crate::statement_count::StatementCount;

/// A connection to a SQLite file, whose statements run one after the other.
///
/// It is not one of sqlx's pool: for every statement, and for every transaction, that pool also starts a task and has the
/// thread of the connection answer a ping, which takes as long as a short statement does.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Mutex<SqliteConnection>,
    count: StatementCount,
}

impl Session {
    pub(crate) async fn open(
        options: &SqliteConnectOptions,
        count: &StatementCount,
    ) -> Result<Self, sqlx::Error> {
        // Its settings.
        count.add_one();
        Ok(Self {
            connection: Mutex::new(options.connect().await?),
            count: count.clone(),
        })
    }

    pub(crate) async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut connection = self.next().await;
        let row = prepared(statement).fetch_optional(&mut *connection).await;
        Ok(row.map_err(querying)?.map(QueryResult::from))
    }

    pub(crate) async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut connection = self.next().await;
        let rows = prepared(statement).fetch_all(&mut *connection).await;
        Ok(rows
            .map_err(querying)?
            .into_iter()
            .map(QueryResult::from)
            .collect())
    }

    pub(crate) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut connection = self.next().await;
        let outcome = prepared(statement).execute(&mut *connection).await;
        outcome.map(ExecResult::from).map_err(executing)
    }

    /// Runs a statement that takes no values.
    pub(crate) async fn run(&self, sql: &'static str) -> Result<(), DbErr> {
        let mut connection = self.next().await;
        sqlx::query(sql)
            .execute(&mut *connection)
            .await
            .map(drop)
            .map_err(executing)
    }

    /// Returns when what it was told to do is done. Says whether it can be told more.
    pub(crate) async fn is_idle(&self) -> bool {
        self.connection.lock().await.ping().await.is_ok()
    }

    pub(crate) async fn close(self) -> Result<(), DbErr> {
        self.connection.into_inner().close().await.map_err(connecting)
    }

    async fn next(&self) -> MutexGuard<'_, SqliteConnection> {
        self.count.add_one();
        self.connection.lock().await
    }
}

fn prepared(statement: Statement) -> Query<'static, Sqlite, SqlxValues> {
    let Statement { sql, values, .. } = statement;
    // It was built by SeaORM, or is one of ours: what users gave is in the values.
    sqlx::query_with(
        AssertSqlSafe(sql),
        SqlxValues(values.unwrap_or(Values(Vec::new()))),
    )
}

pub(crate) fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

fn querying(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn executing(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}
