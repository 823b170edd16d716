use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{
    Clock, ExecutionId, JobId, RunLimits, StopSource, TaskContext, TaskDefinition, TaskError, TaskErrorKind,
    TaskExecutor, TaskMonitor, TaskRequest, TaskValidator, ValidationIssue,
};
use ratchet_registry::SchemaValidator;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

/// One run of a task in this process, with the rules that a job's attempt has: input and output are checked against the
/// schemas, and the time is kept.
pub(super) struct Once {
    pub(super) task: Arc<TaskDefinition>,
    pub(super) input: Value,
    pub(super) runtime: Arc<dyn TaskExecutor>,
    pub(super) monitor: Arc<dyn TaskMonitor>,
    pub(super) timeout: Duration,
}

impl Once {
    /// Runs it, until `stopped` completes.
    pub(super) async fn run(self, stopped: impl Future<Output = ()>) -> Result<Value, TaskError> {
        let validator = SchemaValidator::default();
        refuse(
            TaskErrorKind::Input,
            validator.validate_input(&self.task, &self.input),
        )?;
        let stop = StopSource::default();
        let grace = self.runtime.stop_grace();
        let request = TaskRequest {
            task: Arc::clone(&self.task),
            input: self.input,
            context: TaskContext {
                execution_id: ExecutionId::new(),
                job_id: JobId::new(),
                task_id: self.task.id,
                task_version: self.task.version.clone(),
                scheduled_for: None,
                attempt: 1,
            },
            limits: RunLimits {
                timeout: self.timeout,
                memory_bytes: self.task.limits.memory_bytes,
            },
            monitor: self.monitor,
            stop: stop.token(),
        };
        let clock = SystemClock::new();
        let mut execution = self.runtime.execute(request);
        let error = tokio::select! {
            // In this order, an interrupt is listened for before the task begins.
            biased;
            () = stopped => TaskError::permanent("it was stopped"),
            ended = &mut execution => return ended.and_then(|output| {
                refuse(TaskErrorKind::Output, validator.validate_output(&self.task, &output))?;
                Ok(output)
            }),
            () = clock.sleep(self.timeout) => {
                let message = format!("it ran longer than its timeout of {} s", self.timeout.as_secs_f64());
                TaskError::of(TaskErrorKind::Timeout, message)
            }
        };
        stop.stop();
        // It may end in order; what it says then does not count.
        tokio::select! {
            _ = execution => {}
            () = clock.sleep(grace) => {}
        }
        Err(error)
    }
}

fn refuse(kind: TaskErrorKind, issues: Vec<ValidationIssue>) -> Result<(), TaskError> {
    if issues.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = issues
        .iter()
        .map(|issue| format!("{}: {}", issue.field, issue.message))
        .collect();
    Err(TaskError::of(kind, told.join("; ")))
}

/// How long a task may run: as long as it says itself, or else so many seconds.
pub(super) fn timeout_of(task: &TaskDefinition, default_seconds: u64) -> Duration {
    let own = task.limits.timeout_seconds.map(u64::from);
    Duration::from_secs(own.unwrap_or(default_seconds))
}
