use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{JobId, TickOutcome};

use super::{LEDGER_ROWS_PER_RUN, Missed, Plan, Run};

const SECOND: TimeDelta = TimeDelta::seconds(1);

impl Plan<'_> {
    /// All missed ticks, the last of which is `last`, become one job: that of the first tick in time, or else that of
    /// the last.
    pub(super) fn coalesce(&mut self, last: DateTime<Utc>, in_time: Option<DateTime<Utc>>) {
        let job = JobId::new();
        self.merged_into = Some(job);
        let target = in_time.unwrap_or(last);
        let merged = match in_time {
            Some(_) => Some(last),
            None => self.before(last),
        };
        if let Some(merged) = merged {
            let tick = target.format("%Y-%m-%dT%H:%M:%SZ");
            let reason = format!("missed, and merged into the tick of {tick}").into();
            let first = self.due.scheduled_for;
            self.record_all(first, merged, TickOutcome::Coalesced, &reason, Some(job));
        }
        if in_time.is_none() {
            self.fire(last);
        }
    }

    /// No missed tick becomes a job.
    pub(super) fn skip(&mut self, last: DateTime<Utc>, missed: Missed) {
        let (outcome, reason): (_, Arc<str>) = match missed {
            Missed::Skipped(why) => (TickOutcome::SkippedPaused, why.into()),
            Missed::ByPolicy if self.due.resumes => (
                TickOutcome::SkippedPaused,
                "the schedule was paused, and skips what it misses".into(),
            ),
            Missed::ByPolicy => {
                let grace = self.due.timetable.policies.effective_grace();
                let reason = format!(
                    "missed by more than {}, and missed ticks are skipped",
                    words(grace)
                );
                (TickOutcome::SkippedMisfire, reason.into())
            }
        };
        self.record_all(self.due.scheduled_for, last, outcome, &reason, None);
    }

    /// The latest missed ticks become a job each, as many as the policy allows; the others are skipped.
    pub(super) fn catch_up(&mut self, last: DateTime<Utc>) {
        let policies = self.due.timetable.policies;
        let oldest = self.horizon - policies.catch_up_window;
        let mut made_up_for = Vec::new();
        let mut tick = Some(last);
        while let Some(at) =
            tick.filter(|at| *at >= oldest && made_up_for.len() < policies.catch_up_max as usize)
        {
            made_up_for.push(at);
            tick = self.before(at);
        }
        if let Some(skipped) = tick {
            let outcome = if self.due.resumes {
                TickOutcome::SkippedPaused
            } else {
                TickOutcome::SkippedMisfire
            };
            let reason = format!(
                "missed; the schedule catches up on the latest {} of the last {}",
                policies.catch_up_max,
                words(policies.catch_up_window)
            )
            .into();
            self.record_all(self.due.scheduled_for, skipped, outcome, &reason, None);
        }
        for tick in made_up_for.into_iter().rev() {
            self.fire(tick);
        }
    }

    /// The due tick before this one.
    fn before(&self, tick: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = self.due.scheduled_for;
        if tick <= first {
            return None;
        }
        let specification = &self.due.timetable.specification;
        Some(specification.last_between(first, tick - SECOND).unwrap_or(first))
    }

    /// Records the ticks from `first` through `last`: each of few, and many as a range.
    fn record_all(
        &mut self,
        first: DateTime<Utc>,
        last: DateTime<Utc>,
        outcome: TickOutcome,
        reason: &Arc<str>,
        job: Option<JobId>,
    ) {
        let specification = &self.due.timetable.specification;
        let ticks = || {
            let later = specification.upcoming(first).take_while(|tick| *tick <= last);
            std::iter::once(first).chain(later)
        };
        let runs: Vec<Run> = if ticks().nth(LEDGER_ROWS_PER_RUN).is_none() {
            ticks().map(Run::of_one).collect()
        } else {
            vec![Run {
                first,
                last,
                count: 1 + specification.count_between(first, last),
            }]
        };
        for run in runs {
            self.record(run, outcome, Some(Arc::clone(reason)), job);
        }
    }
}

/// A length of time for a reader.
fn words(length: TimeDelta) -> String {
    let seconds = length.num_seconds();
    for (unit, size) in [("day", 86_400), ("hour", 3_600), ("minute", 60)] {
        if seconds >= size && seconds % size == 0 {
            let count = seconds / size;
            return format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        }
    }
    format!("{} s", length.as_seconds_f64())
}
