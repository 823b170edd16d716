use ratchet_interfaces::{JobPruning, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::micros;
use crate::writer::{Transaction, WriteError, Writer};

const PRUNED: &[Column] = &[("id", Kind::Id)];

const DELETE_LOGS: &str = "DELETE FROM execution_logs WHERE execution_id IN (
        SELECT e.id FROM {batch} AS b JOIN executions AS e ON e.job_id = b.id)";

/// No foreign key does this: looking each job up again would make an attempt's end a tenth dearer.
const DELETE_EXECUTIONS: &str = "DELETE FROM executions WHERE job_id IN (SELECT b.id FROM {batch} AS b)";

/// What else belongs to a job goes with it.
const DELETE: &str = "DELETE FROM jobs WHERE id IN (SELECT b.id FROM {batch} AS b)";

pub(super) async fn prune(writer: &Writer, pruning: JobPruning) -> Result<u64, RepositoryError> {
    writer
        .write(pruning, |pruning, transaction| {
            Box::pin(write(*pruning, transaction))
        })
        .await
        .map_err(|error| error.during("deleting jobs that ended long ago"))
}

async fn write(pruning: JobPruning, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let Some(last) = last_to_go(pruning, transaction).await? else {
        return Ok(0);
    };
    let backend = transaction.get_database_backend();
    let statement = statement(backend, last, pruning.limit);
    let jobs = transaction.query_all_raw(statement).await?;
    let jobs = jobs
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<Vec<Uuid>, _>>()?;
    for batch in &Batch::all(backend, PRUNED, &jobs, |batch, id| batch.push([Cell::Id(*id)])) {
        for sql in [DELETE_LOGS, DELETE_EXECUTIONS, DELETE] {
            transaction.execute_raw(batch.statement(sql, [])).await?;
        }
    }
    Ok(jobs.len() as u64)
}

/// The place of a job among those that have ended: by its end, and of those that ended at once by its id.
type Place = (i64, Uuid);

/// Up to which place jobs may be deleted; `None` when none may be.
async fn last_to_go(pruning: JobPruning, transaction: &Transaction<'_>) -> Result<Option<Place>, WriteError> {
    // No job has the first of all ids: none that ended at that instant goes.
    let by_age = pruning.ended_before.map(|before| (micros(before), Uuid::nil()));
    let Some(keep) = pruning.keep else {
        return Ok(by_age);
    };
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT completed_at, id FROM jobs WHERE completed_at IS NOT NULL
             ORDER BY completed_at DESC, id DESC LIMIT 1 OFFSET $1",
            [i64::try_from(keep).unwrap_or(i64::MAX).into()],
        ))
        .await?;
    let by_count = match row {
        Some(row) => Some((row.try_get_by_index(0)?, row.try_get_by_index(1)?)),
        None => None,
    };
    Ok(by_age.into_iter().chain(by_count).max())
}

fn statement(backend: DbBackend, (ended_at, id): Place, limit: u32) -> Statement {
    // Or else one could be put back into the queue before it is deleted.
    let lock = match backend {
        DbBackend::Postgres => "FOR UPDATE OF j SKIP LOCKED",
        _ => "",
    };
    let sql = format!(
        "SELECT j.id FROM jobs AS j
         WHERE j.completed_at IS NOT NULL AND j.completed_at <= $1 AND (j.completed_at < $1 OR j.id <= $2)
             AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.job_id = j.id AND d.status = 'pending')
             AND NOT EXISTS (SELECT 1 FROM job_dependencies AS d JOIN jobs AS w ON w.id = d.job_id
                             WHERE d.after_id = j.id AND w.status = 'blocked')
         ORDER BY j.completed_at LIMIT $3 {lock}"
    );
    Statement::from_sql_and_values(
        backend,
        sql,
        [ended_at.into(), id.into(), i64::from(limit).into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn what_ended_first_is_found_by_its_own_index() {
        assert_eq!(
            steps_on("j", statement(DbBackend::Sqlite, (0, Uuid::nil()), 10)).await,
            ["SEARCH j USING COVERING INDEX jobs_completed_at (completed_at>? AND completed_at<?)"]
        );
    }
}
