use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{RetryPolicy, SortOrder, TaskId};

/// What a registry says of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// The task's id: that of one version of it.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The name that people see.
    #[serde(default)]
    pub label: Option<String>,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// What it is found by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Which runtime runs it, for example `builtin`.
    pub runtime: String,
    /// What the runtime runs: a program's text, or the JSON of a request or a command. A builtin task has none.
    #[serde(default)]
    pub source: Option<String>,
    /// JSON Schema of the input.
    #[serde(default)]
    pub input_schema: Option<Value>,
    /// JSON Schema of the output.
    #[serde(default)]
    pub output_schema: Option<Value>,
    /// What a run of it may use, and how many may run.
    #[serde(default)]
    pub limits: TaskLimits,
    /// What happens after a failed run; `None` is what the job or the server says.
    #[serde(default)]
    pub retry: Option<RetryPolicy>,
    /// Anything else that the registry knows. One that reads folders says here, as [`TaskDefinition::FOLDER`], where
    /// the task lies.
    #[serde(default)]
    pub metadata: Option<Value>,
}

/// What a task is allowed. A field that is `None` leaves it to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskLimits {
    /// How long a run may take, in seconds, unless its job says otherwise.
    pub timeout_seconds: Option<u32>,
    /// How much memory a run may use, in bytes, where the runtime can tell.
    pub memory_bytes: Option<u64>,
    /// How many jobs of this version of the task run at once, on all nodes together.
    pub max_concurrent: Option<u32>,
    /// How many jobs with the same concurrency key may be running for another one of this task to be started. `None` is
    /// one.
    pub max_per_key: Option<u32>,
}

impl TaskDefinition {
    /// The key of [`TaskDefinition::metadata`] that names the folder that the task was read from.
    pub const FOLDER: &str = "folder";

    /// The folder that the task was read from, if it was.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.metadata.as_ref()?.get(Self::FOLDER)?.as_str()
    }

    /// A task of which no more is known.
    #[must_use]
    pub fn new(
        id: TaskId,
        name: impl Into<String>,
        version: impl Into<String>,
        runtime: impl Into<String>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            version: version.into(),
            label: None,
            description: None,
            tags: Vec::new(),
            runtime: runtime.into(),
            source: None,
            input_schema: None,
            output_schema: None,
            limits: TaskLimits::default(),
            retry: None,
            metadata: None,
        }
    }
}

/// A task as it is stored: a definition, and what became of it here.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What its registry says of it.
    pub definition: TaskDefinition,
    /// The registry that it came from.
    pub registry: String,
    /// Whether jobs of it may run.
    pub enabled: bool,
    /// Since when its registry has not had it any more, if it is so. Jobs that were queued before still run.
    pub removed_at: Option<DateTime<Utc>>,
    /// When its definition was last found valid.
    pub validated_at: Option<DateTime<Utc>>,
    /// When it was first stored.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Task {
    /// An enabled task that a registry offers now.
    #[must_use]
    pub fn new(definition: TaskDefinition, registry: impl Into<String>, now: DateTime<Utc>) -> Self {
        Self {
            definition,
            registry: registry.into(),
            enabled: true,
            removed_at: None,
            validated_at: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Which tasks a list holds. A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Exactly this name.
    pub name: Option<String>,
    /// Exactly this version.
    pub version: Option<String>,
    /// A name that contains this text, in any case.
    pub name_contains: Option<String>,
    /// Enabled or not.
    pub enabled: Option<bool>,
    /// From this registry.
    pub registry: Option<String>,
    /// Whether its registry has it no more.
    pub removed: Option<bool>,
}

/// What a list of tasks is sorted by. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSort {
    /// By name, then version.
    Name(SortOrder),
    /// By the time of creation.
    CreatedAt(SortOrder),
}

impl Default for TaskSort {
    fn default() -> Self {
        Self::Name(SortOrder::Ascending)
    }
}
