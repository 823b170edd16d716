//! How far the ledger and the jobs go back.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{Fact, JobPruning, RepositoryError, ScheduleId, SchedulerError};
use ratchet_repository_bridge::RepositoryBridge;

/// So many schedules' ledgers are pruned together.
const SCHEDULES_PER_PAGE: u32 = 100;

/// Deletes what the ledgers of all schedules have of before an instant, `batch` rows a transaction, and lets others run
/// in between. Says how many rows there were.
///
/// First of all it is stored that the ledger is complete from `before` on only, so that nobody takes what is missing
/// for a fault, however far the deleting gets. That instant never moves back.
///
/// # Errors
/// [`SchedulerError::InvalidRequest`] when `batch` is 0; otherwise as the repositories. What was deleted stays deleted,
/// and doing it again deletes the rest.
pub async fn prune(
    bridge: &RepositoryBridge,
    before: DateTime<Utc>,
    batch: u32,
) -> Result<u64, SchedulerError> {
    if batch == 0 {
        return Err(SchedulerError::InvalidRequest {
            field: "batch",
            value: "0".to_owned(),
            rule: "allowed is 1 or more".to_owned(),
        });
    }
    prune_rows(bridge, before, batch)
        .await
        .map_err(|source| SchedulerError::Repository {
            during: "pruning the ledger",
            source,
        })
}

async fn prune_rows(
    bridge: &RepositoryBridge,
    before: DateTime<Utc>,
    batch: u32,
) -> Result<u64, RepositoryError> {
    if instant_of(bridge, Fact::LedgerFrom)
        .await?
        .is_none_or(|from| from < before)
    {
        bridge
            .store_facts(&[(Fact::LedgerFrom, before.to_rfc3339())])
            .await?;
    }
    let (mut pruned, mut after) = (0, None);
    loop {
        let page = bridge.scan_schedules(after, SCHEDULES_PER_PAGE).await?;
        let ids: Vec<ScheduleId> = page.iter().map(|schedule| schedule.id).collect();
        let Some(last) = ids.last() else {
            return Ok(pruned);
        };
        after = Some(*last);
        loop {
            let rows = bridge.prune_ticks(&ids, before, batch).await?;
            pruned += rows;
            if rows < u64::from(batch) {
                break;
            }
            tokio::task::yield_now().await;
        }
        if ids.len() < SCHEDULES_PER_PAGE as usize {
            return Ok(pruned);
        }
        tokio::task::yield_now().await;
    }
}

/// Which jobs that have ended are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobRetention {
    /// Those that ended so long ago at the most.
    pub(crate) kept: Option<TimeDelta>,
    /// So many that ended last.
    pub(crate) count: Option<u64>,
}

/// Deletes the jobs that are not to be kept any more, `batch` a transaction, and lets others run in between. `pruned` counts
/// those that are gone, also where an error follows.
///
/// As with the ledger, it is stored before from when on the jobs are complete. Where their number is limited, that is
/// now: any job that has ended may be one too many.
pub(crate) async fn prune_jobs(
    bridge: &RepositoryBridge,
    retention: JobRetention,
    now: DateTime<Utc>,
    batch: u32,
    pruned: &mut u64,
) -> Result<(), RepositoryError> {
    let JobRetention { kept, count } = retention;
    let ended_before = kept.map(|kept| now - kept);
    let Some(from) = (if count.is_some() { Some(now) } else { ended_before }) else {
        return Ok(());
    };
    if instant_of(bridge, Fact::JobsFrom)
        .await?
        .is_none_or(|stored| stored < from)
    {
        bridge.store_facts(&[(Fact::JobsFrom, from.to_rfc3339())]).await?;
    }
    let pruning = JobPruning {
        ended_before,
        keep: count,
        limit: batch,
    };
    loop {
        let jobs = bridge.prune_jobs(pruning).await?;
        *pruned += jobs;
        if jobs < u64::from(batch) {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

/// An instant that is known of the whole database.
pub(crate) async fn instant_of(
    bridge: &RepositoryBridge,
    fact: Fact,
) -> Result<Option<DateTime<Utc>>, RepositoryError> {
    let Some(text) = bridge.find_fact(fact).await? else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(instant) => Ok(Some(instant.to_utc())),
        Err(error) => Err(RepositoryError::CorruptRow {
            what: "fact",
            id: fact.to_string(),
            column: "value",
            source: Box::new(error),
        }),
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::TickOutcome;

    use super::*;
    use crate::history::ledger::{Ledger, at, row, schedule};

    fn five_rows() -> Ledger {
        let hourly = schedule("hourly", "0 * * * *");
        let rows = (1..=5).map(|hour| {
            let instant = format!("2025-12-31T0{hour}:00:00Z");
            row(hourly.id, &instant, TickOutcome::Fired)
        });
        Ledger::with(&hourly, rows.collect())
    }

    #[tokio::test]
    async fn where_the_ledger_begins_is_stored_before_anything_is_deleted() {
        let ledger = five_rows();
        let pruned = prune(&ledger.bridge(), at("2025-12-31T04:00:00Z"), 2).await;
        assert_eq!(pruned.unwrap(), 3);
        let done = ledger.done.lock().unwrap().clone();
        let stored = "stored ledger_from 2025-12-31T04:00:00+00:00";
        assert_eq!(done, [stored, "pruned 2", "pruned 1"]);
    }

    #[tokio::test]
    async fn where_the_ledger_begins_never_moves_back() {
        let mut ledger = five_rows();
        let later = "2025-12-31T09:00:00+00:00".to_owned();
        ledger.facts.insert(Fact::LedgerFrom, later);
        let pruned = prune(&ledger.bridge(), at("2025-12-31T04:00:00Z"), 10).await;
        assert_eq!(pruned.unwrap(), 3);
        assert_eq!(*ledger.done.lock().unwrap(), ["pruned 3"]);
    }

    #[tokio::test]
    async fn from_when_on_jobs_are_complete_is_stored_before_any_is_deleted() {
        let now = at("2026-01-31T00:00:00Z");
        for (kept, count, from) in [
            (Some(30), None, Some("2026-01-01T00:00:00+00:00")),
            (None, Some(7), Some("2026-01-31T00:00:00+00:00")),
            (Some(30), Some(7), Some("2026-01-31T00:00:00+00:00")),
            (None, None, None),
        ] {
            let mut ledger = five_rows();
            ledger.ended_jobs = 5;
            let retention = JobRetention {
                kept: kept.map(TimeDelta::days),
                count,
            };
            let mut pruned = 0;
            prune_jobs(&ledger.bridge(), retention, now, 2, &mut pruned)
                .await
                .unwrap();
            let done = ledger.done.lock().unwrap().clone();
            let Some(from) = from else {
                assert_eq!((pruned, done.len()), (0, 0));
                continue;
            };
            assert_eq!(pruned, 5);
            let batches = ["pruned 2 jobs", "pruned 2 jobs", "pruned 1 jobs"];
            assert_eq!(done[0], format!("stored jobs_from {from}"));
            assert_eq!(done[1..], batches);
        }
    }

    #[tokio::test]
    async fn from_when_on_jobs_are_complete_never_moves_back() {
        let mut ledger = five_rows();
        let later = "2026-02-01T00:00:00+00:00".to_owned();
        ledger.facts.insert(Fact::JobsFrom, later);
        let retention = JobRetention {
            kept: Some(TimeDelta::days(1)),
            count: None,
        };
        let now = at("2026-01-31T00:00:00Z");
        prune_jobs(&ledger.bridge(), retention, now, 2, &mut 0)
            .await
            .unwrap();
        assert_eq!(*ledger.done.lock().unwrap(), ["pruned 0 jobs"]);
    }

    #[tokio::test]
    async fn batches_of_nothing_are_refused() {
        let refused = prune(&five_rows().bridge(), at("2025-12-31T04:00:00Z"), 0).await;
        assert!(matches!(
            refused,
            Err(SchedulerError::InvalidRequest { field: "batch", .. })
        ));
    }
}
