//! The decision on a schedule's due ticks: a pure function of what is due and what time it is.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{FiredJob, JobId, MisfirePolicy, TickFiring, TickOutcome, TickRecord};
use ratchet_metadata_store::DueTick;

/// A run of missed ticks is written a row a tick up to this many. A longer one is one row with a range: a ledger in
/// which an outage has a row for each second tells no more, and makes the end of the outage slow.
pub const LEDGER_ROWS_PER_RUN: usize = 60;

/// Decides what becomes of a schedule's ticks that are due at `now`: `due` and, if the engine was away or busy for
/// longer than the schedule's interval, those after it. However many they are, it takes no longer than their first
/// sixty and a look at each day.
///
/// Under [`MisfirePolicy::Coalesce`] the latest becomes a job, and each earlier one is recorded as merged into it.
#[must_use]
pub fn plan_due_ticks(due: &DueTick, now: DateTime<Utc>) -> TickFiring {
    match due.misfire_policy {
        MisfirePolicy::Coalesce => coalesce(due, now),
    }
}

/// As [`plan_due_ticks`], if `due` is the only tick that is due: what becomes of it is no matter of policy.
pub(crate) fn plan_in_time(due: &DueTick, now: DateTime<Utc>) -> Option<TickFiring> {
    let next_run = due.recurrence.next_after(due.scheduled_for);
    if next_run.is_some_and(|next| next <= now) {
        return None;
    }
    Some(fired(due, due.scheduled_for, &[], next_run, now))
}

/// Consecutive nominal ticks.
#[derive(Clone, Copy)]
struct Run {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    count: u64,
}

impl Run {
    fn of_one(tick: DateTime<Utc>) -> Self {
        Self {
            first: tick,
            last: tick,
            count: 1,
        }
    }
}

fn coalesce(due: &DueTick, now: DateTime<Utc>) -> TickFiring {
    let mut missed = Vec::new();
    let mut latest = due.scheduled_for;
    let mut next_run = due.recurrence.next_after(latest);
    while let Some(next) = next_run.filter(|next| *next <= now) {
        if missed.len() == LEDGER_ROWS_PER_RUN {
            return coalesce_a_range(due, next, now);
        }
        missed.push(Run::of_one(latest));
        latest = next;
        next_run = due.recurrence.next_after(latest);
    }
    fired(due, latest, &missed, next_run, now)
}

/// As [`coalesce`], for more missed ticks than are looked at one by one. `one` is a later tick that is due.
fn coalesce_a_range(due: &DueTick, one: DateTime<Utc>, now: DateTime<Utc>) -> TickFiring {
    let recurrence = &due.recurrence;
    let first = due.scheduled_for;
    let latest = recurrence.last_between(first, now).unwrap_or(one);
    let before = latest - TimeDelta::seconds(1);
    let missed = Run {
        first,
        last: recurrence.last_between(first, before).unwrap_or(first),
        count: 1 + recurrence.count_between(first, before),
    };
    fired(due, latest, &[missed], recurrence.next_after(latest), now)
}

/// `latest` becomes a job, into which `missed` are merged.
fn fired(
    due: &DueTick,
    latest: DateTime<Utc>,
    missed: &[Run],
    next_run: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> TickFiring {
    let job = FiredJob {
        id: JobId::new(),
        scheduled_for: latest,
    };
    let record = |run: Run, outcome, reason| TickRecord {
        scheduled_for: run.first,
        through: run.last,
        count: run.count,
        outcome,
        reason,
        job_id: Some(job.id),
        lateness: lateness(run.first, now),
        decided_at: now,
    };
    let mut records = Vec::with_capacity(missed.len() + 1);
    if !missed.is_empty() {
        let tick = latest.format("%Y-%m-%dT%H:%M:%SZ");
        let reason: Arc<str> = format!("missed, and merged into the tick of {tick}").into();
        records.extend(
            missed
                .iter()
                .map(|run| record(*run, TickOutcome::Coalesced, Some(Arc::clone(&reason)))),
        );
    }
    records.push(record(Run::of_one(latest), TickOutcome::Fired, None));
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
    let reason: Arc<str> = reason.into();
    let records = firing
        .records
        .iter()
        .map(|record| TickRecord {
            outcome: TickOutcome::FailedToCreate,
            reason: Some(Arc::clone(&reason)),
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

/// A clock that was set back while the tick was on its way may show less than the tick's instant.
fn lateness(tick: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - tick).max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
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
    fn years_of_missed_seconds_are_counted_exactly() {
        let now = start() + TimeDelta::days(3 * 365) + TimeDelta::milliseconds(1);
        let firing = plan_due_ticks(&due("* * * * * *"), now);
        assert_eq!(firing.records[0].count, 3 * 365 * 86_400);
        assert_eq!(
            firing.job.unwrap().scheduled_for,
            start() + TimeDelta::days(3 * 365)
        );
        assert_eq!(
            firing.next_run,
            Some(start() + TimeDelta::days(3 * 365) + TimeDelta::seconds(1))
        );
    }

    #[test]
    fn records_of_one_run_share_their_reason() {
        let firing = plan_due_ticks(&due("* * * * *"), start() + TimeDelta::minutes(3));
        let reasons: Vec<_> = firing.records[..3]
            .iter()
            .map(|record| record.reason.as_ref().unwrap())
            .collect();
        assert!(reasons.windows(2).all(|pair| Arc::ptr_eq(pair[0], pair[1])));
    }

    #[test]
    fn only_a_schedule_with_one_due_tick_is_in_time() {
        let minutely = due("* * * * *");
        let almost = start() + TimeDelta::milliseconds(59_999);
        let in_time = plan_in_time(&minutely, almost).unwrap();
        let planned = plan_due_ticks(&minutely, almost);
        assert_eq!((in_time.records.len(), planned.records.len()), (1, 1));
        assert_eq!(in_time.next_run, planned.next_run);
        assert!(plan_in_time(&minutely, start() + TimeDelta::minutes(1)).is_none());
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
        fn every_nominal_tick_is_recorded_exactly_once(
            // Up to a third of a thousand ticks, and many times around where rows become a range.
            late_by in prop_oneof![0..2_400_i64, 400..460_i64],
            expression in prop_oneof![Just("*/7 * * * * *"), Just("* 0-3,30-40 * * * *")],
        ) {
            let due = due(expression);
            let now = start() + TimeDelta::seconds(late_by);
            let firing = plan_due_ticks(&due, now);
            let nominal: Vec<_> = std::iter::once(start())
                .chain(due.recurrence.upcoming(start()).take_while(|tick| *tick <= now))
                .collect();
            prop_assert!(firing.records.len() <= LEDGER_ROWS_PER_RUN + 1);
            let mut expanded = Vec::new();
            for record in &firing.records {
                let before = expanded.len();
                let within = nominal.iter().filter(|tick| (record.scheduled_for..=record.through).contains(tick));
                expanded.extend(within.copied());
                prop_assert_eq!((expanded.len() - before) as u64, record.count);
            }
            prop_assert_eq!(&expanded, &nominal);
            prop_assert_eq!(firing.job.unwrap().scheduled_for, *nominal.last().unwrap());
            prop_assert!(firing.next_run.unwrap() > now);
            for pair in firing.records.windows(2) {
                prop_assert!(pair[0].through < pair[1].scheduled_for);
            }
        }
    }
}
