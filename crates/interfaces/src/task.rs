use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SortOrder, TaskId};

/// What a registry says of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// The task's id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub description: Option<String>,
    /// Which runtime runs it, for example `builtin`.
    pub runtime: String,
    /// JSON Schema of the input.
    pub input_schema: Option<Value>,
    /// JSON Schema of the output.
    pub output_schema: Option<Value>,
    /// Anything else that the registry knows.
    pub metadata: Option<Value>,
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
    /// When its definition was last found valid.
    pub validated_at: Option<DateTime<Utc>>,
    /// When it was first stored.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which tasks a list holds. A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Exactly this name.
    pub name: Option<String>,
    /// A name that contains this text, in any case.
    pub name_contains: Option<String>,
    /// Enabled or not.
    pub enabled: Option<bool>,
    /// From this registry.
    pub registry: Option<String>,
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
