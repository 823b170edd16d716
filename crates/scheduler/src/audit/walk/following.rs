//! A schedule that follows another must have a row for each job of its leader.
//!
//! Its rows stand under the nominal instants of its leader, which may be earlier than the edit that made it follow. So
//! whether a row is of a leader is told by when it was decided on.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleId, Tick, TickOutcome, TickRecord};
use ratchet_repository_bridge::RepositoryBridge;

use super::{FaultKind, ROWS_PER_PAGE, Walk};
use crate::history::{Rule, Term};

/// The rows of one schedule in the order of time, read in pages.
struct Rows<'a> {
    bridge: &'a RepositoryBridge,
    id: ScheduleId,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, u32)>,
    page: VecDeque<Tick>,
    is_last: bool,
}

impl Rows<'_> {
    async fn next(&mut self) -> Result<Option<Tick>, RepositoryError> {
        if self.page.is_empty() && !self.is_last {
            let rows = self
                .bridge
                .scan_ticks(self.id, self.from, self.after, ROWS_PER_PAGE)
                .await?;
            self.is_last = rows.len() < ROWS_PER_PAGE as usize;
            self.after = rows.last().map(|tick| (tick.record.scheduled_for, tick.request));
            self.page = rows.into();
        }
        Ok(self.page.pop_front())
    }
}

/// The rows of an instant, as far as each stands for a job or for the reason why there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    own: u64,
    by_hand: u64,
}

impl Tally {
    fn count(&mut self, tick: &Tick) {
        if tick.request > 0 {
            self.by_hand += 1;
        } else {
            self.own += 1;
        }
    }

    const fn covers(self, other: Self) -> bool {
        self.own >= other.own && self.by_hand >= other.by_hand
    }
}

impl Walk<'_> {
    /// Whether a row may be of a job of a leader.
    pub(super) fn is_of_leader(&self, record: &TickRecord) -> bool {
        let terms = &self.history.terms;
        terms.iter().any(|term| term.follows_around(record.decided_at))
    }

    /// Whether a row is of ticks of the specification of this place.
    pub(super) fn is_own_tick(&self, record: &TickRecord) -> bool {
        let term = self.history.terms.get(self.place);
        term.is_some_and(|term| {
            term.contains(record.scheduled_for)
                && term.specification().is_some_and(|specification| {
                    record.outcome == TickOutcome::Excluded || specification.is_due(record.scheduled_for)
                })
        })
    }

    /// Whether the schedule followed another in this place.
    pub(super) fn follows_here(&self) -> bool {
        let term = self.history.terms.get(self.place);
        term.is_some_and(|term| matches!(term.rule, Rule::Follows(_)))
    }

    /// Looks for a row of each job that leaders were given while they were followed.
    pub(super) async fn look_at_leaders(&mut self) -> Result<(), RepositoryError> {
        for place in 0..self.history.terms.len() {
            if let Rule::Follows(following) = self.history.terms[place].rule {
                self.look_at_leader(place, following.leader_id).await?;
            }
        }
        Ok(())
    }

    async fn look_at_leader(&mut self, place: usize, leader: ScheduleId) -> Result<(), RepositoryError> {
        let after = self.history.terms[place].after;
        let from = self.frame.from.map_or(after, |from| from.max(after));
        let rows = |id| Rows {
            bridge: self.bridge,
            id,
            from,
            after: None,
            page: VecDeque::new(),
            is_last: false,
        };
        let (mut leading, mut following) = (rows(leader), rows(self.schedule.id));
        let mut next_leading = leading.next().await?;
        let mut next_following = following.next().await?;
        while let Some(first) = next_leading.take() {
            let instant = first.record.scheduled_for;
            if self.is_beyond(place, instant) {
                return Ok(());
            }
            let mut wanted = Tally::default();
            let mut current = Some(first);
            while let Some(tick) = current {
                if tick.record.scheduled_for != instant {
                    next_leading = Some(tick);
                    break;
                }
                if must_be_followed(&self.history.terms[place], &tick) {
                    wanted.count(&tick);
                }
                current = leading.next().await?;
            }
            let mut found = Tally::default();
            while let Some(tick) = next_following.take() {
                if tick.record.scheduled_for > instant {
                    next_following = Some(tick);
                    break;
                }
                if tick.record.scheduled_for == instant || tick.record.through >= instant {
                    found.count(&tick);
                }
                next_following = following.next().await?;
            }
            self.report.ticks += wanted.own;
            if !found.covers(wanted) && !self.found_again(instant).await?.covers(wanted) {
                let words =
                    "a job of its leader was made, and no row tells what became of its own".to_owned();
                self.fault(instant, FaultKind::Missing, words);
            }
        }
        Ok(())
    }

    fn is_beyond(&self, place: usize, instant: DateTime<Utc>) -> bool {
        let until = self.history.terms[place].until;
        until.is_some_and(|until| instant > until) || self.frame.range.to.is_some_and(|to| instant >= to)
    }

    /// What the ledger has of an instant by now: rows of leader and follower are written together, but not read so.
    async fn found_again(&self, instant: DateTime<Utc>) -> Result<Tally, RepositoryError> {
        let mut found = Tally::default();
        for tick in self.bridge.find_ticks(self.schedule.id, instant).await? {
            found.count(&tick);
        }
        Ok(found)
    }
}

fn must_be_followed(term: &Term, tick: &Tick) -> bool {
    let record = &tick.record;
    let has_job = match record.outcome {
        TickOutcome::Fired | TickOutcome::Buffered | TickOutcome::Triggered | TickOutcome::Backfilled => true,
        TickOutcome::Coalesced
        | TickOutcome::SkippedOverlap
        | TickOutcome::SkippedMisfire
        | TickOutcome::SkippedPaused
        | TickOutcome::Excluded
        | TickOutcome::FailedToCreate => false,
    };
    has_job && term.must_follow(record.decided_at, record.scheduled_for)
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{DependencyCondition, Following, SchedulePeriod, UnifiedSchedule};

    use super::*;
    use crate::audit::{AuditRange, AuditReport, audit};
    use crate::history::ledger::{Ledger, at, by_hand, range, row, schedule};

    /// An hourly leader and its follower, each with a row an hour through four o'clock.
    fn ledger() -> (UnifiedSchedule, UnifiedSchedule, Vec<Tick>, Vec<Tick>) {
        let mut leader = schedule("import", "0 * * * *");
        leader.next_run = Some(at("2025-12-31T05:00:00Z"));
        let following = Following {
            leader_id: leader.id,
            condition: DependencyCondition::AllFinished,
        };
        let follower = schedule("report", &following.to_string());
        let hour = |hour: i32| format!("2025-12-31T0{hour}:00:00Z");
        let rows = |id| (1..=4).map(move |it| row(id, &hour(it), TickOutcome::Fired));
        let (of_leader, of_follower) = (rows(leader.id), rows(follower.id));
        let (of_leader, of_follower) = (of_leader.collect(), of_follower.collect());
        (leader, follower, of_leader, of_follower)
    }

    async fn audited(schedules: &[UnifiedSchedule], ticks: Vec<Tick>) -> AuditReport {
        let ledger = Ledger {
            ticks,
            ..Ledger::of(schedules)
        };
        audit(
            &ledger.bridge(),
            AuditRange::default(),
            at("2025-12-31T04:30:00Z"),
            |_| (),
        )
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn rows_of_a_follower_beside_those_of_its_leader_are_sound() {
        let (leader, mut follower, mut rows, of_follower) = ledger();
        let triggered = |id| row(id, "2025-12-31T02:10:00.5Z", TickOutcome::Triggered);
        follower.requests = 1;
        let mut leader = leader;
        leader.requests = 1;
        rows.push(by_hand(triggered(leader.id), 1, "triggered by ada"));
        rows.push(by_hand(triggered(follower.id), 1, "after \"import\""));
        rows.extend(of_follower);
        let report = audited(&[leader, follower], rows).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!((report.ticks, report.unreadable), (8, 0));
    }

    #[tokio::test]
    async fn a_job_of_the_leader_without_a_row_of_the_follower_is_missing() {
        for hour in 1..=4 {
            let (leader, follower, mut rows, mut of_follower) = ledger();
            of_follower.remove(hour - 1);
            rows.extend(of_follower);
            let report = audited(&[leader, follower], rows).await;
            let faults: Vec<_> = report
                .faults
                .iter()
                .map(|fault| (fault.name.as_str(), fault.kind, fault.instant))
                .collect();
            let instant = at(&format!("2025-12-31T0{hour}:00:00Z"));
            assert_eq!(faults, [("report", FaultKind::Missing, instant)]);
        }
    }

    #[tokio::test]
    async fn a_request_of_the_leader_without_one_of_the_follower_is_missing() {
        let (mut leader, follower, mut rows, of_follower) = ledger();
        leader.requests = 1;
        let again = row(leader.id, "2025-12-31T02:00:00Z", TickOutcome::Backfilled);
        rows.push(by_hand(again, 1, "backfilled by ada"));
        rows.extend(of_follower);
        let report = audited(&[leader, follower], rows).await;
        assert_eq!(report.faults_total, 1, "{:?}", report.faults);
        assert_eq!(report.faults[0].instant, at("2025-12-31T02:00:00Z"));
    }

    #[tokio::test]
    async fn what_makes_no_job_of_the_leader_asks_for_nothing() {
        let (mut leader, follower, mut rows, mut of_follower) = ledger();
        let skipped = TickOutcome::SkippedMisfire;
        rows.truncate(1);
        let (two, four) = ("2025-12-31T02:00:00Z", "2025-12-31T04:00:00Z");
        rows.push(range(leader.id, two, four, 3, skipped));
        of_follower.truncate(1);
        leader.next_run = Some(at("2025-12-31T05:00:00Z"));
        rows.extend(of_follower);
        let report = audited(&[leader, follower], rows).await;
        assert!(report.is_sound(), "{:?}", report.faults);
    }

    #[tokio::test]
    async fn a_schedule_that_came_to_follow_is_asked_only_for_what_came_after() {
        let (leader, mut follower, mut rows, mut of_follower) = ledger();
        // Half past the hour until 02:40, and following since.
        let edited = at("2025-12-31T02:40:00Z");
        let period = SchedulePeriod {
            schedule_id: follower.id,
            effective_from: follower.effective_from,
            effective_until: edited,
            specification: "30 * * * *".to_owned(),
            timezone: "UTC".to_owned(),
        };
        follower.effective_from = edited;
        of_follower.drain(..2);
        let own = |hour| format!("2025-12-31T0{hour}:30:00Z");
        of_follower.extend((0..3).map(|it| row(follower.id, &own(it), TickOutcome::Fired)));
        // A tick of the leader that it decided on late, when it was followed already.
        let mut late = row(follower.id, "2025-12-31T02:00:00Z", TickOutcome::Fired);
        late.record.decided_at = at("2025-12-31T02:45:00Z");
        of_follower.push(late);
        rows.extend(of_follower);
        let ledger = Ledger {
            ticks: rows,
            periods: vec![period],
            ..Ledger::of(&[leader, follower])
        };
        let now = at("2025-12-31T04:30:00Z");
        let report = audit(&ledger.bridge(), AuditRange::default(), now, |_| ()).await;
        let report = report.unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
    }

    #[tokio::test]
    async fn a_row_that_was_decided_on_when_nobody_was_followed_is_no_tick() {
        let (leader, mut follower, mut rows, of_follower) = ledger();
        follower.effective_from = at("2025-12-31T00:30:00Z");
        let mut stray = row(follower.id, "2025-12-31T02:30:00Z", TickOutcome::Fired);
        stray.record.decided_at = at("2025-12-31T00:10:00Z");
        rows.extend(of_follower);
        rows.push(stray);
        let report = audited(&[leader, follower], rows).await;
        assert_eq!(report.faults_total, 1, "{:?}", report.faults);
        assert_eq!(report.faults[0].kind, FaultKind::NotATick);
    }
}
