//! The decision on a schedule's due ticks: a pure function of what is due and what time it is.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{FiredJob, JobId, MisfirePolicy, TickFiring, TickOutcome, TickRecord};
use ratchet_metadata_store::DueTick;

/// A run of missed ticks is written a row a tick up to this many. A longer one, as after a long outage of a schedule
/// that fires every second, is one row with a range.
pub const LEDGER_ROWS_PER_RUN: usize = 1_000;

/// Decides what becomes of a schedule's ticks that are due at `now`: `due` and, if the engine was away or busy for
/// longer than the schedule's interval, those after it.
///
/// Under [`MisfirePolicy::Coalesce`] the latest becomes a job, and each earlier one is recorded as merged into it.
#[must_use]
pub fn plan_due_ticks(due: &DueTick, now: DateTime<Utc>) -> TickFiring {
    match due.misfire_policy {
        MisfirePolicy::Coalesce => coalesce(due, now),
    }
}

fn coalesce(due: &DueTick, now: DateTime<Utc>) -> TickFiring {
    let mut missed = MissedRun::default();
    let mut latest = due.scheduled_for;
    let mut next_run = due.recurrence.next_after(latest);
    while let Some(next) = next_run.filter(|next| *next <= now) {
        missed.push(latest);
        latest = next;
        next_run = due.recurrence.next_after(latest);
    }
    let job = FiredJob {
        id: JobId::new(),
        scheduled_for: latest,
    };
    let mut records = missed.into_records(job, now);
    records.push(TickRecord {
        scheduled_for: latest,
        through: latest,
        count: 1,
        outcome: TickOutcome::Fired,
        reason: None,
        job_id: Some(job.id),
        lateness: lateness(latest, now),
        decided_at: now,
    });
    TickFiring {
        schedule_id: due.schedule_id,
        expected_version: due.version,
        expected_next_run: due.scheduled_for,
        records,
        job: Some(job),
        next_run,
        decided_at: now,
    }
}

/// Turns a decision whose job the database refused into one that only records the ticks, with the reason.
pub(crate) fn without_job(firing: &TickFiring, reason: &str) -> TickFiring {
    let records = firing
        .records
        .iter()
        .map(|record| TickRecord {
            outcome: TickOutcome::FailedToCreate,
            reason: Some(reason.to_owned()),
            job_id: None,
            ..record.clone()
        })
        .collect();
    TickFiring {
        records,
        job: None,
        ..firing.clone()
    }
}

/// Consecutive nominal ticks that were missed.
#[derive(Default)]
struct MissedRun {
    first_rows: Vec<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    count: u64,
}

impl MissedRun {
    fn push(&mut self, tick: DateTime<Utc>) {
        if self.first_rows.len() < LEDGER_ROWS_PER_RUN {
            self.first_rows.push(tick);
        }
        self.last = Some(tick);
        self.count += 1;
    }

    fn into_records(self, job: FiredJob, now: DateTime<Utc>) -> Vec<TickRecord> {
        let record = |first: DateTime<Utc>, through: DateTime<Utc>, count: u64| TickRecord {
            scheduled_for: first,
            through,
            count,
            outcome: TickOutcome::Coalesced,
            reason: Some(format!(
                "missed, and merged into the tick of {}",
                job.scheduled_for.format("%Y-%m-%dT%H:%M:%SZ")
            )),
            job_id: Some(job.id),
            lateness: lateness(first, now),
            decided_at: now,
        };
        match (self.first_rows.first(), self.last) {
            (Some(first), Some(last)) if self.count > self.first_rows.len() as u64 => {
                vec![record(*first, last, self.count)]
            }
            _ => self
                .first_rows
                .iter()
                .map(|tick| record(*tick, *tick, 1))
                .collect(),
        }
    }
}

/// A clock that was set back while the tick was on its way may show less than the tick's instant.
fn lateness(tick: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - tick).max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeZone;
    use proptest::prelude::*;
    use ratchet_interfaces::ScheduleId;
    use ratchet_recurrence::{Recurrence, Zone};

    use super::*;

    fn start() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn due(cron: &str) -> DueTick {
        DueTick {
            schedule_id: ScheduleId::new(),
            version: 3,
            scheduled_for: start(),
            recurrence: Arc::new(Recurrence::cron(cron, Zone::UTC).unwrap()),
            misfire_policy: MisfirePolicy::Coalesce,
        }
    }

    #[test]
    fn a_tick_in_time_becomes_one_job() {
        let now = start() + TimeDelta::milliseconds(2);
        let firing = plan_due_ticks(&due("* * * * *"), now);
        assert_eq!(firing.records.len(), 1);
        assert_eq!(firing.records[0].outcome, TickOutcome::Fired);
        assert_eq!(firing.records[0].lateness, TimeDelta::milliseconds(2));
        assert_eq!(firing.job.unwrap().scheduled_for, start());
        assert_eq!(firing.next_run, Some(start() + TimeDelta::minutes(1)));
        assert_eq!((firing.expected_version, firing.expected_next_run), (3, start()));
    }

    #[test]
    fn missed_ticks_are_merged_into_the_latest_and_each_is_recorded() {
        let firing = plan_due_ticks(&due("* * * * *"), start() + TimeDelta::seconds(150));
        let job = firing.job.unwrap();
        assert_eq!(job.scheduled_for, start() + TimeDelta::minutes(2));
        let outcomes: Vec<_> = firing
            .records
            .iter()
            .map(|record| (record.scheduled_for, record.outcome))
            .collect();
        assert_eq!(
            outcomes,
            vec![
                (start(), TickOutcome::Coalesced),
                (start() + TimeDelta::minutes(1), TickOutcome::Coalesced),
                (start() + TimeDelta::minutes(2), TickOutcome::Fired),
            ]
        );
        assert!(firing.records.iter().all(|record| record.job_id == Some(job.id)));
    }

    #[test]
    fn a_very_long_run_of_missed_ticks_is_one_row_with_a_range() {
        let firing = plan_due_ticks(&due("* * * * * *"), start() + TimeDelta::days(1));
        assert_eq!(firing.records.len(), 2);
        let run = &firing.records[0];
        assert_eq!((run.scheduled_for, run.count), (start(), 86_400));
        assert_eq!(run.through, start() + TimeDelta::days(1) - TimeDelta::seconds(1));
    }

    #[test]
    fn the_last_tick_of_a_specification_has_no_next() {
        let firing = plan_due_ticks(&due("0 0 0 1 1 * 2026"), start());
        assert_eq!(firing.next_run, None);
        assert!(firing.job.is_some());
    }

    #[test]
    fn a_refused_job_leaves_the_ticks_with_the_reason() {
        let firing = plan_due_ticks(&due("* * * * *"), start() + TimeDelta::seconds(90));
        let recorded = without_job(&firing, "no room");
        assert!(recorded.job.is_none());
        assert_eq!(recorded.next_run, firing.next_run);
        for record in recorded.records {
            assert_eq!(record.outcome, TickOutcome::FailedToCreate);
            assert_eq!(record.reason.as_deref(), Some("no room"));
        }
    }

    proptest! {
        #[test]
        fn every_nominal_tick_is_recorded_exactly_once(late_by in 0..4_000_i64) {
            let due = due("*/7 * * * * *");
            let now = start() + TimeDelta::seconds(late_by);
            let firing = plan_due_ticks(&due, now);
            let recorded: u64 = firing.records.iter().map(|record| record.count).sum();
            let nominal = 1 + due.recurrence.upcoming(start()).take_while(|tick| *tick <= now).count();
            prop_assert_eq!(recorded, nominal as u64);
            prop_assert!(firing.next_run.unwrap() > now);
            for pair in firing.records.windows(2) {
                prop_assert!(pair[0].through < pair[1].scheduled_for);
            }
        }
    }
}
