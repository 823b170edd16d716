//! What would have to be done so that what is stored is what is desired: a pure function of the two.

use std::collections::HashMap;

use ratchet_interfaces::{ScheduleChange, ScheduleId, UnifiedSchedule};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shown::{DESTINATIONS, Names, fields, telling_fields};
use crate::example;

/// What is to be done with one schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(example = "UPDATE")]
pub(crate) enum PlannedAction {
    Create,
    Update,
    Delete,
}

/// One schedule that is not as it is desired.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct PlannedChange {
    /// What is done.
    pub(super) action: PlannedAction,
    /// The name of the schedule.
    #[schema(example = "nightly")]
    name: String,
    /// Null for one that does not exist yet.
    #[schema(example = json!(example::SCHEDULE))]
    id: Option<Uuid>,
    /// The version that is stored.
    #[schema(example = 3)]
    version: Option<u32>,
    /// What is different. Of a schedule that comes or goes, all that is not at its default.
    differences: Vec<Difference>,
}

/// One field of a schedule that is not as it is desired.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Difference {
    /// As in `policies.overlap`.
    #[schema(example = "cronExpression")]
    field: String,
    /// What is stored, secrets masked.
    #[schema(value_type = Value)]
    before: Value,
    /// What is desired, secrets masked.
    #[schema(value_type = Value)]
    after: Value,
    /// Whether a secret is another, which cannot be seen behind the masks.
    #[schema(example = false)]
    secret: bool,
}

/// Changes, and how they are told.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) told: Vec<PlannedChange>,
    pub(super) changes: Vec<ScheduleChange>,
    pub(super) unchanged: u64,
}

/// `stored` are the schedules with the names of `desired`, and `surplus` those that are to go.
pub(super) fn plan(
    stored: &HashMap<String, UnifiedSchedule>,
    desired: Vec<UnifiedSchedule>,
    surplus: Vec<UnifiedSchedule>,
    names: &Names,
) -> Plan {
    let mut plan = Plan {
        told: Vec::new(),
        changes: Vec::new(),
        unchanged: 0,
    };
    for schedule in desired {
        let Some(before) = stored.get(&schedule.name) else {
            let differences = telling_fields(&schedule, names)
                .into_iter()
                .map(|(field, after)| Difference {
                    field,
                    before: Value::Null,
                    after,
                    secret: false,
                });
            plan.told.push(PlannedChange {
                action: PlannedAction::Create,
                name: schedule.name.clone(),
                id: None,
                version: None,
                differences: differences.collect(),
            });
            plan.changes.push(ScheduleChange::Create(schedule));
            continue;
        };
        let differences = differences(before, &schedule, names);
        if differences.is_empty() {
            plan.unchanged += 1;
            continue;
        }
        plan.told.push(PlannedChange {
            action: PlannedAction::Update,
            name: schedule.name.clone(),
            id: Some(before.id.as_uuid()),
            version: Some(before.version),
            differences,
        });
        plan.changes.push(ScheduleChange::Replace(schedule));
    }
    for schedule in surplus {
        let differences = telling_fields(&schedule, names)
            .into_iter()
            .map(|(field, before)| Difference {
                field,
                before,
                after: Value::Null,
                secret: false,
            });
        plan.told.push(PlannedChange {
            action: PlannedAction::Delete,
            differences: differences.collect(),
            id: Some(schedule.id.as_uuid()),
            version: Some(schedule.version),
            name: schedule.name,
        });
        plan.changes.push(ScheduleChange::Delete {
            id: schedule.id,
            version: schedule.version,
        });
    }
    plan.told.sort_by(|one, other| one.name.cmp(&other.name));
    plan
}

fn differences(before: &UnifiedSchedule, after: &UnifiedSchedule, names: &Names) -> Vec<Difference> {
    fields(before, names)
        .into_iter()
        .zip(fields(after, names))
        .filter_map(|((field, old), (_, new))| {
            let secret = field == DESTINATIONS
                && old == new
                && before.output_destinations != after.output_destinations;
            (secret || old != new).then_some(Difference {
                field,
                before: old,
                after: new,
                secret,
            })
        })
        .collect()
}

impl Plan {
    pub(super) fn count(&self, action: PlannedAction) -> u64 {
        self.told.iter().filter(|change| change.action == action).count() as u64
    }

    /// The same number for the same plan, as far as it can be told.
    pub(super) fn number(&self) -> Result<Uuid, serde_json::Error> {
        let told = serde_json::to_vec(&self.told)?;
        Ok(Uuid::new_v5(&Uuid::NAMESPACE_URL, &told))
    }

    /// What would be changed although it belongs to another set, with that.
    pub(super) fn of_other_sets(&self, set: &str) -> Vec<(&str, &str)> {
        let replaced = self.changes.iter().filter_map(|change| match change {
            ScheduleChange::Replace(schedule) | ScheduleChange::ReplaceDetails(schedule) => Some(schedule),
            ScheduleChange::Create(_) | ScheduleChange::Delete { .. } => None,
        });
        replaced
            .filter_map(|schedule| {
                let owner = schedule.managed_by.as_deref().filter(|owner| *owner != set)?;
                Some((schedule.name.as_str(), owner))
            })
            .collect()
    }

    /// Names who would follow one that goes, with the name of that.
    pub(super) fn left_behind(&self, followers: &[UnifiedSchedule]) -> Vec<(String, ScheduleId)> {
        let mut deleted = Vec::new();
        let mut written: HashMap<ScheduleId, &UnifiedSchedule> =
            followers.iter().map(|follower| (follower.id, follower)).collect();
        for change in &self.changes {
            match change {
                ScheduleChange::Create(schedule)
                | ScheduleChange::Replace(schedule)
                | ScheduleChange::ReplaceDetails(schedule) => {
                    written.insert(schedule.id, schedule);
                }
                ScheduleChange::Delete { id, .. } => deleted.push(*id),
            }
        }
        for id in &deleted {
            written.remove(id);
        }
        let mut behind: Vec<(String, ScheduleId)> = written
            .values()
            .filter_map(|schedule| {
                let leader = schedule.follows()?.leader_id;
                deleted.contains(&leader).then(|| (schedule.name.clone(), leader))
            })
            .collect();
        behind.sort();
        behind
    }
}

#[cfg(test)]
mod tests;
