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

/// The longest time that a job may run, in seconds: seven days.
const LONGEST_TIMEOUT: u32 = 604_800;
/// How often a job is tried again at the most.
const MOST_RETRIES: u32 = 100;

/// A timeout in seconds, if it is one.
pub(crate) fn timeout(seconds: u32) -> Result<u32, ApiError> {
    if !(1..=LONGEST_TIMEOUT).contains(&seconds) {
        let rule = format!("{seconds} is not allowed: it is 1 to {LONGEST_TIMEOUT}, which is seven days");
        return Err(ApiError::invalid("timeoutSeconds", rule));
    }
    Ok(seconds)
}

/// How often something is tried again, if that is allowed.
pub(crate) fn retries(count: u32) -> Result<u32, ApiError> {
    if count > MOST_RETRIES {
        let rule = format!("{count} is not allowed: it is 0 to {MOST_RETRIES}");
        return Err(ApiError::invalid("maxRetries", rule));
    }
    Ok(count)
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
