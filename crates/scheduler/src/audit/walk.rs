mod following;
mod row;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleState, Tick, TickOutcome, TickRecord, UnifiedSchedule};
use ratchet_recurrence::{Specification, Zone};
use ratchet_repository_bridge::{RepositoryBridge, offset_of};

use self::row::excluded_between;
use super::{AuditReport, Fault, FaultKind, Frame};
use crate::history::{History, INSTANT, Rule, Term};
use crate::why::written;

const ROWS_PER_PAGE: u32 = 1_000;

/// A way through one schedule's ledger, with its ticks beside it.
pub(super) struct Walk<'a> {
    bridge: &'a RepositoryBridge,
    schedule: &'a UnifiedSchedule,
    frame: Frame,
    history: History,
    /// The place of the term in which the walk is.
    place: usize,
    /// The term's ticks up to here are accounted for.
    covered: DateTime<Utc>,
    /// Where the last row of excluded instants ended.
    excluded_through: Option<DateTime<Utc>>,
    /// The end of the last row at or after the stored next tick, which somebody may have decided on meanwhile.
    decided_meanwhile: Option<DateTime<Utc>>,
    pub(super) report: AuditReport,
}

impl<'a> Walk<'a> {
    pub(super) async fn through(
        bridge: &'a RepositoryBridge,
        schedule: &'a UnifiedSchedule,
        frame: Frame,
    ) -> Result<Walk<'a>, RepositoryError> {
        let history = History::read(bridge, schedule).await?;
        let mut walk = Self {
            bridge,
            schedule,
            frame,
            history,
            place: 0,
            covered: DateTime::<Utc>::MIN_UTC,
            excluded_through: None,
            decided_meanwhile: None,
            report: AuditReport {
                schedules: 1,
                ..AuditReport::default()
            },
        };
        let unreadable = |term: &Term| matches!(term.rule, Rule::Unreadable(_));
        walk.report.unreadable = walk.history.terms.iter().any(unreadable).into();
        walk.enter();
        walk.read_rows().await?;
        walk.look_at_leaders().await?;
        while walk.place < walk.history.terms.len() {
            walk.leave();
        }
        walk.count_undecided();
        Ok(walk)
    }

    /// Whether there is nothing that would have to be looked at once more.
    pub(super) fn is_sound(&self) -> bool {
        self.report.is_sound() && self.decided_meanwhile.is_none()
    }

    /// The report, now that the schedule was read again: it has gone on past the ticks that were decided on meanwhile,
    /// or it has not and they are decided on too early.
    pub(super) fn finish(mut self, read_again: &UnifiedSchedule) -> AuditReport {
        if let (Some(last), Some(next)) = (self.decided_meanwhile, read_again.next_run)
            && next <= last
        {
            let words = format!(
                "its next tick is stored as {}, and the ledger has decided on ticks through {}",
                written(next),
                written(last)
            );
            self.fault(next, FaultKind::NextRun, words);
        }
        self.report
    }

    async fn read_rows(&mut self) -> Result<(), RepositoryError> {
        let from = self.frame.from.unwrap_or(DateTime::UNIX_EPOCH);
        let mut after = None;
        loop {
            let id = self.schedule.id;
            let rows = self.bridge.scan_ticks(id, from, after, ROWS_PER_PAGE).await?;
            for row in &rows {
                if self
                    .frame
                    .range
                    .to
                    .is_some_and(|to| row.record.scheduled_for >= to)
                {
                    return Ok(());
                }
                self.look_at(row).await?;
            }
            let Some(last) = rows.last().filter(|_| rows.len() == ROWS_PER_PAGE as usize) else {
                return Ok(());
            };
            after = Some((last.record.scheduled_for, last.request));
        }
    }

    async fn look_at(&mut self, row: &Tick) -> Result<(), RepositoryError> {
        let record = &row.record;
        let is_by_hand = matches!(record.outcome, TickOutcome::Triggered | TickOutcome::Backfilled);
        // A follower that is paused skips what its leader does by hand as well.
        let may_be_by_hand =
            is_by_hand || (record.outcome == TickOutcome::SkippedPaused && self.is_of_leader(record));
        // A request that was made since the schedule was read is higher than those that it knew of.
        let is_new = record.decided_at >= self.frame.now;
        let has_its_number = if row.request > 0 {
            may_be_by_hand
        } else {
            !is_by_hand
        };
        if !has_its_number || (row.request > self.schedule.requests && !is_new) {
            let words = format!(
                "a row with the outcome {} has the number of request {}, and the schedule had {}",
                record.outcome, row.request, self.schedule.requests
            );
            self.fault(record.scheduled_for, FaultKind::WrongRequest, words);
        }
        if row.request > 0 {
            self.count(record, None);
            if record.count != 1 || record.scheduled_for != record.through {
                let words = "a run by hand is of one instant".to_owned();
                self.fault(record.scheduled_for, FaultKind::WrongCount, words);
            }
            return if is_by_hand {
                self.look_for_job(row).await
            } else {
                Ok(())
            };
        }
        while self
            .history
            .terms
            .get(self.place + 1)
            .is_some_and(|next| next.after < record.scheduled_for)
        {
            self.leave();
        }
        let is_ahead =
            self.is_in_present() && self.undecided_from().is_some_and(|next| next <= record.through);
        if is_ahead && record.outcome != TickOutcome::Excluded {
            self.decided_meanwhile = self.decided_meanwhile.max(Some(record.through));
        }
        match self.specification() {
            _ if self.is_of_leader(record) && !self.is_own_tick(record) => self.count(record, None),
            Some(Err(())) => {
                self.count(record, None);
                if self.follows_here() {
                    self.not_a_tick(record);
                }
            }
            None => {
                self.count(record, None);
                self.not_a_tick(record);
            }
            Some(Ok(specification)) if record.outcome == TickOutcome::Excluded => {
                self.count(record, Some(&specification));
                self.look_at_excluded(record, &specification);
            }
            Some(Ok(specification)) => {
                self.count(record, Some(&specification));
                self.look_at_ticks(record, &specification);
            }
        }
        if record.outcome.is_run() {
            return self.look_for_job(row).await;
        }
        Ok(())
    }

    /// Begins with the term of this place.
    fn enter(&mut self) {
        let from = self.frame.from.map(|from| from - INSTANT);
        if let Some(term) = self.history.terms.get(self.place) {
            self.covered = from.map_or(term.after, |from| from.max(term.after));
        }
        self.excluded_through = None;
    }

    /// Ends with the term of this place: all its ticks must be accounted for, but for those that are undecided.
    fn leave(&mut self) {
        if let Some(Ok(specification)) = self.specification() {
            let term = &self.history.terms[self.place];
            let end = match term.until {
                Some(until) => until,
                None => self.end_of_present(&specification),
            };
            self.cover_until(self.clip(end), &specification);
        }
        self.place += 1;
        self.enter();
    }

    /// Through when the ticks of what the schedule says now must be decided on.
    fn end_of_present(&mut self, specification: &Specification) -> DateTime<Utc> {
        let Some(next) = self.undecided_from() else {
            // A completed schedule has no tick left, and one that was never armed none that was decided on.
            if self.schedule.state != ScheduleState::Completed {
                return self.covered;
            }
            let now = self.frame.now;
            if let Some(next) = specification.next_after(now) {
                let words = "it is completed, and this is a tick to come".to_owned();
                self.fault(next, FaultKind::NextRun, words);
            }
            return now;
        };
        let is_tick = next > self.schedule.effective_from && specification.is_due(next);
        let is_in_range = self.frame.range.to.is_none_or(|to| next < to);
        if !is_tick && is_in_range {
            let words = format!("its next tick is stored as {}, which is no tick", written(next));
            self.fault_since(None, next, FaultKind::NextRun, words, specification);
        }
        next - INSTANT
    }

    /// Ticks up to an instant have no row.
    fn cover_until(&mut self, until: DateTime<Utc>, specification: &Specification) {
        if until <= self.covered {
            return;
        }
        let after = std::mem::replace(&mut self.covered, until);
        let Some(first) = specification.next_after(after).filter(|tick| *tick <= until) else {
            return;
        };
        self.report.ticks += specification.count_between(after, until);
        let mut first_of_now = first;
        if let Some(since) = self.other_zone_data(specification).filter(|since| first < *since) {
            self.report.under_other_zone_data += specification.count_between(after, until.min(since));
            let Some(tick) = specification.next_after(since).filter(|tick| *tick <= until) else {
                return;
            };
            first_of_now = tick;
        }
        let missing = specification.count_between(first_of_now - INSTANT, until);
        let last = specification
            .last_between(first_of_now - INSTANT, until)
            .unwrap_or(first_of_now);
        let words = if missing == 1 {
            "it was a tick, and no row tells of it".to_owned()
        } else {
            format!(
                "no row tells of {missing} ticks from {} through {}",
                written(first_of_now),
                written(last)
            )
        };
        self.fault(first_of_now, FaultKind::Missing, words);
    }

    fn count_undecided(&mut self) {
        let Some(term) = self
            .history
            .terms
            .last()
            .filter(|term| term.is_present && term.until.is_none())
        else {
            return;
        };
        let (Some(specification), Some(next)) = (term.specification(), self.undecided_from()) else {
            return;
        };
        // The ticks that somebody has decided on since the schedule was read do not wait any more.
        let decided = self.decided_meanwhile.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let from = self.frame.from.unwrap_or(next).max(next) - INSTANT;
        let from = from.max(decided);
        let offset = offset_of(self.schedule.id, self.schedule.policies.spread);
        let until = self.clip(self.frame.now - offset);
        let waiting = if until > from {
            specification.count_between(from, until)
        } else {
            0
        };
        let is_paused = self
            .schedule
            .pause
            .as_ref()
            .is_some_and(|pause| pause.resume_at.is_none_or(|resume_at| self.frame.now < resume_at));
        if waiting == 0 {
            return;
        }
        if is_paused {
            self.report.paused = waiting;
        } else {
            self.report.pending = waiting;
            self.report.pending_since = specification.next_after(from).map(|tick| tick + offset);
        }
    }

    /// The first tick that is not decided on, by the schedule's row.
    fn undecided_from(&self) -> Option<DateTime<Utc>> {
        self.schedule.next_run
    }

    fn is_in_present(&self) -> bool {
        self.history
            .terms
            .get(self.place)
            .is_some_and(|term| term.is_present)
    }

    /// The specification of this place: `None` where there is no term, and nothing where that has no ticks or cannot be
    /// read.
    fn specification(&self) -> Option<Result<Specification, ()>> {
        let term = self.history.terms.get(self.place)?;
        Some(term.specification().cloned().ok_or(()))
    }

    fn clip(&self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let end = self.frame.range.to.map(|to| to - INSTANT);
        end.map_or(instant, |end| end.min(instant))
    }

    /// Counts what a row stands for; of one that reaches out of what is audited, what its specification has within.
    fn count(&mut self, record: &TickRecord, specification: Option<&Specification>) {
        let (first, last) = (record.scheduled_for, record.through);
        let from = self.frame.from.map_or(first, |from| from.max(first));
        let until = self.clip(last);
        let count = match specification {
            Some(specification) if from != first || until != last => {
                if record.outcome == TickOutcome::Excluded {
                    let plain = specification.without_exclusions();
                    excluded_between(&plain, specification, from - INSTANT, until)
                } else {
                    specification.count_between(from - INSTANT, until)
                }
            }
            _ => record.count,
        };
        *self.report.outcomes.entry(record.outcome).or_default() += count;
    }

    /// Since when the time-zone data are those of now, where that can have changed what a specification's ticks are.
    fn other_zone_data(&self, specification: &Specification) -> Option<DateTime<Utc>> {
        let since = self.frame.zone_data_since;
        since.filter(|_| specification.zone() != Zone::UTC)
    }

    /// A fault of a row, unless it was written under other time-zone data.
    fn fault_of(&mut self, record: &TickRecord, instant: DateTime<Utc>, kind: FaultKind, words: String) {
        if let Some(Ok(specification)) = self.specification() {
            self.fault_since(Some(record), instant, kind, words, &specification);
        } else {
            self.fault(instant, kind, words);
        }
    }

    fn fault_since(
        &mut self,
        record: Option<&TickRecord>,
        instant: DateTime<Utc>,
        kind: FaultKind,
        words: String,
        specification: &Specification,
    ) {
        let since = self.other_zone_data(specification);
        if let (Some(record), Some(since)) = (record, since)
            && record.decided_at < since
        {
            self.report.under_other_zone_data += record.count;
            return;
        }
        self.fault(instant, kind, words);
    }

    fn fault(&mut self, instant: DateTime<Utc>, kind: FaultKind, words: String) {
        self.report.record(Fault {
            schedule_id: self.schedule.id,
            name: self.schedule.name.clone(),
            instant,
            kind,
            words,
        });
    }
}
