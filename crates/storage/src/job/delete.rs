use ratchet_interfaces::{JobDeletion, JobId, JobStatus, RepositoryError, ScheduleId, TaskId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use crate::row::Reading;
use crate::writer::{Transaction, WriteError, Writer};

const PENDING: &str = "SELECT COUNT(*) FROM deliveries WHERE job_id = $1 AND status = 'pending'";

const AWAITED: &str = "SELECT w.id FROM job_dependencies AS d JOIN jobs AS w ON w.id = d.job_id
    WHERE d.after_id = $1 AND w.status = 'blocked' LIMIT 1";

/// What belongs to a job, in an order in which it can go; the rest goes with the job itself.
const DELETE: [&str; 3] = [
    "DELETE FROM execution_logs WHERE execution_id IN (SELECT id FROM executions WHERE job_id = $1)",
    "DELETE FROM executions WHERE job_id = $1",
    "DELETE FROM jobs WHERE id = $1",
];

pub(super) async fn delete(writer: &Writer, id: JobId) -> Result<JobDeletion, RepositoryError> {
    writer
        .write(id, |id, transaction| Box::pin(write(*id, transaction)))
        .await
        .map_err(|error| error.during("deleting a job"))
}

async fn write(id: JobId, transaction: &Transaction<'_>) -> Result<JobDeletion, WriteError> {
    // Or else it could be put back into the queue before it is deleted.
    let find = match transaction.get_database_backend() {
        DbBackend::Postgres => "SELECT status, task_id, schedule_id FROM jobs WHERE id = $1 FOR UPDATE",
        _ => "SELECT status, task_id, schedule_id FROM jobs WHERE id = $1",
    };
    let Some(row) = first(find, id, transaction).await? else {
        return Err(RepositoryError::NotFound {
            what: "job",
            id: id.to_string(),
        }
        .into());
    };
    let (task_id, schedule_id) = (told(&row, 1), told(&row, 2));
    let status: String = row.try_get_by_index(0)?;
    let status: JobStatus = Reading::of("job", &id).name("status", &status)?;
    if !matches!(
        status,
        JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
    ) {
        return Ok(JobDeletion::Unfinished(status));
    }
    if let Some(row) = first(PENDING, id, transaction).await? {
        let pending: i64 = row.try_get_by_index(0)?;
        if pending > 0 {
            return Ok(JobDeletion::Undelivered(pending.unsigned_abs()));
        }
    }
    if let Some(row) = first(AWAITED, id, transaction).await? {
        let by: Uuid = row.try_get_by_index(0)?;
        return Ok(JobDeletion::AwaitedBy(JobId::from_uuid(by)));
    }
    for sql in DELETE {
        transaction.execute_raw(of(sql, id, transaction)).await?;
    }
    Ok(JobDeletion::Deleted {
        task_id: task_id.map(TaskId::from_uuid),
        schedule_id: schedule_id.map(ScheduleId::from_uuid),
    })
}

/// An id that is only told of: a damaged one does not keep the row.
pub(crate) fn told(row: &QueryResult, place: usize) -> Option<Uuid> {
    row.try_get_by_index(place).ok().flatten()
}

async fn first(
    sql: &str,
    id: JobId,
    transaction: &Transaction<'_>,
) -> Result<Option<QueryResult>, WriteError> {
    Ok(transaction.query_one_raw(of(sql, id, transaction)).await?)
}

fn of(sql: &str, id: JobId, transaction: &Transaction<'_>) -> Statement {
    Statement::from_sql_and_values(transaction.get_database_backend(), sql, [id.as_uuid().into()])
}
