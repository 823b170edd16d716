//! What became, becomes or would become of an instant of a schedule, and why.

mod follower;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use ratchet_interfaces::{
    Fact, RepositoryError, ScheduleId, ScheduleState, SchedulerError, Tick, TickAccount, TickOutcome,
    TickVerdict, UnifiedSchedule, truncate_to_micros,
};
use ratchet_recurrence::{Explanation, Specification, Zone};
use ratchet_repository_bridge::{RepositoryBridge, offset_of};

use crate::history::{History, Rule, Term};
use crate::retention::instant_of;

/// Accounts for an instant of a schedule: any instant, also one that was never due, that is to come, or at which the
/// schedule said something else than now.
///
/// # Errors
/// `NotFound` when there is no such schedule; otherwise as the repositories.
pub async fn why(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<TickAccount, SchedulerError> {
    let answered = account(bridge, id, instant, now).await;
    answered
        .map(|answered| answered.account)
        .map_err(|source| SchedulerError::Repository {
            during: "accounting for an instant",
            source,
        })
}

async fn account(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Answered, RepositoryError> {
    let question = Question::read(bridge, id, instant, now).await?;
    let followed = question.followed().map(|following| following.leader_id);
    let leader = match followed {
        // A chain has an end: no schedule follows itself.
        Some(leader) => match Box::pin(account(bridge, leader, instant, now)).await {
            Err(RepositoryError::NotFound { .. }) => None,
            answered => Some(answered?),
        },
        None => None,
    };
    let (verdict, mut words) = question.answer(leader.as_ref());
    for tick in question.recorded.iter().filter(|tick| tick.request > 0) {
        words.push_str(&by_hand(tick));
    }
    let Question {
        schedule,
        history,
        recorded,
        ..
    } = question;
    let (previous, next) = match leader {
        Some(Answered { account, .. }) => (account.previous, account.next),
        None => (history.previous_tick(instant), history.next_tick(instant)),
    };
    Ok(Answered {
        name: schedule.name,
        account: TickAccount {
            schedule_id: id,
            instant,
            verdict,
            words,
            recorded,
            previous,
            next,
        },
    })
}

/// The account of the schedule of this name.
struct Answered {
    name: String,
    account: TickAccount,
}

struct Question {
    schedule: UnifiedSchedule,
    history: History,
    recorded: Vec<Tick>,
    ledger_from: Option<DateTime<Utc>>,
    zone_data_since: Option<DateTime<Utc>>,
    instant: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Question {
    async fn read(
        bridge: &RepositoryBridge,
        id: ScheduleId,
        instant: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Self, RepositoryError> {
        let schedule = bridge
            .find_schedule(id)
            .await?
            .ok_or_else(|| RepositoryError::NotFound {
                what: "schedule",
                id: id.to_string(),
            })?;
        let history = History::read(bridge, &schedule).await?;
        let mut recorded = bridge.find_ticks(id, truncate_to_micros(instant)).await?;
        recorded.retain(|tick| speaks_of(tick, &history, instant));
        Ok(Self {
            schedule,
            history,
            recorded,
            ledger_from: instant_of(bridge, Fact::LedgerFrom).await?,
            zone_data_since: instant_of(bridge, Fact::ZoneDataSince).await?,
            instant,
            now,
        })
    }

    /// What the schedule itself decided on the instant.
    fn decided(&self) -> Option<&Tick> {
        self.recorded
            .iter()
            .find(|tick| tick.request == 0 && tick.record.outcome != TickOutcome::Excluded)
    }

    fn answer(&self, leader: Option<&Answered>) -> (TickVerdict, String) {
        let term = self.history.at(self.instant);
        if let Some(tick) = self.decided() {
            return (TickVerdict::Recorded, self.recorded_words(tick, term));
        }
        let Some(term) = term else {
            return (TickVerdict::OutOfForce, self.out_of_force());
        };
        match &term.rule {
            Rule::Ticks(specification) => self.by_specification(term, specification),
            Rule::Follows(following) => self.by_leader(term, following, leader),
            Rule::Unreadable(error) => {
                let reason = error.reason();
                let words = format!("nobody can say what was due: {reason}");
                (TickVerdict::OutOfForce, words)
            }
        }
    }

    fn by_specification(&self, term: &Term, specification: &Specification) -> (TickVerdict, String) {
        let cause = match specification.explain(self.instant) {
            Explanation::Due { .. } => return self.without_a_row(term, specification),
            Explanation::Excluded { by, .. } => {
                let words = format!("not due: {}; excluded by {by}", self.neighbours());
                return (TickVerdict::Excluded, words);
            }
            Explanation::BeforeStart { starts_at, .. } => {
                format!("; it starts at {}", written(starts_at))
            }
            Explanation::AfterEnd { ends_at, .. } => format!("; it ends at {}", written(ends_at)),
            Explanation::OtherPass { local, runs_at } => {
                format!("; clocks show {local} twice, and it runs at {}", written(runs_at))
            }
            _ if self.instant.timestamp_subsec_nanos() != 0 => "; ticks are whole seconds".to_owned(),
            _ => String::new(),
        };
        let words = format!("not due: {}{cause}", self.neighbours());
        (TickVerdict::NotDue, words)
    }

    /// Of a tick that the ledger does not have.
    fn without_a_row(&self, term: &Term, specification: &Specification) -> (TickVerdict, String) {
        if term.is_present && self.is_undecided() {
            return self.undecided(specification);
        }
        if let Some(from) = self.ledger_from.filter(|from| self.instant < *from) {
            let words = format!(
                "it was a tick, but the ledger goes back to {} only: what was before was pruned",
                written(from)
            );
            return (TickVerdict::Pruned, words);
        }
        let mut words = "it was a tick, and the ledger has nothing of it: that must not be".to_owned();
        let other_data = self.zone_data_since.filter(|since| self.instant < *since);
        if let Some(since) = other_data.filter(|_| specification.zone() != Zone::UTC) {
            words.push_str(&format!(
                ", unless the time-zone data said otherwise then; those of now are used since {}",
                written(since)
            ));
        }
        (TickVerdict::Missing, words)
    }

    /// Whether the tick comes after all that the schedule has decided on.
    fn is_undecided(&self) -> bool {
        match self.schedule.next_run {
            Some(next) => next <= self.instant,
            None => self.schedule.state == ScheduleState::Active,
        }
    }

    fn undecided(&self, specification: &Specification) -> (TickVerdict, String) {
        let offset = offset_of(self.schedule.id, self.schedule.policies.spread);
        let due = self.instant + offset;
        let spread = if offset > TimeDelta::zero() {
            format!(", {} after its instant by the schedule's spread", lasting(offset))
        } else {
            String::new()
        };
        if let Some(pause) = &self.schedule.pause
            && pause.resume_at.is_none_or(|resume_at| self.instant <= resume_at)
        {
            let until = match pause.resume_at {
                Some(resume_at) => format!("at {}", written(resume_at)),
                None => "when somebody does so".to_owned(),
            };
            let note = pause
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {note}"));
            let words = format!(
                "paused by {} since {}{note}; it is decided on when the schedule is resumed, {until}",
                pause.by,
                written(pause.since)
            );
            return (TickVerdict::Paused, words);
        }
        if due <= self.now {
            let words = format!(
                "due since {}{spread}, and not decided on yet: it is being decided on, or waits for the engine to run",
                written(due)
            );
            return (TickVerdict::Undecided, words);
        }
        let mut words = format!("expected: due at {}{spread}", written(due));
        if let Some(most) = self.schedule.policies.max_runs {
            let left = most.saturating_sub(self.schedule.run_count);
            let since = self.schedule.next_run.unwrap_or(self.instant) - TimeDelta::seconds(1);
            let place = specification.count_between(since, self.instant);
            words.push_str(&format!(
                ", if the schedule is not completed before: {left} of its {most} runs are left, and it is tick {place} \
                 from now on"
            ));
        }
        (TickVerdict::Expected, words)
    }

    fn out_of_force(&self) -> String {
        let schedule = &self.schedule;
        let terms = &self.history.terms;
        let before = terms.iter().rev().find(|term| term.after < self.instant);
        let after = terms.iter().find(|term| self.instant <= term.after);
        let neighbours = self.neighbours();
        if self.instant <= schedule.created_at {
            let created = written(schedule.created_at);
            return format!("the schedule did not exist yet: it was created at {created}; {neighbours}");
        }
        if let Some(until) = before.filter(|term| term.is_present).and_then(|term| term.until) {
            let reason = schedule
                .state_reason
                .as_deref()
                .unwrap_or("no reason was recorded");
            return format!(
                "the schedule was completed with its run of {}: {reason}; {neighbours}",
                written(until)
            );
        }
        let since = before.and_then(|term| term.until).unwrap_or(schedule.created_at);
        let until = match after {
            Some(term) => format!("through {}", written(term.after)),
            None => "on".to_owned(),
        };
        format!(
            "the schedule was disabled or completed, from {} {until}; {neighbours}",
            written(since)
        )
    }

    fn neighbours(&self) -> String {
        let previous = match self.history.previous_tick(self.instant) {
            Some(previous) => format!("previous was {}", written(previous)),
            None => "there was none before".to_owned(),
        };
        let next = match self.history.next_tick(self.instant) {
            Some(next) if next <= self.now => format!("next was {}", written(next)),
            Some(next) => format!("next is {}", written(next)),
            None => format!("there is none after{}", self.why_none_follows()),
        };
        format!("{previous}, {next}")
    }

    fn why_none_follows(&self) -> String {
        let last = self.history.terms.last().filter(|term| term.until.is_none());
        let specification = last.and_then(Term::specification);
        specification
            .and_then(|specification| specification.end(self.instant))
            .map_or(String::new(), |end| format!(", for {end}"))
    }

    fn recorded_words(&self, tick: &Tick, term: Option<&Term>) -> String {
        let record = &tick.record;
        let late = (record.lateness - (self.instant - record.scheduled_for)).max(TimeDelta::zero());
        let on_time = if late == TimeDelta::zero() {
            "on time".to_owned()
        } else {
            format!("{} late", lasting(late))
        };
        let job = record.job_id.map_or("unknown".to_owned(), |id| id.to_string());
        let reason = record.reason.as_deref();
        let because = reason.map_or(String::new(), |reason| format!(": {reason}"));
        let mut words = match record.outcome {
            TickOutcome::Fired => format!("fired {on_time} as job {job}{because}"),
            TickOutcome::Buffered => {
                format!("decided on {on_time}; job {job} was to wait for an earlier one{because}")
            }
            TickOutcome::Coalesced => format!("merged into job {job}{because}"),
            TickOutcome::SkippedOverlap => match reason {
                Some(reason) => format!("skipped: {reason}"),
                None => "skipped: a job of the schedule was unfinished".to_owned(),
            },
            TickOutcome::SkippedMisfire => match reason {
                Some(reason) => format!("skipped: {reason}"),
                None => format!("skipped: it was missed, and decided on {on_time}"),
            },
            TickOutcome::SkippedPaused => match reason {
                Some(reason) => format!("skipped: {reason}"),
                None => "skipped: the schedule was paused".to_owned(),
            },
            TickOutcome::FailedToCreate => format!("no job could be made of it{because}"),
            outcome @ (TickOutcome::Excluded | TickOutcome::Triggered | TickOutcome::Backfilled) => {
                format!("{outcome}{because}")
            }
        };
        if record.count > 1 {
            words.push_str(&format!(
                "; decided on at once with all {} ticks from {} through {}",
                record.count,
                written(record.scheduled_for),
                written(record.through)
            ));
        }
        let is_of_leader = self
            .history
            .terms
            .iter()
            .any(|term| term.follows_around(record.decided_at));
        let specification = term.and_then(Term::specification).filter(|_| !is_of_leader);
        if specification.is_some_and(|specification| !specification.is_due(self.instant)) {
            words.push_str("; by the time-zone data of now it is no tick");
        }
        words
    }
}

/// Whether a row of the ledger tells of the instant: a range may reach over it without meaning it.
fn speaks_of(tick: &Tick, history: &History, instant: DateTime<Utc>) -> bool {
    let record = &tick.record;
    if record.scheduled_for == instant || (tick.request == 0 && record.through == instant) {
        return true;
    }
    if !(record.scheduled_for..=record.through).contains(&instant) {
        return false;
    }
    let Some(specification) = history.at(instant).and_then(Term::specification) else {
        return false;
    };
    match record.outcome {
        TickOutcome::Excluded => matches!(specification.explain(instant), Explanation::Excluded { .. }),
        _ => specification.is_due(instant),
    }
}

fn by_hand(tick: &Tick) -> String {
    let what = match tick.record.outcome {
        TickOutcome::Backfilled => "made up for",
        TickOutcome::SkippedPaused => "skipped",
        _ => "triggered",
    };
    let job = match tick.record.job_id {
        Some(id) => format!(" as job {id}"),
        None => String::new(),
    };
    let reason = match &tick.record.reason {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    format!("; {what} by request {}{job}{reason}", tick.request)
}

pub(crate) fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A length of time in words, as precise as is of use.
fn lasting(time: TimeDelta) -> String {
    let milliseconds = time.num_milliseconds();
    let seconds = time.num_seconds();
    match seconds {
        0 if milliseconds == 0 => format!("{} µs", time.num_microseconds().unwrap_or_default()),
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{}.{:03} s", seconds, milliseconds % 1_000),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Pause, SchedulePeriod};

    use super::*;
    use crate::history::ledger::{Ledger, at, by_hand, range, row, schedule};

    const NOW: &str = "2025-12-31T06:30:00Z";

    /// Hourly but for three o'clock; decided on through five.
    fn ledger() -> Ledger {
        let mut hourly = schedule("hourly", "0 * * * *; except cron * 3 * * *");
        hourly.next_run = Some(at("2025-12-31T06:00:00Z"));
        let id = hourly.id;
        let trigger = row(id, "2025-12-31T01:10:00.5Z", TickOutcome::Triggered);
        let four = ("2025-12-31T04:00:00Z", "2025-12-31T05:00:00Z");
        let rows = vec![
            row(id, "2025-12-31T01:00:00Z", TickOutcome::Fired),
            by_hand(trigger, 1, "triggered by ada"),
            range(id, four.0, four.1, 2, TickOutcome::SkippedMisfire),
        ];
        Ledger::with(&hourly, rows)
    }

    async fn account(ledger: &Ledger, instant: &str) -> TickAccount {
        let id = ledger.schedules[0].id;
        why(&ledger.bridge(), id, at(instant), at(NOW)).await.unwrap()
    }

    #[tokio::test]
    async fn every_instant_has_its_verdict_in_words() {
        let ledger = ledger();
        for (instant, verdict, words) in [
            (
                "2025-12-31T01:00:00Z",
                TickVerdict::Recorded,
                "fired 12 ms late as job ",
            ),
            (
                "2025-12-31T04:00:00Z",
                TickVerdict::Recorded,
                "at once with all 2 ticks",
            ),
            (
                "2025-12-31T04:30:00Z",
                TickVerdict::NotDue,
                "next was 2025-12-31T05:00:00Z",
            ),
            ("2025-12-31T05:00:00.25Z", TickVerdict::NotDue, "whole seconds"),
            (
                "2025-12-31T03:00:00Z",
                TickVerdict::Excluded,
                "; excluded by cron * 3 * * *",
            ),
            (
                "2025-12-31T02:00:00Z",
                TickVerdict::Missing,
                "the ledger has nothing of it",
            ),
            (
                "2025-12-31T06:00:00Z",
                TickVerdict::Undecided,
                "due since 2025-12-31T06:00:00Z",
            ),
            (
                "2025-12-31T07:00:00Z",
                TickVerdict::Expected,
                "due at 2025-12-31T07:00:00Z",
            ),
            (
                "2025-12-30T07:00:00Z",
                TickVerdict::OutOfForce,
                "did not exist yet",
            ),
            (
                "2025-12-31T01:10:00.5Z",
                TickVerdict::NotDue,
                "; triggered by request 1 as job ",
            ),
        ] {
            let account = account(&ledger, instant).await;
            assert_eq!(account.verdict, verdict, "{instant}: {}", account.words);
            assert!(account.words.contains(words), "{instant}: {}", account.words);
        }
    }

    #[tokio::test]
    async fn a_range_tells_only_of_its_ticks() {
        let account = account(&ledger(), "2025-12-31T04:30:00Z").await;
        assert_eq!(account.recorded, []);
        assert_eq!(account.previous, Some(at("2025-12-31T04:00:00Z")));
        assert_eq!(account.next, Some(at("2025-12-31T05:00:00Z")));
    }

    #[tokio::test]
    async fn a_paused_schedule_says_who_paused_it() {
        let mut ledger = ledger();
        ledger.schedules[0].pause = Some(Pause {
            since: at("2025-12-31T05:30:00Z"),
            by: "ada".to_owned(),
            note: Some("maintenance".to_owned()),
            resume_at: Some(at("2025-12-31T08:30:00Z")),
        });
        for (instant, verdict) in [
            ("2025-12-31T06:00:00Z", TickVerdict::Paused),
            ("2025-12-31T08:00:00Z", TickVerdict::Paused),
            ("2025-12-31T09:00:00Z", TickVerdict::Expected),
        ] {
            let account = account(&ledger, instant).await;
            assert_eq!(account.verdict, verdict, "{}", account.words);
            let says_who = account
                .words
                .contains("paused by ada since 2025-12-31T05:30:00Z: maintenance");
            assert_eq!(says_who, verdict == TickVerdict::Paused);
        }
    }

    #[tokio::test]
    async fn what_was_pruned_is_not_missing() {
        let mut ledger = ledger();
        let from = "2025-12-31T03:00:00+00:00".to_owned();
        ledger.facts.insert(Fact::LedgerFrom, from);
        let account = account(&ledger, "2025-12-31T02:00:00Z").await;
        assert_eq!(account.verdict, TickVerdict::Pruned, "{}", account.words);
    }

    #[tokio::test]
    async fn an_instant_is_judged_by_what_the_schedule_said_then() {
        let mut ledger = ledger();
        let changed = &mut ledger.schedules[0];
        ledger.periods.push(SchedulePeriod {
            schedule_id: changed.id,
            effective_from: changed.effective_from,
            effective_until: at("2025-12-31T01:30:00Z"),
            specification: changed.specification.clone(),
            timezone: "UTC".to_owned(),
        });
        changed.specification = "15 * * * *".to_owned();
        changed.effective_from = at("2025-12-31T05:10:00Z");
        changed.next_run = Some(at("2025-12-31T06:15:00Z"));
        for (instant, verdict) in [
            ("2025-12-31T01:00:00Z", TickVerdict::Recorded),
            ("2025-12-31T01:15:00Z", TickVerdict::NotDue),
            ("2025-12-31T02:00:00Z", TickVerdict::OutOfForce),
            ("2025-12-31T06:00:00Z", TickVerdict::NotDue),
            ("2025-12-31T05:15:00Z", TickVerdict::Missing),
        ] {
            let account = account(&ledger, instant).await;
            assert_eq!(account.verdict, verdict, "{instant}: {}", account.words);
        }
        let between = account(&ledger, "2025-12-31T01:15:00Z").await;
        assert_eq!(between.next, Some(at("2025-12-31T05:15:00Z")));
    }

    #[test]
    fn lengths_of_time_are_said_as_precisely_as_is_of_use() {
        for (microseconds, words) in [
            (400, "400 µs"),
            (12_000, "12 ms"),
            (2_500_000, "2.500 s"),
            (90_000_000, "1 min 30 s"),
            (7_260_000_000, "2 h 1 min"),
            (90_000_000_000, "1 d 1 h"),
        ] {
            assert_eq!(lasting(TimeDelta::microseconds(microseconds)), words);
        }
    }
}
