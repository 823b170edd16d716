//! The decision on a schedule's due ticks: a pure function of what is due and what time it is.
//!
//! A tick is due at its nominal instant and the schedule's spread. One that is decided on within the grace is in time,
//! and becomes a job of its own. What becomes of those before, which were missed, is a matter of the misfire policy.
//! What unfinished jobs of the schedule mean for a decision is found out in the transaction that commits it.

mod excluded;
mod missed;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{JobId, MisfirePolicy, TickFiring, TickOutcome, TickRecord};
use ratchet_metadata_store::DueTick;
use ratchet_recurrence::Specification;
use ratchet_repository_bridge::end_of;

/// A run of missed ticks is written a row a tick up to this many. A longer one is one row with a range: a ledger in
/// which an outage has a row for each second tells no more, and makes the end of the outage slow.
pub const LEDGER_ROWS_PER_RUN: usize = 60;

/// How many ticks that are in time become jobs in one decision. More can be only under a long grace; they are due still
/// when these are committed.
const MOST_IN_TIME: usize = 1_000;

/// What is to become of missed ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    /// What the misfire policy says.
    ByPolicy,
    /// None becomes a job, be it missed or in time; the text says why.
    Skipped(&'static str),
}

/// Decides what becomes of a schedule's ticks that are due at `now`: `due` and, if the engine was away or busy for
/// longer than the schedule's interval, those after it. However many they are, it takes no longer than the first sixty
/// of each outcome and a look at each day.
#[must_use]
pub fn plan_due_ticks(due: &DueTick, now: DateTime<Utc>) -> TickFiring {
    plan(due, now, Missed::ByPolicy)
}

/// As [`plan_due_ticks`], with a say about missed ticks.
pub(crate) fn plan(due: &DueTick, now: DateTime<Utc>, missed: Missed) -> TickFiring {
    let mut plan = Plan::new(due, now);
    if due.scheduled_for > plan.horizon && due.resumes {
        // No tick came in while it was paused.
        return plan.into_firing(None);
    }
    // A clock that was set back while the tick was on its way does not make it undue.
    let horizon = plan.horizon.max(due.scheduled_for);
    let (policy, cutoff) = match missed {
        Missed::ByPolicy => {
            let grace = due.timetable.policies.effective_grace();
            (due.timetable.policies.misfire, plan.horizon - grace)
        }
        Missed::Skipped(_) => (MisfirePolicy::Skip, horizon + TimeDelta::microseconds(1)),
    };
    let specification = &due.timetable.specification;
    let missed_last = (due.scheduled_for < cutoff).then(|| {
        last_through(
            specification,
            due.scheduled_for,
            cutoff - TimeDelta::microseconds(1),
        )
    });
    let first_in_time = match missed_last {
        Some(last) => specification.next_after(last),
        None => Some(due.scheduled_for),
    }
    .filter(|tick| *tick <= horizon);
    if let Some(last) = missed_last {
        match policy {
            MisfirePolicy::Coalesce => plan.coalesce(last, first_in_time),
            MisfirePolicy::Skip => plan.skip(last, missed),
            MisfirePolicy::CatchUp => plan.catch_up(last),
        }
    }
    let mut handled = missed_last;
    let mut in_time = first_in_time;
    let mut count = 0;
    while let Some(tick) = in_time.filter(|tick| *tick <= horizon && count < MOST_IN_TIME) {
        plan.fire(tick);
        (handled, count) = (Some(tick), count + 1);
        in_time = specification.next_after(tick);
    }
    plan.into_firing(handled)
}

/// As [`plan_due_ticks`], if `due` is the only tick that is due, and in time: what becomes of it is no matter of policy.
pub(crate) fn plan_in_time(due: &DueTick, now: DateTime<Utc>) -> Option<TickFiring> {
    let mut plan = Plan::new(due, now);
    let policies = &due.timetable.policies;
    let is_missed = policies.misfire != MisfirePolicy::Coalesce
        && plan.lateness(due.scheduled_for) > policies.effective_grace();
    let next = due.timetable.specification.next_after(due.scheduled_for);
    if due.resumes || is_missed || next.is_some_and(|next| next <= plan.horizon) {
        return None;
    }
    plan.fire(due.scheduled_for);
    Some(plan.into_firing_with(Some(due.scheduled_for), next))
}

/// A decision in the making.
struct Plan<'a> {
    due: &'a DueTick,
    now: DateTime<Utc>,
    offset: TimeDelta,
    /// Nominal instants up to this one are due.
    horizon: DateTime<Utc>,
    /// The job into which missed ticks were merged that a tick in time will carry.
    merged_into: Option<JobId>,
    records: Vec<TickRecord>,
}

impl<'a> Plan<'a> {
    fn new(due: &'a DueTick, now: DateTime<Utc>) -> Self {
        let offset = due.timetable.offset(due.schedule_id);
        Self {
            due,
            now,
            offset,
            horizon: now - offset,
            merged_into: None,
            records: Vec::with_capacity(1),
        }
    }

    /// A clock that was set back while the tick was on its way may show less than the instant at which it was due.
    fn lateness(&self, tick: DateTime<Utc>) -> TimeDelta {
        (self.now - tick - self.offset).max(TimeDelta::zero())
    }

    /// The tick becomes a job.
    fn fire(&mut self, tick: DateTime<Utc>) {
        let job = self.merged_into.take().unwrap_or_else(JobId::new);
        self.record(Run::of_one(tick), TickOutcome::Fired, None, Some(job));
    }

    fn record(&mut self, run: Run, outcome: TickOutcome, reason: Option<Arc<str>>, job_id: Option<JobId>) {
        let lateness = self.lateness(run.first);
        self.records.push(TickRecord {
            scheduled_for: run.first,
            through: run.last,
            count: run.count,
            outcome,
            reason,
            job_id,
            lateness,
            decided_at: self.now,
        });
    }

    fn into_firing(self, handled: Option<DateTime<Utc>>) -> TickFiring {
        let next = match handled {
            Some(last) => self.due.timetable.specification.next_after(last),
            None => Some(self.due.scheduled_for),
        };
        self.into_firing_with(handled, next)
    }

    fn into_firing_with(
        mut self,
        handled: Option<DateTime<Utc>>,
        next_run: Option<DateTime<Utc>>,
    ) -> TickFiring {
        if let (Some(last), Some(since)) = (handled, self.due.timetable.excludes_since) {
            self.tell_of_excluded(since, last);
        }
        let specification = &self.due.timetable.specification;
        let completion = match (next_run, handled) {
            (None, Some(last)) => Some(end_of(specification, last).into()),
            _ => None,
        };
        TickFiring {
            schedule_id: self.due.schedule_id,
            expected_timing_version: self.due.timing_version,
            expected_next_run: self.due.scheduled_for,
            policies: self.due.timetable.policies,
            records: self.records,
            next_run,
            completion,
            resumes: self.due.resumes,
            decided_at: self.now,
        }
    }
}

/// Consecutive nominal ticks.
#[derive(Clone, Copy)]
struct Run {
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    count: u64,
}

impl Run {
    const fn of_one(tick: DateTime<Utc>) -> Self {
        Self {
            first: tick,
            last: tick,
            count: 1,
        }
    }
}

/// The last tick up to and including `until`, of which `first` is one.
fn last_through(specification: &Specification, first: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    specification.last_between(first, until).unwrap_or(first)
}

/// Turns a decision whose jobs the database refused into one that only records the ticks, with the reason.
pub(crate) fn without_job(firing: &TickFiring, reason: &str) -> TickFiring {
    let reason: Arc<str> = reason.into();
    let records = firing
        .records
        .iter()
        .map(|record| match record.job_id {
            None => record.clone(),
            Some(_) => TickRecord {
                outcome: TickOutcome::FailedToCreate,
                reason: Some(Arc::clone(&reason)),
                job_id: None,
                ..record.clone()
            },
        })
        .collect();
    TickFiring {
        records,
        ..firing.clone()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;
    use ratchet_interfaces::{ScheduleId, SchedulePolicies};
    use ratchet_recurrence::Zone;
    use ratchet_repository_bridge::Timetable;

    use super::*;

    fn start() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn due(specification: &str) -> DueTick {
        let specification = Specification::parse(specification, Zone::UTC).unwrap();
        DueTick {
            schedule_id: ScheduleId::new(),
            timing_version: 3,
            scheduled_for: start(),
            timetable: Arc::new(Timetable {
                excludes_since: specification.excludes().then(|| start() - TimeDelta::days(1)),
                specification,
                policies: SchedulePolicies::default(),
            }),
            resumes: false,
        }
    }

    fn due_under(specification: &str, change: impl FnOnce(&mut SchedulePolicies)) -> DueTick {
        let mut due = due(specification);
        change(&mut Arc::get_mut(&mut due.timetable).unwrap().policies);
        due
    }

    /// Outcome and second of each record.
    fn outcomes(firing: &TickFiring) -> Vec<(TickOutcome, i64)> {
        firing
            .records
            .iter()
            .map(|record| (record.outcome, (record.scheduled_for - start()).num_seconds()))
            .collect()
    }

    use TickOutcome::{Coalesced, Excluded, Fired, SkippedMisfire, SkippedPaused};

    #[test]
    fn skip_fires_what_is_within_the_grace_and_records_what_was_missed() {
        let minutely = due_under("* * * * *", |policies| {
            policies.misfire = MisfirePolicy::Skip;
            policies.grace = Some(TimeDelta::seconds(90));
        });
        let firing = plan_due_ticks(&minutely, start() + TimeDelta::seconds(190));
        assert_eq!(
            outcomes(&firing),
            [
                (SkippedMisfire, 0),
                (SkippedMisfire, 60),
                (Fired, 120),
                (Fired, 180)
            ]
        );
        assert_eq!(firing.next_run, Some(start() + TimeDelta::minutes(4)));
        assert!(firing.records[0].reason.as_ref().unwrap().contains("90 s"));
        assert!(plan_in_time(&minutely, start() + TimeDelta::seconds(91)).is_none());
    }

    #[test]
    fn a_single_tick_beyond_the_grace_is_skipped() {
        let hourly = due_under("0 * * * *", |policies| policies.misfire = MisfirePolicy::Skip);
        let late = start() + TimeDelta::seconds(61);
        assert!(plan_in_time(&hourly, late).is_none());
        assert_eq!(outcomes(&plan_due_ticks(&hourly, late)), [(SkippedMisfire, 0)]);
        let in_time = plan_in_time(&hourly, start() + TimeDelta::seconds(60)).unwrap();
        assert_eq!(outcomes(&in_time), [(Fired, 0)]);
    }

    #[test]
    fn catch_up_fires_the_latest_within_count_and_window() {
        let catching = |max, window| {
            let due = due_under("* * * * *", |policies| {
                policies.misfire = MisfirePolicy::CatchUp;
                policies.grace = Some(TimeDelta::zero());
                policies.catch_up_max = max;
                policies.catch_up_window = TimeDelta::seconds(window);
            });
            outcomes(&plan_due_ticks(&due, start() + TimeDelta::seconds(250)))
        };
        assert_eq!(
            catching(2, 3_600),
            [
                (SkippedMisfire, 0),
                (SkippedMisfire, 60),
                (SkippedMisfire, 120),
                (Fired, 180),
                (Fired, 240)
            ]
        );
        assert_eq!(
            catching(100, 130),
            [
                (SkippedMisfire, 0),
                (SkippedMisfire, 60),
                (Fired, 120),
                (Fired, 180),
                (Fired, 240)
            ]
        );
        assert_eq!(catching(100, 3_600).len(), 5);
    }

    #[test]
    fn coalescing_leaves_ticks_within_a_grace_their_own_jobs() {
        let minutely = due_under("* * * * *", |policies| {
            policies.grace = Some(TimeDelta::seconds(70))
        });
        let firing = plan_due_ticks(&minutely, start() + TimeDelta::seconds(190));
        assert_eq!(
            outcomes(&firing),
            [(Coalesced, 0), (Coalesced, 60), (Fired, 120), (Fired, 180)]
        );
        assert_eq!(firing.records[0].job_id, firing.records[2].job_id);
        assert_ne!(firing.records[2].job_id, firing.records[3].job_id);
    }

    #[test]
    fn a_resumed_schedule_treats_its_pause_as_missed_time() {
        let mut paused = due_under("* * * * *", |policies| policies.misfire = MisfirePolicy::Skip);
        paused.resumes = true;
        let firing = plan_due_ticks(&paused, start() + TimeDelta::seconds(100));
        assert_eq!(outcomes(&firing), [(SkippedPaused, 0), (Fired, 60)]);
        assert!(firing.resumes);
        let skipped = plan(
            &paused,
            start() + TimeDelta::seconds(60),
            Missed::Skipped("asked for"),
        );
        assert_eq!(outcomes(&skipped), [(SkippedPaused, 0), (SkippedPaused, 60)]);
        let before = plan_due_ticks(&paused, start() - TimeDelta::seconds(1));
        assert_eq!((before.records.len(), before.next_run), (0, Some(start())));
    }

    #[test]
    fn a_spread_tick_is_decided_on_when_it_is_due_and_its_lateness_counts_from_then() {
        let spread = due_under("* * * * *", |policies| policies.spread = TimeDelta::seconds(50));
        let offset = spread.timetable.offset(spread.schedule_id);
        let firing = plan_in_time(&spread, start() + offset + TimeDelta::milliseconds(3)).unwrap();
        assert_eq!(firing.records[0].lateness, TimeDelta::milliseconds(3));
        assert_eq!(firing.records[0].scheduled_for, start());
        // The next nominal instant is past, but its tick is not due yet.
        let next = start() + TimeDelta::minutes(1);
        assert!(offset == TimeDelta::zero() || plan_in_time(&spread, next).is_some());
    }

    #[test]
    fn what_is_excluded_between_two_ticks_is_one_row() {
        // Noon of each day; the day before the first of January is excluded.
        let mut daily = due("0 0 * * *; except 2025-12-30..2025-12-31; except 2026-01-02");
        Arc::get_mut(&mut daily.timetable).unwrap().excludes_since = Some(start() - TimeDelta::days(5));
        let firing = plan_in_time(&daily, start()).unwrap();
        assert_eq!(outcomes(&firing), [(Fired, 0), (Excluded, -2 * 86_400)]);
        let excluded = &firing.records[1];
        assert_eq!(
            (excluded.count, excluded.through),
            (2, start() - TimeDelta::days(1))
        );
        let firing = plan_due_ticks(&daily, start() + TimeDelta::days(2));
        let excluded = firing.records.last().unwrap();
        assert_eq!(
            (excluded.count, excluded.through),
            (3, start() + TimeDelta::days(1))
        );
    }

    #[test]
    fn a_very_long_grace_is_worked_off_in_parts() {
        let due = due_under("* * * * * *", |policies| {
            policies.grace = Some(TimeDelta::days(365))
        });
        let firing = plan_due_ticks(&due, start() + TimeDelta::days(1));
        assert_eq!(firing.records.len(), MOST_IN_TIME);
        assert_eq!(firing.next_run, Some(start() + TimeDelta::seconds(1_000)));
    }

    #[test]
    fn a_tick_in_time_becomes_one_job() {
        let now = start() + TimeDelta::milliseconds(2);
        let firing = plan_due_ticks(&due("* * * * *"), now);
        assert_eq!(firing.records.len(), 1);
        assert_eq!(firing.records[0].outcome, TickOutcome::Fired);
        assert_eq!(firing.records[0].lateness, TimeDelta::milliseconds(2));
        assert_eq!(firing.next_run, Some(start() + TimeDelta::minutes(1)));
        assert_eq!(
            (firing.expected_timing_version, firing.expected_next_run),
            (3, start())
        );
    }

    #[test]
    fn missed_ticks_are_merged_into_the_latest_and_each_is_recorded() {
        let firing = plan_due_ticks(&due("* * * * *"), start() + TimeDelta::seconds(150));
        let job = firing.jobs().next().unwrap().job_id;
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
        assert!(firing.records.iter().all(|record| record.job_id == job));
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
            firing.jobs().next().unwrap().scheduled_for,
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
        assert_eq!(
            firing.completion.as_deref(),
            Some("no later date of the calendar matches")
        );
        assert_eq!(firing.jobs().count(), 1);
    }

    #[test]
    fn a_refused_job_leaves_the_ticks_with_the_reason() {
        let firing = plan_due_ticks(&due("* * * * *"), start() + TimeDelta::seconds(90));
        let recorded = without_job(&firing, "no room");
        assert_eq!(recorded.jobs().count(), 0);
        assert_eq!(recorded.next_run, firing.next_run);
        for record in recorded.records {
            assert_eq!(record.outcome, TickOutcome::FailedToCreate);
            assert_eq!(record.reason.as_deref(), Some("no room"));
        }
    }

    fn any_policies() -> impl Strategy<Value = SchedulePolicies> {
        let misfire = proptest::sample::select(MisfirePolicy::ALL);
        (
            misfire,
            proptest::option::of(0..400_i64),
            1..20_u32,
            1..3_000_i64,
            0..7_000_i64,
        )
            .prop_map(
                |(misfire, grace, catch_up_max, window, spread)| SchedulePolicies {
                    misfire,
                    grace: grace.map(TimeDelta::seconds),
                    catch_up_max,
                    catch_up_window: TimeDelta::seconds(window),
                    spread: TimeDelta::milliseconds(spread),
                    ..SchedulePolicies::default()
                },
            )
    }

    proptest! {
        #[test]
        fn every_nominal_tick_is_recorded_exactly_once_under_every_policy(
            // Up to a third of a thousand ticks, and many times around where rows become a range.
            late_by in prop_oneof![0..2_400_i64, 400..460_i64],
            expression in prop_oneof![Just("*/7 * * * * *"), Just("* 0-3,30-40 * * * *")],
            policies in any_policies(),
            resumes in any::<bool>(),
        ) {
            let mut due = due_under(expression, |of| *of = policies);
            due.resumes = resumes;
            let offset = due.timetable.offset(due.schedule_id);
            let now = start() + offset + TimeDelta::seconds(late_by);
            let firing = plan_due_ticks(&due, now);
            let specification = &due.timetable.specification;
            let nominal: Vec<_> = std::iter::once(start())
                .chain(specification.upcoming(start()).take_while(|tick| *tick + offset <= now))
                .collect();
            let mut expanded = Vec::new();
            for record in &firing.records {
                let before = expanded.len();
                let within = nominal.iter().filter(|tick| (record.scheduled_for..=record.through).contains(tick));
                expanded.extend(within.copied());
                prop_assert_eq!((expanded.len() - before) as u64, record.count);
                prop_assert_eq!(record.lateness, now - record.scheduled_for - offset);
                let in_time = record.lateness <= policies.effective_grace();
                prop_assert!(!in_time || record.outcome == Fired, "{:?}", record);
            }
            prop_assert_eq!(&expanded, &nominal);
            prop_assert!(firing.next_run.unwrap() + offset > now);
            for pair in firing.records.windows(2) {
                prop_assert!(pair[0].through < pair[1].scheduled_for);
            }
            let jobs: Vec<_> = firing.jobs().map(|record| record.job_id.unwrap()).collect();
            let distinct: std::collections::HashSet<_> = jobs.iter().collect();
            prop_assert_eq!(distinct.len(), jobs.len());
            match policies.misfire {
                MisfirePolicy::Coalesce => prop_assert!(!jobs.is_empty()),
                MisfirePolicy::Skip => {}
                MisfirePolicy::CatchUp => {
                    let missed = firing.jobs().filter(|record| record.lateness > policies.effective_grace());
                    prop_assert!(missed.count() <= policies.catch_up_max as usize);
                }
            }
        }
    }
}
