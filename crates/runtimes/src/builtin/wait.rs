use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{Clock, TaskError, TaskErrorKind, TaskRequest};
use serde_json::{Value, json};

use super::Running;

/// The name of the task that this function is.
pub(super) const NAME: &str = "wait";

/// The longest wait: a day.
const MAX_SECONDS: f64 = 86_400.0;

/// Waits as long as it is told, and then fails if it is told to: to try out overlap, timeouts and what happens after
/// failures.
pub(super) fn function(clock: Arc<dyn Clock>) -> impl Fn(TaskRequest) -> Running + Send + Sync + 'static {
    move |request| {
        let clock = Arc::clone(&clock);
        Box::pin(async move {
            let seconds = seconds(&request.input)?;
            let fails = fails(&request.input)?;
            clock.sleep(Duration::from_secs_f64(seconds)).await;
            if fails {
                return Err(TaskError::failed(format!(
                    "it was asked to fail after {seconds} s"
                )));
            }
            Ok(json!({ "waitedSeconds": request.input["seconds"] }))
        })
    }
}

/// The task's schema says the same, but a stored task may have another.
fn seconds(input: &Value) -> Result<f64, TaskError> {
    let value = &input["seconds"];
    value
        .as_f64()
        .filter(|seconds| (0.0..=MAX_SECONDS).contains(seconds))
        .ok_or_else(|| {
            TaskError::of(
                TaskErrorKind::Input,
                format!("seconds is {value}: a number from 0 to 86400 is allowed"),
            )
        })
}

fn fails(input: &Value) -> Result<bool, TaskError> {
    match input.get("fail") {
        None => Ok(false),
        Some(Value::Bool(fails)) => Ok(*fails),
        Some(value) => Err(TaskError::of(
            TaskErrorKind::Input,
            format!("fail is {value}: true or false is allowed"),
        )),
    }
}
