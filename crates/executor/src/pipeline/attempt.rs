use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimedJob, TaskContext, TaskDefinition, TaskError, TaskExecutor,
    TaskRequest, TaskValidator, ValidationIssue,
};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tracing::{info, warn};

use super::roster::Assignment;
use super::stops::StopNotice;
use super::{Context, result_deliveries, settler};
use crate::lifecycle::{Phase, PhaseWatch};
use crate::reason;

/// How long a task that was broken off may take to reach its next await. Then it is left behind, so that a task that
/// blocks its thread can hold up neither its slot nor a stop.
const ABORT_GRACE: Duration = Duration::from_secs(5);

/// One attempt at a job: a task of its own runs it, and this watches over that task.
pub(super) struct Attempt {
    context: Arc<Context>,
    claimed: ClaimedJob,
    assignment: Assignment,
    notice: StopNotice,
    watch: PhaseWatch,
}

/// How a run ended.
enum End {
    Returned(Value),
    Failed { error: String, may_succeed_later: bool },
    BrokenOff,
}

impl Attempt {
    pub(super) fn new(
        context: Arc<Context>,
        claimed: ClaimedJob,
        assignment: Assignment,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            notice: context.open_executions.notice(claimed.execution_id),
            context,
            claimed,
            assignment,
            watch,
        }
    }

    /// Runs the job to its end and submits the outcome. The slot is free when the outcome is taken.
    pub(super) async fn run(mut self, outcomes: mpsc::Sender<AttemptOutcome>, slot: OwnedSemaphorePermit) {
        let active = self.context.status.job_begins();
        let begun = self.context.clock.monotonic();
        let (end, task) = match self.assignment.clone() {
            Assignment::Runs { task, runtime } => {
                let end = self.supervise(Arc::clone(&task), runtime).await;
                (end, Some(task))
            }
            Assignment::Impossible { reason } => (failed(reason, false), None),
            Assignment::Unreadable { reason } => (failed(reason, true), None),
            Assignment::Unknown => (End::BrokenOff, None),
        };
        let elapsed = self.context.clock.monotonic().saturating_sub(begun);
        let outcome = AttemptOutcome {
            job_id: self.claimed.job.id,
            execution_id: self.claimed.execution_id,
            node: self.context.node,
            result: self.conclude(end, task.as_deref()),
            ended_at: self.context.clock.now(),
            duration: TimeDelta::from_std(elapsed).unwrap_or(TimeDelta::MAX),
        };
        drop(active);
        if self.notice.is_terminated() {
            // The job was taken away, and is final or another's by now.
            self.context.open_executions.forget(self.claimed.execution_id);
        } else {
            settler::submit(&outcomes, outcome).await;
        }
        drop(slot);
    }

    async fn supervise(&mut self, task: Arc<TaskDefinition>, runtime: Arc<dyn TaskExecutor>) -> End {
        let timeout = self.timeout();
        let request = self.request(&task);
        let validator = Arc::clone(&self.context.validator);
        let mut running = tokio::spawn(async move { execute(&*runtime, &*validator, &task, request).await });
        tokio::select! {
            biased;
            ended = &mut running => ended_by_itself(ended),
            () = self.notice.posted() => {
                info!(
                    job.id = %self.claimed.job.id,
                    execution.id = %self.claimed.execution_id,
                    "a running job is called off"
                );
                self.break_off(running).await.unwrap_or(End::BrokenOff)
            }
            () = self.context.clock.sleep(timeout) => {
                let error = format!("timed out after {} s", timeout.as_secs());
                self.break_off(running).await.unwrap_or_else(|| failed(error, true))
            }
            () = self.watch.reached(Phase::BreakingOff) => {
                self.break_off(running).await.unwrap_or(End::BrokenOff)
            }
        }
    }

    /// Aborts the task, unless it ended at the very last moment: then its end counts.
    async fn break_off(&self, mut running: JoinHandle<Result<Value, TaskError>>) -> Option<End> {
        running.abort();
        tokio::select! {
            biased;
            ended = &mut running => match ended {
                Err(failure) if failure.is_cancelled() => None,
                ended => Some(ended_by_itself(ended)),
            },
            () = self.context.clock.sleep(ABORT_GRACE) => {
                warn!(
                    job.id = %self.claimed.job.id,
                    task.id = %self.claimed.job.task_id,
                    "a task does not yield; it is left behind and occupies a thread until it does"
                );
                None
            }
        }
    }

    fn timeout(&self) -> Duration {
        self.claimed
            .job
            .timeout_seconds
            .map_or(self.context.config.default_timeout, |seconds| {
                Duration::from_secs(u64::from(seconds))
            })
    }

    fn request(&mut self, task: &TaskDefinition) -> TaskRequest {
        let job = &mut self.claimed.job;
        TaskRequest {
            task: task.clone(),
            input: job.input.take(),
            context: TaskContext {
                execution_id: self.claimed.execution_id,
                job_id: job.id,
                task_id: job.task_id,
                task_version: task.version.clone(),
                scheduled_for: job.scheduled_for,
                attempt: job.attempts,
            },
        }
    }

    /// Decides what the end of the run means for the job.
    fn conclude(&self, end: End, task: Option<&TaskDefinition>) -> AttemptResult {
        let job = &self.claimed.job;
        let now = self.context.clock.now();
        let result = match end {
            End::Returned(output) => AttemptResult::Succeeded {
                deliveries: result_deliveries::of(&self.claimed, task, &output, now),
                output,
            },
            End::BrokenOff => AttemptResult::HandedBack {
                reason: "the server stopped while it ran".to_owned(),
            },
            End::Failed {
                error,
                may_succeed_later,
            } => {
                let retries = may_succeed_later && job.retry_count < job.max_retries;
                warn!(
                    job.id = %job.id,
                    task.id = %job.task_id,
                    attempt = job.attempts,
                    retries,
                    error,
                    "an attempt failed"
                );
                if retries {
                    let delay = self.context.config.retry.delay(job.retry_count);
                    let delay = TimeDelta::from_std(delay).expect("a retry policy is capped at a week");
                    AttemptResult::Retry {
                        error,
                        run_after: now + delay,
                    }
                } else {
                    AttemptResult::Failed { error }
                }
            }
        };
        self.notice.instead_of(result)
    }
}

/// Runs the task on an input that suits it, and sees that its output does.
async fn execute(
    runtime: &dyn TaskExecutor,
    validator: &dyn TaskValidator,
    task: &TaskDefinition,
    request: TaskRequest,
) -> Result<Value, TaskError> {
    let issues = validator.validate_input(task, &request.input);
    if !issues.is_empty() {
        return Err(TaskError::Permanent {
            message: format!("the input does not suit the task: {}", listed(&issues)),
        });
    }
    let output = runtime.execute(request).await?;
    let issues = validator.validate_output(task, &output);
    if !issues.is_empty() {
        return Err(TaskError::Failed {
            message: format!("the output is not what the task promises: {}", listed(&issues)),
        });
    }
    Ok(output)
}

/// The first issues in one line, and how many there are besides.
fn listed(issues: &[ValidationIssue]) -> String {
    const TOLD: usize = 5;
    let told: Vec<String> = issues
        .iter()
        .take(TOLD)
        .map(
            |ValidationIssue {
                 task: _,
                 field,
                 message,
             }| format!("{field}: {message}"),
        )
        .collect();
    let mut told = told.join("; ");
    if issues.len() > TOLD {
        told.push_str(&format!("; and {} more", issues.len() - TOLD));
    }
    told
}

fn failed(error: String, may_succeed_later: bool) -> End {
    End::Failed {
        error,
        may_succeed_later,
    }
}

fn ended_by_itself(ended: Result<Result<Value, TaskError>, JoinError>) -> End {
    match ended {
        Ok(Ok(output)) => End::Returned(output),
        Ok(Err(TaskError::Failed { message })) => failed(message, true),
        Ok(Err(TaskError::Permanent { message })) => failed(message, false),
        Err(failure) => match failure.try_into_panic() {
            Ok(payload) => failed(reason::of_panic(payload.as_ref()), true),
            // Nobody but the async runtime can have cancelled it, which it does when it shuts down.
            Err(_) => End::BrokenOff,
        },
    }
}
