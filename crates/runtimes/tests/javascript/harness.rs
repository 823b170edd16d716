use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{
    ExecutionId, JobId, LogLevel, Progress, RunLimits, StopToken, TaskContext, TaskDefinition, TaskError,
    TaskExecutor as _, TaskId, TaskMonitor, TaskRequest,
};
use ratchet_outbound::{OutboundError, OutboundRequest, OutboundResponse};
use ratchet_runtimes::{Fetch, JavaScriptConfig, JavaScriptRuntime};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Remembers what a task said, and tells of each line.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) lines: Mutex<Vec<(LogLevel, String)>>,
    pub(crate) progress: Mutex<Vec<Progress>>,
    pub(crate) line: Notify,
}

impl TaskMonitor for Heard {
    fn log(&self, level: LogLevel, message: &str) {
        self.lines.lock().unwrap().push((level, message.to_owned()));
        self.line.notify_one();
    }

    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }
}

impl Heard {
    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .map(|(_, text)| text.clone())
            .collect()
    }
}

/// A network that nothing should ask.
pub(crate) struct NoNetwork;

#[async_trait]
impl Fetch for NoNetwork {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        panic!("{request:?}")
    }
}

pub(crate) fn runtime() -> JavaScriptRuntime {
    runtime_with(Arc::new(NoNetwork))
}

pub(crate) fn runtime_with(fetch: Arc<dyn Fetch>) -> JavaScriptRuntime {
    JavaScriptRuntime::new(JavaScriptConfig::default(), fetch).unwrap()
}

pub(crate) fn task(source: &str) -> TaskDefinition {
    TaskDefinition {
        source: Some(source.to_owned()),
        ..TaskDefinition::new(TaskId::new(), "a-task", "1.2.3", JavaScriptRuntime::NAME)
    }
}

pub(crate) fn request(source: &str, input: Value) -> TaskRequest {
    let task = task(source);
    TaskRequest {
        context: TaskContext {
            execution_id: ExecutionId::new(),
            job_id: JobId::new(),
            task_id: task.id,
            task_version: task.version.clone(),
            scheduled_for: None,
            attempt: 1,
        },
        task: Arc::new(task),
        input,
        limits: RunLimits {
            timeout: Duration::from_secs(60),
            memory_bytes: None,
        },
        monitor: Arc::new(Heard::default()),
        stop: StopToken::never(),
    }
}

/// Runs a task without input and network.
pub(crate) async fn run(source: &str) -> Result<Value, TaskError> {
    runtime().execute(request(source, json!({}))).await
}

pub(crate) async fn failure(source: &str) -> TaskError {
    match run(source).await {
        Err(error) => error,
        Ok(output) => panic!("{source}: {output}"),
    }
}

/// Runs a task, and gives what it printed with what it returned.
pub(crate) async fn heard(source: &str) -> (Result<Value, TaskError>, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let request = TaskRequest {
        monitor: Arc::clone(&heard) as Arc<dyn TaskMonitor>,
        ..request(source, json!({}))
    };
    (runtime().execute(request).await, heard)
}
