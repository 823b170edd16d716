use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::sqlite::Session;

/// What a write verb runs its statements in. Whoever runs the verb begins and ends it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transaction<'a> {
    File(&'a Session),
    Pool(&'a DatabaseTransaction),
}

#[async_trait]
impl ConnectionTrait for Transaction<'_> {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::File(_) => DbBackend::Sqlite,
            Self::Pool(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::File(session) => session.execute(statement).await,
            Self::Pool(transaction) => transaction.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        // SeaORM's trait has it. Here nobody calls it.
        Err(DbErr::Custom(format!(
            "to be executed without being prepared: {sql}"
        )))
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::File(session) => session.query_one(statement).await,
            Self::Pool(transaction) => transaction.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::File(session) => session.query_all(statement).await,
            Self::Pool(transaction) => transaction.query_all_raw(statement).await,
        }
    }
}
