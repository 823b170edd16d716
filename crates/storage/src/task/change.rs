//! Changes of one task by whoever owns it, each decided on one revision of its row.

use ratchet_interfaces::{RepositoryError, Task, TaskId};
use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, Statement};

use super::{gate, move_jobs};
use crate::batch::Batch;
use crate::row::task::{COLUMNS, Entity, push, read};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// A task that is to be stored.
#[derive(Debug)]
pub(super) struct Change {
    id: TaskId,
    revision: u32,
    row: Batch,
}

impl Change {
    pub(super) fn of(store: &Store, task: &Task) -> Self {
        let mut row = Batch::new(store.backend(), COLUMNS);
        push(&mut row, task);
        Self {
            id: task.definition.id,
            revision: task.revision,
            row,
        }
    }
}

pub(super) async fn create(change: &Change, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    transaction.execute_raw(change.row.insert("tasks", "")).await?;
    Ok(())
}

pub(super) async fn update(change: &Change, transaction: &Transaction<'_>) -> Result<Task, WriteError> {
    let kept = ["id", "created_at", "revision"];
    let values: Vec<String> = COLUMNS
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !kept.contains(name))
        .map(|name| format!("{name} = b.{name}"))
        .collect();
    let sql = format!(
        "UPDATE tasks AS t SET {}, revision = t.revision + 1 FROM {{batch}} AS b
         WHERE t.id = b.id AND t.revision = b.revision",
        values.join(", ")
    );
    let before = gate(change.id, transaction).await?;
    let updated = transaction.execute_raw(change.row.statement(&sql, [])).await?;
    if updated.rows_affected() == 0 {
        return Err(why_not(change.id, change.revision, transaction).await?);
    }
    if before != gate(change.id, transaction).await? {
        move_jobs(change.id, transaction).await?;
    }
    match Entity::find_by_id(change.id.as_uuid()).one(transaction).await? {
        Some(row) => Ok(read(row)?),
        None => Err(not_found(change.id).into()),
    }
}

/// Why a row was left as it is: that it is not there, or that it is of another revision.
async fn why_not(id: TaskId, revision: u32, transaction: &Transaction<'_>) -> Result<WriteError, WriteError> {
    Ok(match check(id, revision, transaction).await {
        Err(refusal) => refusal,
        // It has become what was expected since, which is no more what was changed.
        Ok(()) => WriteError::Conflict,
    })
}

/// Refuses a row that is not there, or is of another revision. On PostgreSQL nobody refers to the row anew, or changes
/// it, from then on.
pub(super) async fn check(
    id: TaskId,
    revision: u32,
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    let backend = transaction.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT revision FROM tasks WHERE id = $1 FOR UPDATE",
        _ => "SELECT revision FROM tasks WHERE id = $1",
    };
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [id.as_uuid().into()],
        ))
        .await?;
    let Some(row) = row else {
        return Err(not_found(id).into());
    };
    let found: i64 = row.try_get_by_index(0)?;
    if found == i64::from(revision) {
        return Ok(());
    }
    Err(RepositoryError::VersionConflict {
        what: "task",
        id: id.to_string(),
    }
    .into())
}

fn not_found(id: TaskId) -> RepositoryError {
    RepositoryError::NotFound {
        what: "task",
        id: id.to_string(),
    }
}
