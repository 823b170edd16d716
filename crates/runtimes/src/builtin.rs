use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{
    Clock, RuntimeStatus, TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskRequest,
};
use serde_json::Value;

mod heartbeat;
mod wait;

type Running = Pin<Box<dyn Future<Output = Result<Value, TaskError>> + Send>>;
type Function = Box<dyn Fn(TaskRequest) -> Running + Send + Sync>;

/// The runtime `builtin`: tasks that are asynchronous Rust functions of this process, found by the task's name.
///
/// ```
/// use ratchet_runtimes::BuiltinRuntime;
/// use ratchet_interfaces::TaskExecutor;
/// let runtime = BuiltinRuntime::new().with("echo", |request| async move { Ok(request.input) });
/// assert_eq!(runtime.runtime(), "builtin");
/// ```
#[derive(Default)]
pub struct BuiltinRuntime {
    functions: BTreeMap<String, Function>,
}

impl BuiltinRuntime {
    /// A runtime without functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A runtime with every function that belongs to the system itself.
    #[must_use]
    pub fn standard(clock: Arc<dyn Clock>, status: Arc<dyn RuntimeStatus>) -> Self {
        Self::new()
            .with(wait::NAME, wait::function(Arc::clone(&clock)))
            .with(heartbeat::NAME, heartbeat::function(clock, status))
    }

    /// Registers a function for the task of this name. A function that was registered for the name before is
    /// replaced.
    #[must_use]
    pub fn with<F, R>(mut self, name: impl Into<String>, function: F) -> Self
    where
        F: Fn(TaskRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, TaskError>> + Send + 'static,
    {
        self.functions
            .insert(name.into(), Box::new(move |request| Box::pin(function(request))));
        self
    }

    fn unknown(&self, name: &str) -> TaskError {
        let known: Vec<&str> = self.functions.keys().map(String::as_str).collect();
        let message = if known.is_empty() {
            format!("no builtin function is named \"{name}\"; none is registered")
        } else {
            format!(
                "no builtin function is named \"{name}\"; registered: {}",
                known.join(", ")
            )
        };
        TaskError::of(TaskErrorKind::Definition, message)
    }
}

#[async_trait]
impl TaskExecutor for BuiltinRuntime {
    fn runtime(&self) -> &str {
        "builtin"
    }

    fn check(&self, task: &TaskDefinition) -> Option<String> {
        (!self.functions.contains_key(&task.name)).then(|| self.unknown(&task.name).message)
    }

    /// A function that cares for being stopped looks at the request's token; it has no time beyond the next await.
    fn stop_grace(&self) -> Duration {
        Duration::ZERO
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        match self.functions.get(&request.task.name) {
            Some(function) => function(request).await,
            None => Err(self.unknown(&request.task.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{
        ExecutionId, JobId, MockTaskMonitor, RunLimits, StopToken, TaskContext, TaskId,
    };
    use serde_json::json;

    use super::*;

    fn request(name: &str, input: Value) -> TaskRequest {
        let id = TaskId::new();
        TaskRequest {
            task: Arc::new(TaskDefinition::new(id, name, "1", "builtin")),
            input,
            context: TaskContext {
                execution_id: ExecutionId::new(),
                job_id: JobId::new(),
                task_id: id,
                task_version: "1".to_owned(),
                scheduled_for: None,
                attempt: 1,
            },
            limits: RunLimits {
                timeout: Duration::from_secs(1),
                memory_bytes: None,
            },
            monitor: Arc::new(MockTaskMonitor::new()),
            stop: StopToken::never(),
        }
    }

    #[tokio::test]
    async fn a_function_gets_the_input_and_its_output_comes_back() {
        let runtime = BuiltinRuntime::new()
            .with("echo", |request| async move { Ok(request.input) })
            .with("nothing", |_| async { Ok(Value::Null) });
        let output = runtime.execute(request("echo", json!([1]))).await.unwrap();
        assert_eq!(output, json!([1]));
    }

    #[tokio::test]
    async fn an_unregistered_name_fails_for_good_and_tells_what_is_registered() {
        let runtime = BuiltinRuntime::new()
            .with("b", |_| async { Ok(Value::Null) })
            .with("a", |_| async { Ok(Value::Null) });
        let error = runtime.execute(request("c", Value::Null)).await.unwrap_err();
        let message = "no builtin function is named \"c\"; registered: a, b".to_owned();
        assert_eq!(error, TaskError::of(TaskErrorKind::Definition, message));
        let error = BuiltinRuntime::new()
            .execute(request("c", Value::Null))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no builtin function is named \"c\"; none is registered"
        );
    }
}
