use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{LastSync, Task, TaskDefinition, TaskLimits, compare_versions};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::One;
use crate::error::ApiError;
use crate::etag::Tagged;
use crate::example;
use crate::state::Services;
use crate::tasks::retry::RetryPolicyView;

/// A task: what jobs run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub(crate) struct TaskView {
    /// Its id.
    #[schema(example = json!(example::TASK))]
    id: Uuid,
    /// The id again.
    #[schema(example = json!(example::TASK))]
    uuid: Uuid,
    /// Its name.
    #[schema(example = "wait")]
    name: String,
    /// Its version: name and version together are unique.
    #[schema(example = "1.0.0")]
    version: String,
    /// The name that people see.
    label: Option<String>,
    /// What it does.
    #[schema(example = "Waits, and then fails if it is asked to")]
    description: Option<String>,
    /// What it is found by.
    #[schema(example = json!([]))]
    tags: Vec<String>,
    /// Whether jobs of it may run.
    #[schema(example = true)]
    enabled: bool,
    /// The registry that it comes from: `embedded`, `files`, or `database`, where the API keeps it.
    #[schema(example = "embedded")]
    registry_source: String,
    /// The versions of the tasks with this name that their registries have, the latest last.
    #[schema(example = json!(["1.0.0"]))]
    available_versions: Vec<String>,
    /// What runs it; `none` where no registry has code for it: its jobs fail with that reason.
    #[schema(example = "builtin")]
    runtime: String,
    /// Its program, if it is one that the API keeps.
    source_code: Option<String>,
    /// JSON Schema of the input of its jobs.
    input_schema: Option<Value>,
    /// JSON Schema of what it returns.
    output_schema: Option<Value>,
    /// What a run of it may use, and how many may run.
    limits: TaskLimitsView,
    /// What happens after a failed run; null is what the job or the server says.
    retry: Option<RetryPolicyView>,
    /// Anything else that its registry or its owner keeps with it.
    metadata: Option<Value>,
    /// Whether it is stored as its registry had it when that was read last. One that the API keeps always is.
    #[schema(example = true)]
    in_sync: bool,
    /// Since when its registry has not had it any more, if it is so: nothing new is run of it.
    removed_at: Option<DateTime<Utc>>,
    /// When it was last found valid.
    #[schema(example = "2026-01-01T12:00:00Z")]
    validated_at: Option<DateTime<Utc>>,
    /// When it was stored first.
    #[schema(example = "2026-01-01T12:00:00Z")]
    created_at: DateTime<Utc>,
    /// When it was changed last.
    #[schema(example = "2026-01-01T12:00:00Z")]
    updated_at: DateTime<Utc>,
}

/// What a task is allowed. What is null is left to the server.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TaskLimits)]
pub(crate) struct TaskLimitsView {
    /// How long a run may take, in seconds, unless its job says otherwise.
    timeout_seconds: Option<u32>,
    /// How much memory a run may use, in bytes, where the runtime can tell.
    memory_bytes: Option<u64>,
    /// How many jobs of this version of the task run at once.
    max_concurrent: Option<u32>,
    /// How many jobs with the same concurrency key may be running for another one of this task to be started; null is one.
    max_per_key: Option<u32>,
}

impl From<TaskLimits> for TaskLimitsView {
    fn from(limits: TaskLimits) -> Self {
        let TaskLimits {
            timeout_seconds,
            memory_bytes,
            max_concurrent,
            max_per_key,
        } = limits;
        Self {
            timeout_seconds,
            memory_bytes,
            max_concurrent,
            max_per_key,
        }
    }
}

/// What tasks are shown with besides their rows.
pub(super) struct Surroundings {
    /// By name.
    versions: BTreeMap<String, Vec<String>>,
    last_sync: Option<Arc<LastSync>>,
}

impl Surroundings {
    pub(super) async fn of(services: &Services, tasks: &[Task]) -> Result<Self, ApiError> {
        let names: BTreeSet<String> = tasks.iter().map(|task| task.definition.name.clone()).collect();
        let names: Vec<String> = names.into_iter().collect();
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if !names.is_empty() {
            for (name, version) in services.repositories.tasks().task_versions(&names).await? {
                versions.entry(name).or_default().push(version);
            }
        }
        for versions in versions.values_mut() {
            versions.sort_by(|a, b| compare_versions(a, b));
        }
        Ok(Self {
            versions,
            last_sync: services.registries.last_sync(),
        })
    }

    /// With a version that a task has got, in place of the one that it had, if it had one.
    pub(super) fn after_change(mut self, task: &TaskDefinition, before: Option<&TaskDefinition>) -> Self {
        let versions = self.versions.entry(task.name.clone()).or_default();
        if let Some(before) = before.filter(|before| before.name == task.name) {
            versions.retain(|version| *version != before.version);
        }
        if !versions.contains(&task.version) {
            versions.push(task.version.clone());
            versions.sort_by(|a, b| compare_versions(a, b));
        }
        self
    }

    fn has_in_sync(&self, task: &Task) -> bool {
        task.is_of_database()
            || (task.removed_at.is_none()
                && self
                    .last_sync
                    .as_ref()
                    .is_some_and(|last| last.in_sync.contains(&task.definition.id)))
    }
}

impl TaskView {
    pub(super) fn new(task: Task, surroundings: &Surroundings) -> Self {
        let in_sync = surroundings.has_in_sync(&task);
        let of_database = task.is_of_database();
        let Task {
            definition:
                TaskDefinition {
                    id,
                    name,
                    version,
                    label,
                    description,
                    tags,
                    runtime,
                    source,
                    input_schema,
                    output_schema,
                    limits,
                    retry,
                    metadata,
                },
            registry,
            enabled,
            removed_at,
            validated_at,
            created_at,
            updated_at,
            revision: _,
        } = task;
        Self {
            id: id.as_uuid(),
            uuid: id.as_uuid(),
            available_versions: surroundings.versions.get(&name).cloned().unwrap_or_default(),
            name,
            version,
            label,
            description,
            tags,
            enabled,
            registry_source: registry,
            runtime,
            // What lies in a folder may name what only its owner is to see.
            source_code: source.filter(|_| of_database),
            input_schema,
            output_schema,
            limits: limits.into(),
            retry: retry.map(Into::into),
            metadata,
            in_sync,
            removed_at,
            validated_at,
            created_at,
            updated_at,
        }
    }
}

/// The answer about one task.
pub(super) fn answer(task: Task, surroundings: &Surroundings) -> Tagged<One<TaskView>> {
    Tagged {
        version: task.revision,
        answer: One {
            data: TaskView::new(task, surroundings),
        },
    }
}
