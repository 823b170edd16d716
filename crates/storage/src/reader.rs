//! The one way to read. A statement has a connection to itself for as long as it runs:
//!
//! ```text
//!  SQLite      a few sessions that only read
//!  PostgreSQL  the pool
//! ```

mod sessions;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::failure::is_lost_connection;
use crate::postgres;
use crate::sqlite::SqliteFile;
use sessions::Sessions;

/// The connections that read.
#[derive(Debug)]
pub(crate) enum Reader {
    File(Sessions),
    /// A question that hit upon a lost connection is asked again on another one: after a server was restarted, every
    /// connection that the pool has kept is lost.
    Pool(DatabaseConnection),
}

impl Reader {
    pub(crate) fn of_file(file: &SqliteFile) -> Self {
        Self::File(Sessions::of(file))
    }

    pub(crate) const fn pooled(db: DatabaseConnection) -> Self {
        Self::Pool(db)
    }

    /// Returns when every question is answered and the connections are closed.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        match self {
            Self::File(sessions) => sessions.close().await,
            Self::Pool(db) => db.close_by_ref().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::File(_) => DbBackend::Sqlite,
            Self::Pool(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        Err(only_reads(&statement.sql))
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        Err(only_reads(sql))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let db = match self {
            Self::File(sessions) => return sessions.query_one(statement).await,
            Self::Pool(db) => db,
        };
        for _ in 0..postgres::CONNECTIONS {
            match db.query_one_raw(statement.clone()).await {
                Err(error) if is_lost_connection(&error) => {}
                answer => return answer,
            }
        }
        db.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let db = match self {
            Self::File(sessions) => return sessions.query_all(statement).await,
            Self::Pool(db) => db,
        };
        for _ in 0..postgres::CONNECTIONS {
            match db.query_all_raw(statement.clone()).await {
                Err(error) if is_lost_connection(&error) => {}
                answer => return answer,
            }
        }
        db.query_all_raw(statement).await
    }
}

/// SeaORM's trait has verbs that change something. Here nobody calls them.
fn only_reads(sql: &str) -> DbErr {
    DbErr::Custom(format!("a connection that only reads was to execute: {sql}"))
}
