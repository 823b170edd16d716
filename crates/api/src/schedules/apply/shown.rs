//! What a schedule says, field by field, as its owner would write it.

use std::collections::HashMap;

use chrono::DateTime;
use ratchet_interfaces::{ScheduleId, Task, TaskId, UnifiedSchedule};
use serde_json::{Map, Value, json};

use crate::destination::Destination;
use crate::named::Name;
use crate::schedules::policies::PoliciesView;

/// What people call what rows refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// As in `import@1.2.0`.
    tasks: HashMap<TaskId, String>,
    /// Those that others follow.
    pub(super) schedules: HashMap<ScheduleId, String>,
    /// Which version of a task is meant by what was written.
    pub(super) meant: HashMap<String, TaskId>,
}

impl Names {
    pub(super) fn keep_task(&mut self, task: &Task) {
        let name = format!("{}@{}", task.definition.name, task.definition.version);
        self.tasks.insert(task.definition.id, name);
    }

    pub(super) fn knows_task(&self, id: TaskId) -> bool {
        self.tasks.contains_key(&id)
    }

    /// A task that is gone has its id only.
    fn task(&self, id: TaskId) -> String {
        self.tasks.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// The fields that an owner decides on, in the order in which they are read. Secrets are masked.
pub(super) fn fields(schedule: &UnifiedSchedule, names: &Names) -> Vec<(String, Value)> {
    let mut fields = vec![
        ("task".to_owned(), json!(names.task(schedule.task_id))),
        ("cronExpression".to_owned(), json!(written(schedule, names))),
        ("timezone".to_owned(), json!(schedule.timezone)),
        ("description".to_owned(), json!(schedule.description)),
        ("enabled".to_owned(), json!(schedule.enabled)),
        ("input".to_owned(), schedule.input.clone()),
    ];
    if let Value::Object(policies) = json!(PoliciesView::from(schedule.policies)) {
        let policies = policies.into_iter();
        fields.extend(policies.map(|(name, value)| (format!("{POLICIES}{name}"), value)));
    }
    let destinations: Vec<Destination> = schedule
        .output_destinations
        .iter()
        .cloned()
        .map(Destination)
        .collect();
    fields.extend([
        ("priority".to_owned(), json!(Name(schedule.priority))),
        ("maxRetries".to_owned(), json!(schedule.max_retries)),
        ("timeoutSeconds".to_owned(), json!(schedule.timeout_seconds)),
        (DESTINATIONS.to_owned(), json!(destinations)),
        ("metadata".to_owned(), json!(schedule.metadata)),
        (MANAGED_BY.to_owned(), json!(schedule.managed_by)),
    ]);
    fields
}

const POLICIES: &str = "policies.";
pub(super) const DESTINATIONS: &str = "outputDestinations";
const MANAGED_BY: &str = "managedBy";

/// The fields that are not at their defaults, and those that have none.
pub(super) fn telling_fields(schedule: &UnifiedSchedule, names: &Names) -> Vec<(String, Value)> {
    let defaults = UnifiedSchedule::new("", schedule.task_id, "", DateTime::UNIX_EPOCH);
    fields(schedule, names)
        .into_iter()
        .zip(fields(&defaults, names))
        .filter(|((field, value), (_, default))| value != default || field == "task")
        .map(|(telling, _)| telling)
        .collect()
}

/// The schedule as one that is desired, of which an application changes nothing.
pub(super) fn exported(schedule: &UnifiedSchedule, names: &Names) -> Value {
    let mut written = Map::new();
    let mut policies = Map::new();
    written.insert("name".to_owned(), json!(schedule.name));
    for (field, value) in telling_fields(schedule, names) {
        if field == MANAGED_BY {
            continue;
        }
        match field.strip_prefix(POLICIES) {
            Some(policy) => policies.insert(policy.to_owned(), value),
            None => written.insert(field, value),
        };
    }
    if !policies.is_empty() {
        written.insert("policies".to_owned(), Value::Object(policies));
    }
    Value::Object(written)
}

/// The specification, with the name of the schedule that it follows, if it does.
fn written(schedule: &UnifiedSchedule, names: &Names) -> String {
    let named = schedule
        .follows()
        .and_then(|following| Some((following.word(), names.schedules.get(&following.leader_id)?)));
    let Some((word, leader)) = named else {
        return schedule.specification.clone();
    };
    if leader.contains(char::is_whitespace) || leader.starts_with('"') {
        format!("after \"{leader}\" {word}")
    } else {
        format!("after {leader} {word}")
    }
}
