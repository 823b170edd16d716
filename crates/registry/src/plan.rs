use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Task, TaskDefinition, TaskId, ValidationIssue};

/// What the table `tasks` holds.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) tasks: Vec<Task>,
    /// The rows that cannot be read. A task that a registry offers is written over its unreadable row, which mends
    /// it; what an operator said of it (whether it is enabled) stays.
    pub(crate) unreadable: HashSet<TaskId>,
}

/// The stored tasks, and what a synchronization has already decided about them.
pub(crate) struct Plan {
    stored: HashMap<TaskId, Task>,
    unreadable: HashSet<TaskId>,
    names: HashMap<(String, String), TaskId>,
    seen: HashSet<TaskId>,
}

/// What is to be done about a task that a registry offers.
pub(crate) enum Decision {
    /// It is new.
    Add(Task),
    /// It is stored and differs.
    Update(Task),
    /// It is stored as it is.
    Keep,
    /// It has the id of an earlier version, which is in its way as long as something refers to that one.
    Succeed { task: Task, issue: ValidationIssue },
    /// It stands in the way of another task.
    Refuse(ValidationIssue),
}

impl Plan {
    pub(crate) fn new(stored: Stored) -> Self {
        let Stored { tasks, unreadable } = stored;
        let names = tasks
            .iter()
            .map(|task| (key(&task.definition), task.definition.id));
        Self {
            names: names.collect(),
            seen: HashSet::new(),
            unreadable,
            stored: tasks.into_iter().map(|task| (task.definition.id, task)).collect(),
        }
    }

    /// Compares an offered task, which is valid, with what is stored and with what was offered before.
    pub(crate) fn decide(&mut self, registry: &str, offered: TaskDefinition, now: DateTime<Utc>) -> Decision {
        let refuse = |field: &str, message: String| {
            Decision::Refuse(ValidationIssue {
                task: offered.name.clone(),
                field: field.to_owned(),
                message,
            })
        };
        if self.seen.contains(&offered.id) {
            return refuse(
                "uuid",
                format!("is \"{}\": a task with this id was offered already", offered.id),
            );
        }
        let key = key(&offered);
        if let Some(other) = self.names.get(&key).filter(|other| **other != offered.id) {
            return refuse(
                "version",
                match self.stored.get(other) {
                    Some(Task {
                        registry,
                        removed_at: None,
                        ..
                    }) => format!("is \"{}\": registry {registry} has it already, as {other}", key.1),
                    Some(_) => format!(
                        "is \"{}\": {other} was it, and has schedules or jobs; give this one another version, or \
                         that uuid",
                        key.1
                    ),
                    None => format!("is \"{}\": it was offered already, as {other}", key.1),
                },
            );
        }
        // Whoever keeps a task in the database does not lose it to a folder that happens to name its id.
        if self.stored.get(&offered.id).is_some_and(Task::is_of_database) {
            return refuse(
                "uuid",
                format!(
                    "is \"{}\": that is the uuid of a task of the registry {}",
                    offered.id,
                    Task::DATABASE
                ),
            );
        }
        self.seen.insert(offered.id);
        self.names.insert(key, offered.id);
        let fresh = Task {
            definition: offered,
            registry: registry.to_owned(),
            enabled: true,
            removed_at: None,
            validated_at: Some(now),
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        match self.stored.get(&fresh.definition.id) {
            None if self.unreadable.contains(&fresh.definition.id) => Decision::Update(fresh),
            None => Decision::Add(fresh),
            Some(stored) if is_same(stored, &fresh) => Decision::Keep,
            // What comes with the server may change its version: its jobs have no other to run.
            Some(stored) if is_another_version(&stored.definition, &fresh.definition) => {
                let issue = ValidationIssue {
                    task: fresh.definition.name.clone(),
                    field: "uuid".to_owned(),
                    message: format!(
                        "is \"{}\": that is the uuid of {} {}, which has schedules or jobs; give version {} another \
                         uuid, or none",
                        stored.definition.id,
                        stored.definition.name,
                        stored.definition.version,
                        fresh.definition.version
                    ),
                };
                match stored.enabled {
                    true => Decision::Succeed { task: fresh, issue },
                    false => Decision::Refuse(issue),
                }
            }
            Some(stored) => Decision::Update(Task {
                enabled: stored.enabled,
                created_at: stored.created_at,
                ..fresh
            }),
        }
    }
}

fn is_same(stored: &Task, fresh: &Task) -> bool {
    stored.removed_at.is_none() && stored.registry == fresh.registry && stored.definition == fresh.definition
}

fn is_another_version(stored: &TaskDefinition, fresh: &TaskDefinition) -> bool {
    fresh.folder().is_some() && key(stored) != key(fresh)
}

fn key(task: &TaskDefinition) -> (String, String) {
    (task.name.clone(), task.version.clone())
}
