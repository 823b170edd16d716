use ratchet_interfaces::{ExecutionDeletion, ExecutionId, JobId, RepositoryError, ScheduleId, TaskId};
use sea_orm::{ConnectionTrait, QueryResult, Statement};

use crate::job::told;
use crate::writer::{Transaction, WriteError, Writer};

const ENDED: &str = "SELECT e.job_id, j.task_id, j.schedule_id FROM executions AS e
    LEFT JOIN jobs AS j ON j.id = e.job_id WHERE e.id = $1";

/// Few jobs run, so they are looked through.
const RUNS: &str = "SELECT 1 FROM jobs WHERE status = 'processing' AND execution_id = $1";

const PENDING: &str = "SELECT COUNT(*) FROM deliveries WHERE execution_id = $1 AND status = 'pending'";

/// With the execution go its deliveries.
const DELETE: [&str; 2] = [
    "DELETE FROM execution_logs WHERE execution_id = $1",
    "DELETE FROM executions WHERE id = $1",
];

pub(super) async fn delete(writer: &Writer, id: ExecutionId) -> Result<ExecutionDeletion, RepositoryError> {
    writer
        .write(id, |id, transaction| Box::pin(write(*id, transaction)))
        .await
        .map_err(|error| error.during("deleting an execution"))
}

async fn write(id: ExecutionId, transaction: &Transaction<'_>) -> Result<ExecutionDeletion, WriteError> {
    let Some(ended) = first(ENDED, id, transaction).await? else {
        return match first(RUNS, id, transaction).await? {
            Some(_) => Ok(ExecutionDeletion::Running),
            None => Err(RepositoryError::NotFound {
                what: "execution",
                id: id.to_string(),
            }
            .into()),
        };
    };
    if let Some(row) = first(PENDING, id, transaction).await? {
        let pending: i64 = row.try_get_by_index(0)?;
        if pending > 0 {
            return Ok(ExecutionDeletion::Undelivered(pending.unsigned_abs()));
        }
    }
    for sql in DELETE {
        transaction.execute_raw(of(sql, id, transaction)).await?;
    }
    Ok(ExecutionDeletion::Deleted {
        job_id: told(&ended, 0).map(JobId::from_uuid),
        task_id: told(&ended, 1).map(TaskId::from_uuid),
        schedule_id: told(&ended, 2).map(ScheduleId::from_uuid),
    })
}

async fn first(
    sql: &str,
    id: ExecutionId,
    transaction: &Transaction<'_>,
) -> Result<Option<QueryResult>, WriteError> {
    Ok(transaction.query_one_raw(of(sql, id, transaction)).await?)
}

fn of(sql: &str, id: ExecutionId, transaction: &Transaction<'_>) -> Statement {
    Statement::from_sql_and_values(transaction.get_database_backend(), sql, [id.as_uuid().into()])
}
