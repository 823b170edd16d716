mod delete;
mod list;
mod statistics;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Choice, Execution, ExecutionDeletion, ExecutionFilter, ExecutionId, ExecutionLogLine,
    ExecutionRepository, ExecutionSort, ExecutionStatistics, LogCondition, LogFilter, LogLevel, Page,
    PageRequest, Progress, RepositoryError, SortOrder,
};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait};

use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::failure::{Violation, violation};
use crate::list::{List, Rows, SortBy, page};
use crate::restriction::Restriction;
use crate::row::execution::{Entity, read};
use crate::row::{execution_log, found, json};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

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
        let rows = Entity::find_by_id(id.as_uuid());
        found::one(&self.store.reader, rows, "looking for an execution", read).await
    }

    async fn execution_list(
        &self,
        filter: &ExecutionFilter,
        sort: ExecutionSort,
        request: PageRequest,
    ) -> Result<Page<Execution>, RepositoryError> {
        let parts = list::parts(self.store.backend(), filter, sort);
        page(&self.store, &parts, request, "listing executions", read).await
    }

    async fn execution_delete(&self, id: ExecutionId) -> Result<ExecutionDeletion, RepositoryError> {
        delete::delete(&self.store.writer, id).await
    }

    async fn execution_statistics(
        &self,
        since: DateTime<Utc>,
    ) -> Result<ExecutionStatistics, RepositoryError> {
        statistics::of_all(&self.store.reader, since).await
    }

    async fn execution_tell(
        &self,
        lines: &[ExecutionLogLine],
        progress: &[(ExecutionId, Progress)],
    ) -> Result<(), RepositoryError> {
        let backend = self.store.backend();
        let told = Told {
            lines: Batch::all(backend, execution_log::COLUMNS, lines, execution_log::push),
            progress: Batch::all(backend, PROGRESS, progress, |batch, (id, progress)| {
                batch.push([Cell::Id(id.as_uuid()), Cell::Text(&json(progress))]);
            }),
        };
        if told.lines.is_empty() && told.progress.is_empty() {
            return Ok(());
        }
        let written = self
            .store
            .writer
            .write(told, |told, transaction| Box::pin(tell(told, transaction)))
            .await;
        match (written, lines.first()) {
            (Ok(()), _) => Ok(()),
            (Err(WriteError::Database(error)), Some(first))
                if violation(&error) == Some(Violation::Unique) =>
            {
                Err(RepositoryError::AlreadyExists {
                    what: "line of an execution's log",
                    field: "seq",
                    value: format!("{} of {} or a later one", first.seq, first.execution_id),
                })
            }
            (Err(error), _) => Err(error.during("noting what tasks say")),
        }
    }

    async fn execution_log_list(
        &self,
        id: ExecutionId,
        filter: &LogFilter,
        request: PageRequest,
    ) -> Result<Page<ExecutionLogLine>, RepositoryError> {
        let parts = lines(self.store.backend(), id, filter).parts();
        page(
            &self.store,
            &parts,
            request,
            "listing the log of an execution",
            execution_log::read,
        )
        .await
    }
}

/// The lines of one execution lie together, in their order.
fn lines(backend: DbBackend, id: ExecutionId, filter: &LogFilter) -> List {
    let mut restriction = Restriction::none(backend);
    restriction.choice("execution_id", &Choice::Is(id));
    for condition in filter.conditions() {
        match condition {
            LogCondition::Seq(bound) => restriction.bound("seq", bound),
            LogCondition::At(bound) => restriction.time("logged_at", bound),
            LogCondition::Level(bound) => restriction.ranked("level", LogLevel::ALL, bound),
            LogCondition::Message(text) => restriction.text("message", text),
        }
    }
    List {
        table: "execution_logs",
        key: &["execution_id", "seq"],
        restriction,
        sort: SortBy::Key(SortOrder::Ascending),
        rows: Rows::InOrder,
        rest_of: None,
    }
}

/// What running tasks say of themselves.
#[derive(Debug)]
struct Told {
    lines: Vec<Batch>,
    progress: Vec<Batch>,
}

const PROGRESS: &[BatchColumn] = &[("execution_id", Kind::Id), ("progress", Kind::Text)];

/// Few jobs run, so they are looked through.
const SET_PROGRESS: &str = "UPDATE jobs AS j SET progress = b.progress FROM {batch} AS b
    WHERE j.status = 'processing' AND j.execution_id = b.execution_id";

async fn tell(told: &Told, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for batch in &told.lines {
        transaction
            .execute_raw(batch.insert("execution_logs", ""))
            .await?;
    }
    for batch in &told.progress {
        transaction.execute_raw(batch.statement(SET_PROGRESS, [])).await?;
    }
    Ok(())
}
