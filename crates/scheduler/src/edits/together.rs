//! Many changes that are made together.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    ChangedSchedules, RepositoryError, ScheduleChange, ScheduleId, ScheduleTransition, SchedulerError,
    UnifiedSchedule,
};

use super::replacing::replacement;
use super::{Edits, Rule, failed, leaves_its_ticks, transition};
use crate::event::tell_of_jobs;

const DURING: &str = "changing schedules together";

/// A change that was looked at, with what is stored.
enum Prepared {
    New(UnifiedSchedule),
    Other {
        given: UnifiedSchedule,
        rule: Rule,
        before: Box<UnifiedSchedule>,
    },
    Gone(UnifiedSchedule),
}

impl Edits {
    /// What can be refused without a decision on ticks is refused before there is one.
    pub(crate) async fn change_together(
        &self,
        changes: Vec<ScheduleChange>,
    ) -> Result<Vec<UnifiedSchedule>, SchedulerError> {
        let now = self.clock.now();
        let prepared = self.all_prepared(changes, now).await?;
        let mut done = Vec::with_capacity(prepared.len());
        let mut ready = Vec::with_capacity(prepared.len());
        for change in prepared {
            let (schedule, transition) = match &change {
                Prepared::New(schedule) => (schedule, ScheduleTransition::Created),
                Prepared::Other { given, before, .. } => (given, transition(before.enabled, given.enabled)),
                Prepared::Gone(schedule) => (schedule, ScheduleTransition::Deleted),
            };
            done.push((schedule.id, schedule.name.clone(), transition));
            ready.push(self.ready(change, now).await?);
        }
        let written = self.bridge.change_schedules(&ready).await;
        for (id, _, _) in &done {
            self.rearm_after(&written, *id).await;
        }
        let ChangedSchedules {
            schedules: written,
            changed,
        } = written.map_err(failed(DURING))?;
        tell_of_jobs(&*self.events, &changed, now);
        let rows: HashMap<ScheduleId, &UnifiedSchedule> =
            written.iter().map(|schedule| (schedule.id, schedule)).collect();
        for (id, name, transition) in done {
            tracing::info!(schedule.id = %id, schedule.name = name, "a schedule was {}", transition.as_str());
            match rows.get(&id) {
                Some(schedule) => self.tell(schedule, transition),
                None => self.tell_of_deletion(id),
            }
        }
        Ok(written)
    }

    /// Refuses what [`Self::change_together`] would refuse before it writes.
    pub(crate) async fn check_together(&self, changes: Vec<ScheduleChange>) -> Result<(), SchedulerError> {
        let now = self.clock.now();
        for change in self.all_prepared(changes, now).await? {
            if let Prepared::Other { given, rule, before } = change
                && !leaves_its_ticks(&given, &before)
            {
                replacement(given, rule, *before, now)?;
            }
        }
        Ok(())
    }

    /// The changes in the order in which they can be made.
    async fn all_prepared(
        &self,
        changes: Vec<ScheduleChange>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Prepared>, SchedulerError> {
        let new: HashMap<String, ScheduleId> = changes
            .iter()
            .filter_map(|change| match change {
                ScheduleChange::Create(schedule) => Some((schedule.name.clone(), schedule.id)),
                ScheduleChange::Replace(_)
                | ScheduleChange::ReplaceDetails(_)
                | ScheduleChange::Delete { .. } => None,
            })
            .collect();
        let mut prepared = Vec::with_capacity(changes.len());
        for change in changes {
            prepared.push(self.prepared(change, &new, now).await?);
        }
        leaders_first(&mut prepared);
        Ok(prepared)
    }

    async fn prepared(
        &self,
        change: ScheduleChange,
        new: &HashMap<String, ScheduleId>,
        now: DateTime<Utc>,
    ) -> Result<Prepared, SchedulerError> {
        match change {
            ScheduleChange::Create(schedule) => self.begun(schedule, new, now).await.map(Prepared::New),
            // Which of the two it is, is told from the rows.
            ScheduleChange::Replace(mut given) | ScheduleChange::ReplaceDetails(mut given) => {
                let rule = self.checked(&mut given, new).await?;
                let before = self.as_read(given.id, given.version).await?;
                Ok(Prepared::Other {
                    given,
                    rule,
                    before: Box::new(before),
                })
            }
            ScheduleChange::Delete { id, version } => self.as_read(id, version).await.map(Prepared::Gone),
        }
    }

    /// The stored row, if it is the one that the change was made for.
    async fn as_read(&self, id: ScheduleId, version: u32) -> Result<UnifiedSchedule, SchedulerError> {
        let stored = self.stored(id, DURING).await?;
        if stored.version == version {
            return Ok(stored);
        }
        Err(failed(DURING)(RepositoryError::VersionConflict {
            what: "schedule",
            id: id.to_string(),
        }))
    }

    async fn ready(&self, change: Prepared, now: DateTime<Utc>) -> Result<ScheduleChange, SchedulerError> {
        Ok(match change {
            Prepared::New(schedule) => ScheduleChange::Create(schedule),
            Prepared::Gone(UnifiedSchedule { id, version, .. }) => ScheduleChange::Delete { id, version },
            Prepared::Other {
                mut given,
                rule,
                mut before,
            } => {
                if leaves_its_ticks(&given, &before) {
                    given.updated_at = now;
                    return Ok(ScheduleChange::ReplaceDetails(given));
                }
                if before.next_run.is_some_and(|next| next <= now) {
                    self.decide_before_edit(&before, now, DURING).await?;
                    *before = self.stored(given.id, DURING).await?;
                }
                ScheduleChange::Replace(replacement(given, rule, *before, now)?)
            }
        })
    }
}

/// Has each schedule that is created come after the one that it follows, and each that is deleted before.
fn leaders_first(changes: &mut [Prepared]) {
    let leaders: HashMap<ScheduleId, ScheduleId> = changes
        .iter()
        .filter_map(|change| match change {
            Prepared::New(schedule) | Prepared::Gone(schedule) => {
                Some((schedule.id, schedule.follows()?.leader_id))
            }
            Prepared::Other { .. } => None,
        })
        .collect();
    // Of a circle, which is refused when it is written, there is no order: the walk along it ends all the same.
    let depth = |schedule: &UnifiedSchedule| {
        std::iter::successors(Some(schedule.id), |id| leaders.get(id).copied())
            .take(leaders.len() + 1)
            .count()
    };
    changes.sort_by_cached_key(|change| match change {
        Prepared::New(schedule) => (0, depth(schedule), Reverse(0)),
        Prepared::Other { .. } => (1, 0, Reverse(0)),
        Prepared::Gone(schedule) => (2, 0, Reverse(depth(schedule))),
    });
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::{DependencyCondition, Following, TaskId};

    use super::*;

    fn after(leader: Option<&UnifiedSchedule>, name: &str) -> UnifiedSchedule {
        let specification = leader.map_or_else(
            || "@daily".to_owned(),
            |leader| {
                Following {
                    leader_id: leader.id,
                    condition: DependencyCondition::AllFinished,
                }
                .to_string()
            },
        );
        UnifiedSchedule::new(name, TaskId::new(), specification, DateTime::UNIX_EPOCH)
    }

    fn names(changes: &[Prepared]) -> Vec<&str> {
        let mut names = Vec::new();
        for change in changes {
            names.push(match change {
                Prepared::New(schedule) | Prepared::Gone(schedule) => schedule.name.as_str(),
                Prepared::Other { given, .. } => given.name.as_str(),
            });
        }
        names
    }

    #[test]
    fn leaders_are_created_before_and_deleted_after_those_that_follow_them() {
        let first = after(None, "first");
        let second = after(Some(&first), "second");
        let third = after(Some(&second), "third");
        let old = after(None, "old");
        let older = after(Some(&old), "older");
        let mut changes = vec![
            Prepared::Gone(old.clone()),
            Prepared::New(third),
            Prepared::Gone(older),
            Prepared::New(first),
            Prepared::New(second),
        ];
        leaders_first(&mut changes);
        assert_eq!(names(&changes), ["first", "second", "third", "older", "old"]);
    }

    #[test]
    fn a_circle_has_some_order() {
        let mut one = after(None, "one");
        let other = after(Some(&one), "other");
        one.specification = after(Some(&other), "").specification;
        let mut changes = vec![Prepared::New(one), Prepared::New(other)];
        leaders_first(&mut changes);
        assert_eq!(changes.len(), 2);
    }
}
