//! What is wrong with one row, by itself and with those before it.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Fact, RepositoryError, Tick, TickRecord};
use ratchet_recurrence::Specification;

use super::{FaultKind, Walk};
use crate::history::INSTANT;
use crate::retention::instant_of;
use crate::why::written;

impl Walk<'_> {
    /// A row of the schedule's own ticks.
    pub(super) fn look_at_ticks(&mut self, record: &TickRecord, specification: &Specification) {
        let (first, last) = (record.scheduled_for, record.through);
        let term = &self.history.terms[self.place];
        if !term.contains(first) {
            self.not_a_tick(record);
            return;
        }
        let is_tick = |instant| term.contains(instant) && specification.is_due(instant);
        if !is_tick(first) || (first != last && !is_tick(last)) {
            self.not_a_tick(record);
        } else {
            let ticks = if first == last {
                1
            } else {
                specification.count_between(first - INSTANT, last)
            };
            if ticks != record.count {
                let words = format!(
                    "a row from {} through {} stands for {} ticks, and there are {ticks}",
                    written(first),
                    written(last),
                    record.count
                );
                self.fault_of(record, first, FaultKind::WrongCount, words);
            }
        }
        let is_cut = self.frame.from.is_some_and(|from| first < from);
        if first <= self.covered && !is_cut {
            let kind = if first == last {
                FaultKind::Doubled
            } else {
                FaultKind::Overlapping
            };
            if specification.count_between(first - INSTANT, last.min(self.covered)) > 0 {
                let words = format!(
                    "a row from {} through {} tells of ticks that an earlier row tells of: those through {}",
                    written(first),
                    written(last),
                    written(self.covered)
                );
                self.fault_of(record, first, kind, words);
            }
        } else {
            self.cover_until(first - INSTANT, specification);
        }
        let last = self.clip(last);
        if last > self.covered {
            self.report.ticks += specification.count_between(self.covered, last);
            self.covered = last;
        }
    }

    pub(super) fn look_at_excluded(&mut self, record: &TickRecord, specification: &Specification) {
        let (first, last) = (record.scheduled_for, record.through);
        let plain = specification.without_exclusions();
        let is_excluded = |instant| plain.is_due(instant) && !specification.is_due(instant);
        let excluded = excluded_between(&plain, specification, first - INSTANT, last);
        if !is_excluded(first) || !is_excluded(last) || excluded != record.count {
            let words = format!(
                "a row from {} through {} tells of {} excluded instants, and there are {excluded}",
                written(first),
                written(last),
                record.count
            );
            self.fault_of(record, first, FaultKind::WrongExclusion, words);
        }
        if self.excluded_through.is_some_and(|through| first <= through) {
            let words = "two rows tell of the same excluded instants".to_owned();
            self.fault_of(record, first, FaultKind::Overlapping, words);
        }
        self.excluded_through = self.excluded_through.max(Some(last));
    }

    pub(super) async fn look_for_job(&mut self, row: &Tick) -> Result<(), RepositoryError> {
        let record = &row.record;
        let Some(id) = record.job_id else {
            let words = format!("a row with the outcome {} names no job", record.outcome);
            self.fault(record.scheduled_for, FaultKind::WrongJob, words);
            return Ok(());
        };
        let Some(job) = self.bridge.find_job(id).await? else {
            if self.may_be_pruned(record).await? {
                return Ok(());
            }
            let words = format!("job {id}, which the row names, does not exist");
            self.fault(record.scheduled_for, FaultKind::JobGone, words);
            return Ok(());
        };
        let is_of_tick = job.scheduled_for.is_none_or(|tick| tick == record.scheduled_for);
        if job.schedule_id != Some(self.schedule.id) || job.request != row.request || !is_of_tick {
            let words = format!("job {id}, which the row names, is of another schedule, tick or request");
            self.fault(record.scheduled_for, FaultKind::WrongJob, words);
        }
        Ok(())
    }

    /// A job ended no earlier than it was decided on. Jobs may have been pruned since the audit began.
    async fn may_be_pruned(&mut self, record: &TickRecord) -> Result<bool, RepositoryError> {
        let is_before = |from: Option<DateTime<Utc>>| from.is_some_and(|from| record.decided_at < from);
        if !is_before(self.frame.jobs_from) {
            self.frame.jobs_from = instant_of(self.bridge, Fact::JobsFrom).await?;
        }
        Ok(is_before(self.frame.jobs_from))
    }

    pub(super) fn not_a_tick(&mut self, record: &TickRecord) {
        let words = if record.scheduled_for == record.through {
            "a row tells of it, and it was no tick".to_owned()
        } else {
            format!(
                "a row tells of ticks from {} through {}, and one of these two was no tick",
                written(record.scheduled_for),
                written(record.through)
            )
        };
        self.fault_of(record, record.scheduled_for, FaultKind::NotATick, words);
    }
}

/// How many instants are excluded that are later than `after`, up to and including `until`.
pub(super) fn excluded_between(
    plain: &Specification,
    specification: &Specification,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> u64 {
    plain
        .count_between(after, until)
        .saturating_sub(specification.count_between(after, until))
}
