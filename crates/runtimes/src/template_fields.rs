use chrono::SecondsFormat;
use ratchet_interfaces::{TaskContext, TaskRequest};
use serde_json::{Value, json};

/// What the templates of a task's source are rendered over: the run's `input`, and its `context` by the same names that
/// a JavaScript task sees.
pub(crate) fn template_fields(request: &TaskRequest) -> Value {
    let TaskContext {
        execution_id,
        job_id,
        task_id,
        task_version,
        scheduled_for,
        attempt,
    } = &request.context;
    json!({
        "input": request.input,
        "context": {
            "executionId": execution_id,
            "jobId": job_id,
            "taskId": task_id,
            "taskVersion": task_version,
            "scheduledFor": scheduled_for.map(|tick| tick.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            "attempt": attempt,
        },
    })
}
