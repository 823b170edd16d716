use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use ratchet_interfaces::{Task, TaskDefinition, TaskExecutor, TaskId, with_causes};

use super::Context;
use crate::lifecycle::{Phase, PhaseWatch};
use crate::outage::Outage;

/// Who runs a task.
#[derive(Clone)]
pub(super) enum Assignment {
    /// This runtime runs this task.
    Runs {
        task: Arc<TaskDefinition>,
        runtime: Arc<dyn TaskExecutor>,
        /// Since when the task's registry has it no more.
        removed_at: Option<DateTime<Utc>>,
    },
    /// Nobody can, now or later.
    Impossible { reason: String },
    /// Nobody can tell: the task's row cannot be read.
    Unreadable { reason: String },
    /// The pipeline stopped before it was found out.
    Unknown,
}

impl Assignment {
    /// Who runs a job that was queued at this instant: a task that was removed runs what was queued before.
    pub(super) fn of_job(&self, queued_at: DateTime<Utc>) -> Self {
        match self {
            Self::Runs {
                task,
                removed_at: Some(removed_at),
                ..
            } if queued_at > *removed_at => Self::Impossible {
                reason: format!(
                    "task {} {} was removed from its registry at {}, before the job was queued",
                    task.name,
                    task.version,
                    removed_at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
                ),
            },
            other => other.clone(),
        }
    }
}

impl Context {
    /// Finds out who runs a task. While the database is away, it asks again: the job is this process's already.
    pub(super) async fn assign(&self, id: TaskId, outage: &mut Outage, watch: &PhaseWatch) -> Assignment {
        let during = "looking up a task";
        loop {
            if watch.has_reached(Phase::Draining) {
                return Assignment::Unknown;
            }
            let call = self.tasks.task_find(id);
            let Some(answer) = watch.unless(Phase::GivingUp, call).await else {
                return Assignment::Unknown;
            };
            match answer {
                Ok(found) => {
                    outage.is_over(during);
                    return self.assign_found(id, found);
                }
                Err(failure) if failure.is_transient() => {
                    outage.pause(during, &failure, watch, Phase::Draining).await;
                }
                Err(failure) => {
                    return Assignment::Unreadable {
                        reason: with_causes(&failure),
                    };
                }
            }
        }
    }

    fn assign_found(&self, id: TaskId, found: Option<Task>) -> Assignment {
        let impossible = |reason| Assignment::Impossible { reason };
        let Some(task) = found else {
            return impossible(format!("task {id} does not exist"));
        };
        let definition = task.definition;
        if !task.enabled {
            return impossible(format!(
                "task {} {} is disabled",
                definition.name, definition.version
            ));
        }
        match self.runtimes.get(&definition.runtime) {
            Some(runtime) => Assignment::Runs {
                task: Arc::new(definition),
                runtime: Arc::clone(runtime),
                removed_at: task.removed_at,
            },
            None => impossible(self.no_such_runtime(&definition.runtime)),
        }
    }

    fn no_such_runtime(&self, name: &str) -> String {
        let mut known: Vec<&str> = self.runtimes.keys().map(String::as_str).collect();
        known.sort_unstable();
        format!(
            "this server has no runtime \"{name}\"; it has: {}",
            if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            }
        )
    }
}
