use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::failure::is_lost_connection;
use crate::postgres;

/// The connections that read. A question that hit upon a lost connection is asked again on another one: after a
/// server was restarted, every connection that the pool has kept is lost.
#[derive(Clone, Debug)]
pub(crate) struct Reader(DatabaseConnection);

impl Reader {
    pub(crate) const fn new(db: DatabaseConnection) -> Self {
        Self(db)
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.0.close_by_ref().await
    }
}

#[async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        for _ in 0..postgres::CONNECTIONS {
            match self.0.query_one_raw(statement.clone()).await {
                Err(error) if is_lost_connection(&error) => {}
                answer => return answer,
            }
        }
        self.0.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        for _ in 0..postgres::CONNECTIONS {
            match self.0.query_all_raw(statement.clone()).await {
                Err(error) if is_lost_connection(&error) => {}
                answer => return answer,
            }
        }
        self.0.query_all_raw(statement).await
    }
}
