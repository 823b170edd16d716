use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{RegistryError, TaskDefinition, TaskId};

/// A place that tasks come from.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TaskRegistry: Send + Sync {
    /// The registry's name, for example `embedded`.
    fn name(&self) -> &str;

    /// The task with this id, if the registry has it.
    async fn get_task_by_id(&self, id: TaskId) -> Result<Option<TaskDefinition>, RegistryError>;

    /// Every task of the registry, and what is wrong with those that it cannot offer.
    async fn list_tasks(&self) -> Result<TaskListing, RegistryError>;
}

/// What a registry has at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskListing {
    /// The tasks, in a stable order.
    pub tasks: Vec<TaskDefinition>,
    /// What keeps other tasks from being among them.
    pub issues: Vec<ValidationIssue>,
    /// The folders of which the registry cannot tell which tasks they hold. A stored task that was read from one of
    /// them, or from below one, is not gone: it stays as it was last read.
    pub unreadable: Vec<String>,
}

impl TaskListing {
    /// These tasks, and nothing wrong.
    #[must_use]
    pub fn of(tasks: Vec<TaskDefinition>) -> Self {
        Self {
            tasks,
            ..Self::default()
        }
    }

    /// Whether a task that was read from this folder may still be there, although it is not listed.
    #[must_use]
    pub fn is_unreadable(&self, folder: &str) -> bool {
        self.unreadable
            .iter()
            .any(|unreadable| Path::new(folder).starts_with(unreadable))
    }
}

/// Keeps the stored tasks what the registries say they are.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RegistryManager: Send + Sync {
    /// Validates the registries' tasks and writes them to the database; stored tasks that their registry has no more
    /// are marked as removed, or deleted where nothing refers to them. An invalid task and a stored row that cannot be
    /// read are reported, never a stop; what is stored of an invalid task stays.
    async fn sync(&self) -> Result<SyncReport, RegistryError>;

    /// What the last synchronization of this process found that came to its end; `None` before the first.
    fn last_sync(&self) -> Option<Arc<LastSync>>;
}

/// What the last synchronization found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSync {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What it did.
    pub report: SyncReport,
    /// The tasks that were stored then as their registry has them.
    pub in_sync: HashSet<TaskId>,
}

/// What a synchronization did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// How many tasks are new.
    pub added: u64,
    /// How many tasks changed.
    pub updated: u64,
    /// How many tasks their registry has no more, and were marked as removed or deleted now.
    pub removed: u64,
    /// How many tasks were as they are.
    pub unchanged: u64,
    /// What is wrong with single tasks: offered ones that were refused, stored ones that cannot be read.
    pub issues: Vec<ValidationIssue>,
}

/// Checks tasks, their input and their output.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TaskValidator: Send + Sync {
    /// What is wrong with a task's definition; empty when nothing is.
    fn validate_task(&self, task: &TaskDefinition) -> Vec<ValidationIssue>;

    /// What is wrong with an input for a task; empty when nothing is. It is asked before each attempt at a job.
    fn validate_input(&self, task: &TaskDefinition, input: &Value) -> Vec<ValidationIssue>;

    /// What is wrong with what a task returned; empty when nothing is. It is asked after each attempt at a job.
    fn validate_output(&self, task: &TaskDefinition, output: &Value) -> Vec<ValidationIssue>;
}

/// Something that is wrong with a task, an input or an output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {task}: {field}: {message}")]
pub struct ValidationIssue {
    /// The task's name.
    pub task: String,
    /// The field, for example `inputSchema` or `/input/url`.
    pub field: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}
