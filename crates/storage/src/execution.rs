use std::sync::Arc;

use async_trait::async_trait;
use ratchet_interfaces::{
    Execution, ExecutionFilter, ExecutionId, ExecutionLogLine, ExecutionRepository, Page, PageRequest,
    RepositoryError, SortOrder,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait};

use crate::batch::Batch;
use crate::failure::{During, Violation, violation};
use crate::paging::page;
use crate::row::execution::{Column, Entity, read};
use crate::row::execution_log;
use crate::store::Store;
use crate::writer::WriteError;

/// The tables `executions` and `execution_logs`.
pub(crate) struct Executions {
    store: Arc<Store>,
}

impl Executions {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl ExecutionRepository for Executions {
    async fn execution_find(&self, id: ExecutionId) -> Result<Option<Execution>, RepositoryError> {
        Entity::find_by_id(id.as_uuid())
            .one(&self.store.reader)
            .await
            .during("looking for an execution")?
            .map(read)
            .transpose()
    }

    async fn execution_list(
        &self,
        filter: &ExecutionFilter,
        request: PageRequest,
    ) -> Result<Page<Execution>, RepositoryError> {
        let ExecutionFilter { job_id, status } = filter;
        let condition = Condition::all()
            .add_option(job_id.map(|id| Column::JobId.eq(id.as_uuid())))
            .add_option(status.map(|status| Column::Status.eq(status.as_str())));
        let keys = [
            (Column::StartedAt, SortOrder::Descending),
            (Column::Id, SortOrder::Descending),
        ];
        page::<Entity, _>(
            &self.store.reader,
            condition,
            &keys,
            request,
            "listing executions",
            read,
        )
        .await
    }

    async fn execution_log_append(&self, lines: &[ExecutionLogLine]) -> Result<(), RepositoryError> {
        let rows = Batch::all(
            self.store.backend(),
            execution_log::COLUMNS,
            lines,
            execution_log::push,
        );
        let Some(first) = lines.first() else {
            return Ok(());
        };
        match self
            .store
            .writer
            .write(rows, |rows, transaction| Box::pin(append(rows, transaction)))
            .await
        {
            Ok(()) => Ok(()),
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Reference) => {
                Err(RepositoryError::BrokenReference {
                    what: "execution log",
                    id: first.execution_id.to_string(),
                })
            }
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Unique) => {
                Err(RepositoryError::AlreadyExists {
                    what: "line of an execution's log",
                    field: "seq",
                    value: format!("{} of {} or a later one", first.seq, first.execution_id),
                })
            }
            Err(error) => Err(error.during("adding to the log of an execution")),
        }
    }

    async fn execution_log_list(
        &self,
        id: ExecutionId,
        request: PageRequest,
    ) -> Result<Page<ExecutionLogLine>, RepositoryError> {
        page::<execution_log::Entity, _>(
            &self.store.reader,
            Condition::all().add(execution_log::Column::ExecutionId.eq(id.as_uuid())),
            &[(execution_log::Column::Seq, SortOrder::Ascending)],
            request,
            "listing the log of an execution",
            execution_log::read,
        )
        .await
    }
}

async fn append(rows: &[Batch], transaction: &DatabaseTransaction) -> Result<(), WriteError> {
    for batch in rows {
        transaction
            .execute_raw(batch.insert("execution_logs", ""))
            .await?;
    }
    Ok(())
}
