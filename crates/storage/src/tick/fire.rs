//! The hot path: due ticks become jobs.
//!
//! A call is first tried as if nothing stood against it: one statement asks for the unfinished jobs of the schedules,
//! one moves the schedules on, one makes the jobs, one writes the ledger, and each of these says how many rows it wrote.
//! Where that is not as many as were asked for, everything is undone and done again from what the rows really say. That
//! is rare (an edit, a second node, a clock that was set back), and so it costs the rule nothing.
//!
//! | what the rows say | what becomes of the firing |
//! |---|---|
//! | the schedule is disabled, paused, gone, or has another `timing_version` or `next_run` | stale: nothing is written |
//! | the ledger has one of its ticks already, on its own or within a range | that row stays; the others are written |
//! | the ledger or the queue has the tick of a job already | no second job: the records name the first one, and the schedule moves on without counting a run |
//! | a job of the schedule is unfinished, or it has run as often as it may | what [`ratchet_interfaces::decide_overlap`] says |

mod batches;
mod existing;
mod overlap;

use std::sync::Arc;

use ratchet_interfaces::{CommittedFirings, FiringOutcome, FollowerTick, RepositoryError, TickFiring};
use sea_orm::ConnectionTrait;

use super::RESUME;
use super::follow::{Followers, Made};
use crate::schedule::NO_FURTHER_INSTANT;
use crate::writer::{Load, Transaction, WriteError, Writer};
use batches::Batches;
pub(super) use batches::REPLACE_EXCLUDED;
use existing::Remaining;
use overlap::Decisions;

/// That the schedule `s` is what the firing `b` expects. The plus keeps SQLite from looking for it by its next run.
const HOLDS: &str =
    "s.id = b.schedule_id AND s.enabled AND s.timing_version = b.timing_version AND +s.next_run = b.expected_run
    AND (s.paused_at IS NULL OR b.resumes)";

/// That no range of the ledger reaches to the ticks of the firing `b`. A tick within one is in the ledger though no
/// row begins with it, so that nothing else would refuse it: it comes up when the clock was set back and the schedule
/// edited. The partial index `ticks_ranges` holds the ranges only, which are few.
const BEYOND_RANGES: &str = "NOT EXISTS (SELECT 1 FROM ticks AS t WHERE t.schedule_id = b.schedule_id
    AND t.through > t.scheduled_for AND t.through >= b.expected_run AND t.outcome <> 'excluded')";

/// How often a call is done again that met somebody else's rows.
const ATTEMPTS: u32 = 4;

/// A call in the form in which it is first tried.
struct Call {
    firings: Arc<[TickFiring]>,
    batches: Batches,
}

pub(super) async fn fire(
    writer: &Writer,
    firings: &[TickFiring],
) -> Result<CommittedFirings, RepositoryError> {
    const DURING: &str = "making ticks durable";
    if firings.is_empty() {
        return Ok(CommittedFirings::default());
    }
    let firings: Arc<[TickFiring]> = firings.into();
    let load = if firings.len() == 1 {
        Load::Contended
    } else {
        Load::Urgent
    };
    let call = Call {
        batches: Batches::of(writer.backend(), firings.iter().map(|firing| (firing, &[][..]))),
        firings: Arc::clone(&firings),
    };
    match writer
        .write_as(load, call, |call, transaction| {
            Box::pin(write_if_nothing_stands_against_it(call, transaction))
        })
        .await
    {
        Ok(committed) => return Ok(committed),
        Err(WriteError::Conflict) => {}
        Err(error) => return Err(error.during(DURING)),
    }
    let mut attempts = 1;
    loop {
        let outcome = writer
            .write_as(load, Arc::clone(&firings), |firings, transaction| {
                Box::pin(write_what_holds(firings, transaction))
            })
            .await;
        attempts += 1;
        match outcome {
            Ok(committed) => return Ok(committed),
            Err(WriteError::Conflict) if attempts < ATTEMPTS => {}
            Err(error) => return Err(error.during(DURING)),
        }
    }
}

/// The way of almost every call.
async fn write_if_nothing_stands_against_it(
    call: &Call,
    transaction: &Transaction<'_>,
) -> Result<CommittedFirings, WriteError> {
    let Call { firings, batches } = call;
    let holds = format!("{HOLDS} AND {BEYOND_RANGES}");
    let followers = lock_schedules(firings, batches, transaction).await?;
    let decisions = Decisions::on(firings, batches, transaction).await?;
    if decisions.are_none() {
        write(batches, &holds, transaction).await?;
        return Ok(CommittedFirings {
            outcomes: vec![FiringOutcome::Committed; firings.len()],
            followers: follow(followers, &**firings, transaction).await?,
            changed: Vec::new(),
        });
    }
    let decided = decisions.apply_to(firings);
    let batches = Batches::of(
        transaction.get_database_backend(),
        decided.iter().map(|firing| (*firing, &[][..])),
    );
    let changed = decisions.call_off(transaction).await?;
    write(&batches, &holds, transaction).await?;
    let followers = follow(followers, decided, transaction).await?;
    Ok(CommittedFirings {
        outcomes: decisions.outcomes(firings.len()),
        followers,
        changed,
    })
}

/// Finds out what the rows say, and writes what of the firings still holds.
async fn write_what_holds(
    firings: &Arc<[TickFiring]>,
    transaction: &Transaction<'_>,
) -> Result<CommittedFirings, WriteError> {
    let backend = transaction.get_database_backend();
    let all = Batches::of(backend, firings.iter().map(|firing| (firing, &[][..])));
    let followers = lock_schedules(firings, &all, transaction).await?;
    let mut remaining = Remaining::of(firings, &all, transaction).await?;
    let still: Vec<TickFiring> = remaining.take_firings();
    let asking = Batches::of(backend, still.iter().map(|firing| (firing, &[][..])));
    let decisions = Decisions::on(&still, &asking, transaction).await?;
    let decided = decisions.apply_to(&still);
    let batches = Batches::of(backend, decided.iter().copied().zip(remaining.aside()));
    batches.replace_excluded(transaction).await?;
    let changed = decisions.call_off(transaction).await?;
    write(&batches, HOLDS, transaction).await?;
    let followers = follow(followers, decided, transaction).await?;
    let outcomes = remaining.outcomes(&still, decisions.outcomes(still.len()));
    Ok(CommittedFirings {
        outcomes,
        followers,
        changed,
    })
}

/// Locks the schedules of firings, and those that follow them if any does.
async fn lock_schedules(
    firings: &[TickFiring],
    batches: &Batches,
    transaction: &Transaction<'_>,
) -> Result<Option<Followers>, WriteError> {
    let leaders = firings.iter().map(|firing| firing.schedule_id);
    let followers = Followers::lock(leaders, transaction).await?;
    if followers.is_none() {
        batches.lock_schedules(transaction).await?;
    }
    Ok(followers)
}

/// Makes the jobs of those that follow the schedules of firings that were written.
async fn follow<'a>(
    followers: Option<Followers>,
    firings: impl IntoIterator<Item = &'a TickFiring>,
    transaction: &Transaction<'_>,
) -> Result<Vec<FollowerTick>, WriteError> {
    let Some(followers) = followers else {
        return Ok(Vec::new());
    };
    let made = firings.into_iter().flat_map(|firing| {
        firing.jobs().map(|record| Made {
            schedule_id: firing.schedule_id,
            request: 0,
            record: record.clone(),
        })
    });
    followers.follow(made.collect(), transaction).await
}

/// Writes all of it, or finds that something stands against it.
async fn write(batches: &Batches, holds: &str, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for batch in &batches.firings {
        let moved = transaction
            .execute_raw(batch.statement(&move_on(holds), []))
            .await?
            .rows_affected();
        if moved != batch.rows() {
            return Err(WriteError::Conflict);
        }
    }
    let mut made = 0;
    for batch in &batches.records {
        made += transaction
            .execute_raw(batch.statement(MAKE_JOBS, []))
            .await?
            .rows_affected();
    }
    if made != batches.jobs {
        return Err(WriteError::Conflict);
    }
    for batch in batches.records.iter().chain(&batches.aside) {
        let written = transaction
            .execute_raw(batch.insert("ticks", "ON CONFLICT DO NOTHING"))
            .await?
            .rows_affected();
        if written != batch.rows() {
            return Err(WriteError::Conflict);
        }
    }
    Ok(())
}

fn move_on(holds: &str) -> String {
    format!(
        "UPDATE schedules AS s SET
             next_run = b.next_run,
             last_run = COALESCE(b.last_run, s.last_run),
             run_count = s.run_count + b.runs,
             state = CASE WHEN b.next_run IS NULL THEN 'completed' ELSE s.state END,
             state_reason = CASE WHEN b.next_run IS NULL THEN COALESCE(b.completion, '{NO_FURTHER_INSTANT}')
                                 ELSE s.state_reason END,
             {RESUME}
         FROM {{batch}} AS b WHERE {holds}"
    )
}

const MAKE_JOBS: &str = "INSERT INTO jobs (
        id, schedule_id, scheduled_for, origin, request, task_id, input, priority, status, attempts, retry_count,
        max_retries, run_after, timeout_seconds, output_destinations, queued_at, has_dependents, gate
    )
    SELECT b.job_id, s.id, b.scheduled_for, 'tick', 0, s.task_id, s.input, s.priority,
        CASE b.outcome WHEN 'buffered' THEN 'buffered' ELSE 'queued' END, 0, 0, s.max_retries,
        b.decided_at, s.timeout_seconds, s.output_destinations, b.decided_at, FALSE,
        (SELECT t.gate FROM tasks AS t WHERE t.id = s.task_id)
    FROM {batch} AS b JOIN schedules AS s ON s.id = b.schedule_id
    WHERE b.outcome IN ('fired', 'buffered')
    ON CONFLICT DO NOTHING";

#[cfg(test)]
mod tests {
    use sea_orm::DbBackend;

    use super::*;
    use crate::batch::{Batch, Cell};
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn the_ranges_of_the_ledger_are_found_by_their_own_index() {
        let mut firings = Batch::new(DbBackend::Sqlite, batches::FIRING);
        firings.push([const { Cell::Null }; batches::FIRING.len()]);
        let holds = format!("{HOLDS} AND {BEYOND_RANGES}");
        assert_eq!(
            steps_on("t", firings.statement(&move_on(&holds), [])).await,
            ["SEARCH t USING COVERING INDEX ticks_ranges (schedule_id=? AND through>?)"]
        );
        assert_eq!(
            steps_on("s", firings.statement(&move_on(&holds), [])).await,
            ["SEARCH s USING INDEX sqlite_autoindex_schedules_1 (id=?)"]
        );
    }
}
