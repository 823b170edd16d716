use ratchet_interfaces::{SyncReport, ValidationIssue, with_causes};
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::state::Services;
use crate::tasks::TAG;

/// What a synchronization of the stored tasks with their registries did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskSync {
    /// Whether it was done.
    #[schema(example = true)]
    success: bool,
    /// What was found, in words.
    #[schema(
        example = "1 tasks are new, 0 changed, 0 are gone, 8 are as they were; 1 things are not in order"
    )]
    message: String,
    /// How many tasks are new.
    #[schema(example = 1)]
    added: u64,
    /// How many tasks changed.
    #[schema(example = 0)]
    updated: u64,
    /// How many tasks their registry has no more.
    #[schema(example = 0)]
    removed: u64,
    /// How many tasks were as they are.
    #[schema(example = 8)]
    unchanged: u64,
    /// What is wrong with single tasks. The others are stored all the same.
    issues: Vec<TaskIssue>,
}

/// What is wrong with a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskIssue {
    /// Its name, or where it lies.
    #[schema(example = "tasks/import")]
    task: String,
    /// The field or file.
    #[schema(example = "runtime")]
    field: String,
    /// What is not in order, in words.
    #[schema(example = "\"cobol\" is no runtime")]
    message: String,
}

impl From<ValidationIssue> for TaskIssue {
    fn from(issue: ValidationIssue) -> Self {
        let ValidationIssue { task, field, message } = issue;
        Self { task, field, message }
    }
}

/// Reads the registries, and makes the stored tasks what they say. Tasks that the API keeps are left alone.
#[utoipa::path(
    post,
    path = "/tasks/sync",
    tag = TAG,
    operation_id = "tasks_sync",
    responses(
        (status = 200, body = One<TaskSync>),
        (status = 500, body = ErrorEnvelope, description = "A registry cannot be read; the others were"),
    )
)]
pub(super) async fn synchronize(services: Services) -> Result<One<TaskSync>, ApiError> {
    let registries = services.registries.clone();
    // It goes through even if whoever asked for it does not wait for the answer.
    let synchronized = tokio::spawn(async move { registries.sync().await }).await;
    let SyncReport {
        added,
        updated,
        removed,
        unchanged,
        issues,
    } = match synchronized {
        Ok(report) => report?,
        Err(error) => {
            tracing::error!(error = with_causes(&error), "a synchronization ended badly");
            return Err(ApiError::internal());
        }
    };
    let data = TaskSync {
        success: true,
        message: format!(
            "{added} tasks are new, {updated} changed, {removed} are gone, {unchanged} are as they were; \
             {} things are not in order",
            issues.len()
        ),
        added,
        updated,
        removed,
        unchanged,
        issues: issues.into_iter().map(TaskIssue::from).collect(),
    };
    Ok(One { data })
}
