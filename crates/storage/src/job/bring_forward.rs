use chrono::{DateTime, Utc};
use ratchet_interfaces::{JobPriority, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::claim::OPEN;
use super::gates::GATED;
use crate::row::{micros, rank};
use crate::writer::{Transaction, WriteError, Writer};

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
    transaction: &Transaction<'_>,
) -> Result<u64, WriteError> {
    let mut moved = 0;
    for which in [open(), GATED.to_owned()] {
        let statement = statement(transaction.get_database_backend(), &which, now, latest_retry);
        moved += transaction.execute_raw(statement).await?.rows_affected();
    }
    Ok(moved)
}

/// The jobs that no limit stands before. Every priority is named so that the index of the waiting jobs is searched and
/// not read.
fn open() -> String {
    let priorities: Vec<String> = JobPriority::ALL
        .iter()
        .map(|priority| rank(*priority).to_string())
        .collect();
    format!("{OPEN} AND priority IN ({})", priorities.join(", "))
}

/// A job that is to run at once has no later `run_after` than the time that it was queued; and the `run_after` of one
/// that was started had come.
fn statement(backend: DbBackend, which: &str, now: DateTime<Utc>, latest_retry: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE jobs SET run_after = CASE WHEN status = 'retrying' THEN $2 ELSE $1 END
             WHERE {which} AND run_after > $1
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
        for (which, index) in [
            (
                open(),
                "SEARCH jobs USING INDEX jobs_waiting (priority=? AND run_after>?)",
            ),
            (GATED.to_owned(), "SEARCH jobs USING INDEX jobs_gated (gate>?)"),
        ] {
            let statement = statement(
                DbBackend::Sqlite,
                &which,
                DateTime::UNIX_EPOCH,
                DateTime::UNIX_EPOCH,
            );
            assert_eq!(steps(statement).await, [index]);
        }
    }
}
