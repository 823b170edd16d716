//! What a schedule and a job have in common: a task that is to run, its input, and where the result goes.

use ratchet_interfaces::{OutputDestination, Task, TaskId, ValidationIssue};
use serde_json::Value;

use crate::destination::{Destination, checked};
use crate::error::ApiError;
use crate::state::Services;

/// The destinations that somebody gave, if any, and if results can be brought to each.
pub(crate) fn destinations(
    given: Option<Vec<Destination>>,
    services: &Services,
) -> Result<Vec<OutputDestination>, ApiError> {
    given.map_or(Ok(Vec::new()), |given| checked(given, &*services.output))
}

/// A timeout in seconds, if it is one.
pub(crate) fn timeout(seconds: u32) -> Result<u32, ApiError> {
    if seconds == 0 {
        return Err(ApiError::invalid(
            "timeoutSeconds",
            "0 is not allowed: it is 1 or more",
        ));
    }
    Ok(seconds)
}

/// Checks that jobs of this task can run with this input.
pub(crate) async fn check_run(services: &Services, task_id: TaskId, input: &Value) -> Result<(), ApiError> {
    let refused = |rule: &str| ApiError::invalid("taskId", format!("task {task_id} {rule}"));
    let found = services.repositories.tasks().task_find(task_id).await?;
    let task = found.ok_or_else(|| refused("does not exist"))?;
    if task.removed_at.is_some() {
        return Err(refused("was removed from its registry, and runs nothing new"));
    }
    if !task.enabled {
        return Err(refused("is disabled: enable it first"));
    }
    check_input(services, &task, input)
}

/// Checks an input against the schema of its task.
pub(crate) fn check_input(services: &Services, task: &Task, input: &Value) -> Result<(), ApiError> {
    let issues = services.validator.validate_input(&task.definition, input);
    if issues.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = issues
        .iter()
        .map(
            |ValidationIssue {
                 task: _,
                 field,
                 message,
             }| format!("{field}: {message}"),
        )
        .collect();
    Err(ApiError::invalid("input", words.join("; ")))
}
