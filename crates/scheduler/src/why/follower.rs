//! Instants of a schedule that follows another: they are those of its leader's jobs.

use ratchet_interfaces::{Following, TickAccount, TickVerdict};

use super::{Answered, Question};
use crate::history::{Rule, Term};

impl Question {
    /// Whom the schedule followed at the instant, where that decides about it.
    pub(super) fn followed(&self) -> Option<Following> {
        match self.history.at(self.instant)?.rule {
            Rule::Follows(following) => Some(following),
            Rule::Ticks(_) | Rule::Unreadable(_) => None,
        }
    }

    /// Of an instant that its ledger does not have.
    pub(super) fn by_leader(
        &self,
        term: &Term,
        following: &Following,
        leader: Option<&Answered>,
    ) -> (TickVerdict, String) {
        let Some(Answered {
            name,
            account: leader,
        }) = leader
        else {
            let words = format!(
                "it had no ticks of its own then and followed schedule {}, which was deleted since",
                following.leader_id
            );
            return (TickVerdict::NotDue, words);
        };
        let follows = follows(name, following);
        let verdict = match leader.verdict {
            TickVerdict::Recorded if must_follow(term, leader) => TickVerdict::Missing,
            TickVerdict::Recorded => TickVerdict::NotDue,
            verdict @ (TickVerdict::Expected
            | TickVerdict::Undecided
            | TickVerdict::NotDue
            | TickVerdict::Excluded
            | TickVerdict::OutOfForce
            | TickVerdict::Pruned
            | TickVerdict::Missing) => verdict,
            // It is the leader that is paused; this one waits for its jobs.
            TickVerdict::Paused => TickVerdict::Paused,
        };
        let verdict = match (verdict, &self.schedule.pause) {
            (TickVerdict::Expected | TickVerdict::Undecided, Some(pause))
                if pause.resume_at.is_none_or(|resume_at| self.instant < resume_at) =>
            {
                let words = format!(
                    "paused by {}: if that lasts, it skips this; {follows}, of which: {}",
                    pause.by, leader.words
                );
                return (TickVerdict::Paused, words);
            }
            (verdict, _) => verdict,
        };
        let missing = if verdict == TickVerdict::Missing && leader.verdict == TickVerdict::Recorded {
            "a job of its leader was made, and its ledger has nothing of it: that must not be; "
        } else {
            ""
        };
        let words = format!("{missing}{follows}, of which: {}", leader.words);
        (verdict, words)
    }
}

fn follows(leader: &str, following: &Following) -> String {
    format!(
        "it has no ticks of its own and follows \"{leader}\" when a job of that has {}",
        following.word()
    )
}

/// Whether the leader's ledger names a job that was made while the schedule followed it.
fn must_follow(term: &Term, leader: &TickAccount) -> bool {
    leader.recorded.iter().any(|tick| {
        let record = &tick.record;
        tick.request == 0
            && record.outcome.is_run()
            && term.must_follow(record.decided_at, record.scheduled_for)
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ratchet_interfaces::{
        DependencyCondition, Pause, SchedulePeriod, TickAccount, TickOutcome, UnifiedSchedule,
    };

    use super::*;
    use crate::history::ledger::{Ledger, at, row, schedule};
    use crate::why::why;

    const NOW: &str = "2025-12-31T06:30:00Z";

    /// An hourly leader, decided on through six o'clock, and its follower, which has the rows through five and that of
    /// three at which it was paused.
    fn ledger() -> Ledger {
        let mut leader = schedule("import", "0 * * * *");
        leader.next_run = Some(at("2025-12-31T07:00:00Z"));
        let following = Following {
            leader_id: leader.id,
            condition: DependencyCondition::AllSucceeded,
        };
        let follower = schedule("report", &following.to_string());
        let hour = |hour: i32| format!("2025-12-31T0{hour}:00:00Z");
        let of_leader = (1..=6).map(|it| row(leader.id, &hour(it), TickOutcome::Fired));
        let of_follower = (1..=5).map(|it| {
            let outcome = if it == 3 {
                TickOutcome::SkippedPaused
            } else {
                TickOutcome::Fired
            };
            row(follower.id, &hour(it), outcome)
        });
        Ledger {
            ticks: of_leader.chain(of_follower).collect(),
            ..Ledger::of(&[leader, follower])
        }
    }

    fn follower(ledger: &Ledger) -> &UnifiedSchedule {
        &ledger.schedules[1]
    }

    async fn account(ledger: &Ledger, instant: &str) -> TickAccount {
        let now: DateTime<Utc> = at(NOW);
        why(&ledger.bridge(), follower(ledger).id, at(instant), now)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_follower_accounts_for_an_instant_by_its_ledger_or_by_its_leader() {
        let ledger = ledger();
        for (instant, verdict, words) in [
            (
                "2025-12-31T02:00:00Z",
                TickVerdict::Recorded,
                "fired 12 ms late as job ",
            ),
            (
                "2025-12-31T03:00:00Z",
                TickVerdict::Recorded,
                "skipped: the schedule was paused",
            ),
            (
                "2025-12-31T06:00:00Z",
                TickVerdict::Missing,
                "its ledger has nothing of it",
            ),
            ("2025-12-31T05:30:00Z", TickVerdict::NotDue, "of which: not due"),
            (
                "2025-12-31T07:00:00Z",
                TickVerdict::Expected,
                "follows \"import\" when a job of that has succeeded",
            ),
        ] {
            let account = account(&ledger, instant).await;
            assert_eq!(account.verdict, verdict, "{instant}: {}", account.words);
            assert!(account.words.contains(words), "{instant}: {}", account.words);
        }
        let between = account(&ledger, "2025-12-31T05:30:00Z").await;
        assert_eq!(between.previous, Some(at("2025-12-31T05:00:00Z")));
        assert_eq!(between.next, Some(at("2025-12-31T06:00:00Z")));
    }

    #[tokio::test]
    async fn a_leader_that_was_deleted_since_is_no_error() {
        let mut ledger = ledger();
        let leader = ledger.schedules.remove(0);
        ledger.periods.push(SchedulePeriod {
            schedule_id: ledger.schedules[0].id,
            effective_from: at("2025-12-31T00:00:00Z"),
            effective_until: at("2025-12-31T05:40:00Z"),
            specification: ledger.schedules[0].specification.clone(),
            timezone: "UTC".to_owned(),
        });
        let now = &mut ledger.schedules[0];
        now.specification = "0 12 * * *".to_owned();
        now.effective_from = at("2025-12-31T05:40:00Z");
        let of_then = why(
            &ledger.bridge(),
            ledger.schedules[0].id,
            at("2025-12-31T05:30:00Z"),
            at(NOW),
        )
        .await;
        let words = of_then.unwrap().words;
        assert!(
            words.contains(&leader.id.to_string()) && words.contains("deleted"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn a_paused_follower_says_that_it_will_skip_what_its_leader_does() {
        let mut ledger = ledger();
        ledger.schedules[1].pause = Some(Pause {
            since: at("2025-12-31T06:10:00Z"),
            by: "ada".to_owned(),
            note: None,
            resume_at: Some(at("2025-12-31T07:30:00Z")),
        });
        let skipped = account(&ledger, "2025-12-31T07:00:00Z").await;
        assert_eq!(skipped.verdict, TickVerdict::Paused, "{}", skipped.words);
        let later = account(&ledger, "2025-12-31T08:00:00Z").await;
        assert_eq!(later.verdict, TickVerdict::Expected, "{}", later.words);
    }
}
