use chrono::{DateTime, Utc};
use ratchet_interfaces::RepositoryError;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};

use super::claim::WAITING;
use crate::row::micros;
use crate::writer::{WriteError, Writer};

pub(super) async fn bring_forward(
    writer: &Writer,
    now: DateTime<Utc>,
    latest_retry: DateTime<Utc>,
) -> Result<u64, RepositoryError> {
    writer
        .write((now, latest_retry), |instants, transaction| {
            Box::pin(write(*instants, transaction))
        })
        .await
        .map_err(|error| error.during("bringing forward jobs after the clock was set back"))
}

async fn write(
    (now, latest_retry): (DateTime<Utc>, DateTime<Utc>),
    transaction: &DatabaseTransaction,
) -> Result<u64, WriteError> {
    let statement = statement(transaction.get_database_backend(), now, latest_retry);
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}

/// A job that is to run at once has no later `run_after` than the time that it was queued; and the `run_after` of one
/// that was started had come.
fn statement(backend: DbBackend, now: DateTime<Utc>, latest_retry: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE jobs SET run_after = CASE WHEN status = 'retrying' THEN $2 ELSE $1 END
             WHERE {WAITING} AND run_after > $1
               AND CASE WHEN status = 'retrying' THEN run_after > $2
                        ELSE run_after <= queued_at OR started_at IS NOT NULL END"
        ),
        [micros(now).into(), micros(latest_retry).into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn only_the_waiting_jobs_of_a_later_instant_are_read() {
        let statement = statement(DbBackend::Sqlite, DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        assert_eq!(
            steps(statement).await,
            ["SEARCH jobs USING INDEX jobs_waiting (priority=? AND run_after>?)"]
        );
    }
}
