use ratchet_interfaces::{JobChanges, JobId, JobStatus, JobUpdate, RepositoryError};
use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};
use uuid::Uuid;

use crate::failure::During;
use crate::reader::Reader;
use crate::row::job::{Entity, read};
use crate::row::{json, micros, rank, text};
use crate::writer::{Transaction, WriteError, Writer};

/// The states of a job that waits.
const WAITS: &str = "status IN ('queued', 'retrying', 'buffered', 'blocked')";

/// The values that a job gets, by column.
type Values = Vec<(&'static str, Value)>;

pub(super) async fn change(
    writer: &Writer,
    id: JobId,
    changes: &JobChanges,
) -> Result<JobUpdate, RepositoryError> {
    writer
        .write((id, values(changes)), |(id, values), transaction| {
            Box::pin(write(*id, values, transaction))
        })
        .await
        .map_err(|error| error.during("changing a job"))
}

fn values(changes: &JobChanges) -> Values {
    let JobChanges {
        priority,
        scheduled_for,
        run_after,
        max_retries,
        timeout_seconds,
        input,
        output_destinations,
    } = changes;
    let values = [
        ("priority", priority.map(|priority| rank(priority).into())),
        ("scheduled_for", scheduled_for.map(|at| at.map(micros).into())),
        ("run_after", run_after.map(|at| micros(at).into())),
        (
            "max_retries",
            max_retries.map(|retries| retries.map(i64::from).into()),
        ),
        (
            "timeout_seconds",
            timeout_seconds.map(|seconds| seconds.map(i64::from).into()),
        ),
        ("input", input.as_ref().map(|input| json(input).into())),
        (
            "output_destinations",
            output_destinations
                .as_ref()
                .map(|destinations| json(destinations).into()),
        ),
    ];
    values
        .into_iter()
        .filter_map(|(column, value)| Some((column, value?)))
        .collect()
}

async fn write(id: JobId, values: &Values, transaction: &Transaction<'_>) -> Result<JobUpdate, WriteError> {
    let backend = transaction.get_database_backend();
    // Where nothing is to be changed, what is asked is whether it could be.
    let mut set = vec!["id = id".to_owned()];
    let mut parameters: Vec<Value> = vec![id.as_uuid().into()];
    for (column, value) in values {
        parameters.push(value.clone());
        set.push(format!("{column} = ${}", parameters.len()));
    }
    let sql = format!("UPDATE jobs SET {} WHERE id = $1 AND {WAITS}", set.join(", "));
    let updated = transaction
        .execute_raw(Statement::from_sql_and_values(backend, sql, parameters))
        .await?;
    let Some(row) = Entity::find_by_id(id.as_uuid()).one(transaction).await? else {
        return Err(RepositoryError::NotFound {
            what: "job",
            id: id.to_string(),
        }
        .into());
    };
    let job = read(row)?;
    if updated.rows_affected() == 1 {
        return Ok(JobUpdate::Updated(Box::new(job)));
    }
    match job.status {
        JobStatus::Processing | JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => {
            Ok(JobUpdate::TooLate(job.status))
        }
        // It came back to the queue between the two statements.
        JobStatus::Queued | JobStatus::Retrying | JobStatus::Buffered | JobStatus::Blocked => {
            Err(WriteError::Conflict)
        }
    }
}

/// The unfinished job that has a unique key.
pub(super) async fn holder_of(reader: &Reader, key: &str) -> Result<Option<JobId>, RepositoryError> {
    const DURING: &str = "looking for the job of a unique key";
    let statement = Statement::from_sql_and_values(
        reader.get_database_backend(),
        "SELECT id FROM jobs WHERE unique_key = $1 AND unique_key IS NOT NULL
             AND status NOT IN ('completed', 'failed', 'cancelled')",
        [text(key).into()],
    );
    let row = reader.query_one_raw(statement).await.during(DURING)?;
    let id: Option<Uuid> = row
        .map(|row| row.try_get_by_index(0))
        .transpose()
        .during(DURING)?;
    Ok(id.map(JobId::from_uuid))
}
