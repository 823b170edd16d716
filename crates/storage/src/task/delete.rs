//! The end of a task, with all that its jobs left.

use ratchet_interfaces::{JobId, RepositoryError, TaskDeletion, TaskId, TaskUse};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};
use uuid::Uuid;

use super::change::check;
use crate::failure::{During, Violation, violation};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// Jobs that a task cannot be deleted with: those that have not ended, those whose results are still to be delivered, and
/// those that other jobs wait for.
const HELD: &str = "j.task_id = $1 AND (
        j.status NOT IN ('completed', 'failed', 'cancelled')
        OR EXISTS (SELECT 1 FROM deliveries AS d WHERE d.job_id = j.id AND d.status = 'pending')
        OR EXISTS (SELECT 1 FROM job_dependencies AS d JOIN jobs AS w ON w.id = d.job_id
                   WHERE d.after_id = j.id AND w.status = 'blocked'))";

/// What was left by the attempts at a task's jobs. No foreign keys do this; with a job go its deliveries.
const EMPTY: [&str; 2] = [
    "DELETE FROM execution_logs WHERE execution_id IN (
        SELECT e.id FROM jobs AS j JOIN executions AS e ON e.job_id = j.id WHERE j.task_id = $1)",
    "DELETE FROM executions WHERE job_id IN (SELECT j.id FROM jobs AS j WHERE j.task_id = $1)",
];

const DELETE_JOBS: &str =
    "DELETE FROM jobs WHERE task_id = $1 AND status IN ('completed', 'failed', 'cancelled')";

const DELETE: &str = "DELETE FROM tasks WHERE id = $1";

pub(super) async fn delete_with_jobs(
    store: &Store,
    id: TaskId,
    revision: u32,
) -> Result<TaskDeletion, RepositoryError> {
    const DURING: &str = "deleting a task with its jobs";
    let deletion = store
        .writer
        .write((id, revision), |(id, revision), transaction| {
            Box::pin(write(*id, *revision, transaction))
        })
        .await;
    match deletion {
        // On PostgreSQL one of its jobs may have been put back into the queue meanwhile.
        Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Reference) => {
            used_by(id, &store.reader)
                .await
                .during(DURING)
                .map(TaskDeletion::InUse)
        }
        deletion => deletion.map_err(|error| error.during(DURING)),
    }
}

async fn write(id: TaskId, revision: u32, transaction: &Transaction<'_>) -> Result<TaskDeletion, WriteError> {
    check(id, revision, transaction).await?;
    let task_use = used_by(id, transaction).await?;
    if !task_use.is_none() {
        return Ok(TaskDeletion::InUse(task_use));
    }
    for sql in EMPTY {
        execute(sql, id, transaction).await?;
    }
    let jobs = execute(DELETE_JOBS, id, transaction).await?;
    execute(DELETE, id, transaction).await?;
    Ok(TaskDeletion::Deleted { jobs })
}

async fn execute(sql: &str, id: TaskId, transaction: &Transaction<'_>) -> Result<u64, DbErr> {
    let backend = transaction.get_database_backend();
    let outcome = transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [id.as_uuid().into()],
        ))
        .await?;
    Ok(outcome.rows_affected())
}

async fn used_by(id: TaskId, db: &impl ConnectionTrait) -> Result<TaskUse, DbErr> {
    let most = TaskUse::MOST_NAMED;
    let ask = async |sql: String| {
        let backend = db.get_database_backend();
        db.query_all_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [id.as_uuid().into()],
        ))
        .await
    };
    let schedules = ask("SELECT COUNT(*) FROM schedules WHERE task_id = $1".to_owned()).await?;
    let names = ask(format!(
        "SELECT name FROM schedules WHERE task_id = $1 ORDER BY name LIMIT {most}"
    ))
    .await?;
    let jobs = ask(format!("SELECT COUNT(*) FROM jobs AS j WHERE {HELD}")).await?;
    let ids = ask(format!(
        "SELECT j.id FROM jobs AS j WHERE {HELD} ORDER BY j.id LIMIT {most}"
    ))
    .await?;
    Ok(TaskUse {
        schedules: count(&schedules)?,
        schedule_names: column::<String>(&names)?,
        jobs: count(&jobs)?,
        job_ids: column::<Uuid>(&ids)?.into_iter().map(JobId::from_uuid).collect(),
    })
}

fn count(rows: &[QueryResult]) -> Result<u64, DbErr> {
    rows.first()
        .map_or(Ok(0), |row| row.try_get_by_index::<i64>(0).map(i64::unsigned_abs))
}

fn column<T: sea_orm::TryGetable>(rows: &[QueryResult]) -> Result<Vec<T>, DbErr> {
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}
