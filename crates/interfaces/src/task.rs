use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::conditions;
use crate::{Choice, Filter, InstantBound, JobId, RetryPolicy, SortOrder, TaskId, TextMatch};

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
    /// The runtime of a task that no registry has code for: its jobs fail with that reason.
    pub const NO_CODE: &str = "none";

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
    /// Counts its changes, from 1: who changes it names the one that was read.
    pub revision: u32,
}

impl Task {
    /// The registry of the tasks that exist in the database alone. No synchronization looks at them.
    pub const DATABASE: &str = "database";

    /// Whether the database itself is where the task is kept, and may be changed.
    #[must_use]
    pub fn is_of_database(&self) -> bool {
        self.registry == Self::DATABASE
    }

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
            revision: 1,
        }
    }
}

/// What became of a task that was to be deleted with its jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskDeletion {
    /// It was deleted, and with it so many jobs that had ended.
    Deleted {
        /// How many.
        jobs: u64,
    },
    /// It was left, because this refers to it.
    InUse(TaskUse),
}

/// What keeps a task from being deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskUse {
    /// How many schedules run it.
    pub schedules: u64,
    /// The names of the first of them.
    pub schedule_names: Vec<String>,
    /// How many jobs of it have not ended, have results that are still to be delivered, or are waited for by others.
    pub jobs: u64,
    /// The first of them.
    pub job_ids: Vec<JobId>,
}

impl TaskUse {
    /// How many schedules and jobs are named at the most.
    pub const MOST_NAMED: u32 = 5;

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.schedules == 0 && self.jobs == 0
    }
}

/// Numbers about all tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskStatistics {
    /// How many there are, also those that their registry has no more.
    pub total: u64,
    /// How many are enabled.
    pub enabled: u64,
    /// How many exist in the database alone.
    pub of_database: u64,
}

/// Which tasks a list holds.
pub type TaskFilter = Filter<TaskCondition>;

conditions! {
    /// What a task must be to stand in a list.
    pub enum TaskCondition {
        /// See [`TaskDefinition::id`].
        Id(Choice<TaskId>) = "id",
        /// See [`TaskDefinition::name`].
        Name(TextMatch) = "name",
        /// See [`TaskDefinition::version`].
        Version(TextMatch) = "version",
        /// See [`TaskDefinition::runtime`].
        Runtime(TextMatch) = "runtime",
        /// See [`Task::registry`].
        Registry(TextMatch) = "registry",
        /// See [`Task::enabled`].
        Enabled(bool) = "enabled",
        /// Whether [`Task::removed_at`] is there.
        Removed(bool) = "removed",
        /// See [`Task::created_at`].
        CreatedAt(InstantBound) = "created_at",
        /// See [`Task::updated_at`].
        UpdatedAt(InstantBound) = "updated_at",
    }
}

/// What a list of tasks is sorted by. Ties are broken by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskSort {
    /// By name, then version.
    Name(SortOrder),
    /// By the time of creation.
    CreatedAt(SortOrder),
    /// By version, as a text.
    Version(SortOrder),
    /// Disabled ones first.
    Enabled(SortOrder),
    /// By registry.
    Registry(SortOrder),
    /// By runtime.
    Runtime(SortOrder),
    /// By the time of the last change.
    UpdatedAt(SortOrder),
}

impl Default for TaskSort {
    fn default() -> Self {
        Self::Name(SortOrder::Ascending)
    }
}
