use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimedJob, RunLimits, RunningJob, StopSource, StopToken, TaskContext,
    TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskMonitor, TaskRequest, TaskValidator,
    ValidationIssue,
};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tracing::{info, warn};

use super::load::Held;
use super::roster::Assignment;
use super::run_monitor::{Listener, RunMonitor};
use super::stops::StopNotice;
use super::{Context, result_deliveries, settler};
use crate::lifecycle::{Phase, PhaseWatch};
use crate::reason;

/// How long a task that was broken off may take to reach its next await. Then it is left behind, so that a task that
/// blocks its thread can hold up neither its slot nor a stop.
const ABORT_GRACE: Duration = Duration::from_secs(5);

/// How long after its start what a task says is written as it comes.
const FOLLOWED_AFTER: Duration = Duration::from_millis(250);

/// How long a job waits here for a slot: then it goes back to the queue, where others see it.
const PATIENCE: Duration = Duration::from_secs(1);

const STOPPED: &str = "the server stopped while it ran";

const WAITED: &str = "it waited for a free slot in vain";

/// One attempt at a job: a task of its own runs it, and this watches over that task.
pub(super) struct Attempt {
    context: Arc<Context>,
    claimed: ClaimedJob,
    assignment: Assignment,
    notice: StopNotice,
    monitor: Arc<RunMonitor>,
    watch: PhaseWatch,
}

/// How a run ended.
enum End {
    Returned(Value),
    Failed(TaskError),
    /// Through no fault of the task, for this reason.
    BrokenOff(&'static str),
}

impl Attempt {
    pub(super) fn new(
        context: Arc<Context>,
        claimed: ClaimedJob,
        assignment: Assignment,
        teller: mpsc::UnboundedSender<Arc<RunMonitor>>,
        watch: PhaseWatch,
    ) -> Self {
        Self {
            notice: context.open_executions.notice(claimed.execution_id),
            monitor: Arc::new(RunMonitor::new(
                claimed.execution_id,
                Arc::clone(&context.clock),
                teller,
            )),
            context,
            claimed,
            assignment,
            watch,
        }
    }

    /// Waits for a slot, runs the job to its end, and submits the outcome. It is held until it has ended, and unsettled
    /// until the outcome is taken.
    pub(super) async fn run(
        mut self,
        slots: Arc<Semaphore>,
        outcomes: mpsc::Sender<AttemptOutcome>,
        held: Held,
        unsettled: OwnedSemaphorePermit,
    ) {
        let slot = self.slot(slots).await;
        let active = self.context.status.job_begins(RunningJob {
            job_id: self.claimed.job.id,
            execution_id: self.claimed.execution_id,
            task_id: self.claimed.job.task_id,
            since: self.context.clock.now(),
        });
        let begun = self.context.clock.monotonic();
        let (end, task) = match self.assignment.clone() {
            _ if slot.is_none() => (End::BrokenOff(WAITED), None),
            Assignment::Runs { task, runtime, .. } => {
                let end = self.supervise(Arc::clone(&task), runtime).await;
                (end, Some(task))
            }
            Assignment::Impossible { reason } => {
                let failure = TaskError::of(TaskErrorKind::Definition, reason);
                (End::Failed(failure), None)
            }
            Assignment::Unreadable { reason } => (End::Failed(TaskError::failed(reason)), None),
            Assignment::Unknown => (End::BrokenOff(STOPPED), None),
        };
        let elapsed = self.context.clock.monotonic().saturating_sub(begun);
        let outcome = self.conclude(end, task.as_deref(), elapsed);
        drop((active, slot, held));
        if self.notice.is_terminated() {
            // The job was taken away, and is final or another's by now. Who found that out may not have told of it yet.
            if let Some(facts) = self.context.open_executions.take_facts(self.claimed.execution_id) {
                self.context.tell_of_lost(facts).await;
            }
            self.context.open_executions.forget(self.claimed.execution_id);
        } else {
            settler::submit(&outcomes, outcome).await;
        }
        drop(unsettled);
    }

    /// A slot to run in; `None` when the job is not to run here any more.
    async fn slot(&self, slots: Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            return Some(slot);
        }
        tokio::select! {
            biased;
            slot = slots.acquire_owned() => Some(slot.expect("the semaphore is never closed")),
            () = self.notice.posted() => None,
            () = self.watch.reached(Phase::Draining) => None,
            () = self.context.clock.sleep(PATIENCE) => None,
        }
    }

    async fn supervise(&mut self, task: Arc<TaskDefinition>, runtime: Arc<dyn TaskExecutor>) -> End {
        let timeout = self.timeout(&task);
        let stop = StopSource::default();
        let request = self.request(&task, timeout, stop.token());
        let validator = Arc::clone(&self.context.validator);
        let grace = runtime.stop_grace();
        let mut running = tokio::spawn(async move { execute(&*runtime, &*validator, request).await });
        let monitor = Arc::clone(&self.monitor);
        let clock = Arc::clone(&self.context.clock);
        let following = async {
            clock.sleep(FOLLOWED_AFTER).await;
            monitor.follow();
            std::future::pending::<()>().await;
        };
        let (instead, grace) = tokio::select! {
            biased;
            ended = &mut running => return ended_by_itself(ended),
            () = following => unreachable!("it does not end"),
            () = self.notice.posted() => {
                info!(
                    job.id = %self.claimed.job.id,
                    execution.id = %self.claimed.execution_id,
                    "a running job is called off"
                );
                (End::BrokenOff(STOPPED), grace)
            }
            () = self.context.clock.sleep(timeout) => {
                let told = format!("timed out after {} s", timeout.as_secs());
                (End::Failed(TaskError::of(TaskErrorKind::Timeout, told)), grace)
            }
            // The server's own patience is used up already.
            () = self.watch.reached(Phase::BreakingOff) => (End::BrokenOff(STOPPED), Duration::ZERO),
        };
        stop.stop();
        match self.break_off(running, grace).await {
            // What a task answers to being stopped says less than why it was.
            Some(End::Returned(output)) => End::Returned(output),
            Some(End::Failed(failure)) if failure.kind == TaskErrorKind::Panic => End::Failed(failure),
            Some(End::Failed(_) | End::BrokenOff(_)) | None => instead,
        }
    }

    /// Lets a task that was told to stop end within `grace`, then aborts it. `None` when it was aborted.
    async fn break_off(
        &self,
        mut running: JoinHandle<Result<Value, TaskError>>,
        grace: Duration,
    ) -> Option<End> {
        if !grace.is_zero() {
            tokio::select! {
                biased;
                ended = &mut running => return Some(ended_by_itself(ended)),
                () = self.context.clock.sleep(grace) => {}
                () = self.watch.reached(Phase::GivingUp) => {}
            }
        }
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

    /// The job's own timeout, or its task's, or the server's.
    fn timeout(&self, task: &TaskDefinition) -> Duration {
        self.claimed
            .job
            .timeout_seconds
            .or(task.limits.timeout_seconds)
            .map_or(self.context.config.default_timeout, |seconds| {
                Duration::from_secs(seconds.into())
            })
    }

    fn request(&mut self, task: &Arc<TaskDefinition>, timeout: Duration, stop: StopToken) -> TaskRequest {
        let job = &mut self.claimed.job;
        TaskRequest {
            task: Arc::clone(task),
            input: job.input.take(),
            context: TaskContext {
                execution_id: self.claimed.execution_id,
                job_id: job.id,
                task_id: job.task_id,
                task_version: task.version.clone(),
                scheduled_for: job.scheduled_for,
                attempt: job.attempts,
            },
            limits: RunLimits {
                timeout,
                memory_bytes: task.limits.memory_bytes,
            },
            monitor: Arc::new(Listener(Arc::clone(&self.monitor))) as Arc<dyn TaskMonitor>,
            stop,
        }
    }

    /// Decides what the end of the run means for the job.
    fn conclude(&self, end: End, task: Option<&TaskDefinition>, elapsed: Duration) -> AttemptOutcome {
        let now = self.context.clock.now();
        let mut error_kind = None;
        let result = match end {
            End::Returned(output) => AttemptResult::Succeeded { output },
            End::BrokenOff(reason) => AttemptResult::HandedBack {
                reason: reason.to_owned(),
            },
            End::Failed(failure) => {
                error_kind = Some(failure.kind);
                self.after_failure(failure, task, now)
            }
        };
        let result = self.notice.instead_of(result);
        AttemptOutcome {
            job_id: self.claimed.job.id,
            execution_id: self.claimed.execution_id,
            node: self.context.node,
            deliveries: result_deliveries::of(&self.claimed, task, &result, now),
            result,
            error_kind,
            log: self.monitor.take_said().lines,
            ended_at: now,
            duration: TimeDelta::from_std(elapsed).unwrap_or(TimeDelta::MAX),
        }
    }

    fn after_failure(
        &self,
        failure: TaskError,
        task: Option<&TaskDefinition>,
        now: DateTime<Utc>,
    ) -> AttemptResult {
        let job = &self.claimed.job;
        let policy = task.and_then(|task| task.retry.as_ref());
        let policy = policy.unwrap_or(&self.context.config.retry);
        let random = fastrand::f64();
        let most = job.max_retries.unwrap_or(policy.max_retries);
        let wait = policy.next_try(&failure, job.retry_count, most, random);
        let TaskError { kind, message, .. } = failure;
        warn!(
            job.id = %job.id,
            task.id = %job.task_id,
            attempt = job.attempts,
            retries = wait.is_some(),
            kind = kind.as_str(),
            error = message,
            "an attempt failed"
        );
        match wait {
            Some(wait) => AttemptResult::Retry {
                error: message,
                run_after: now + TimeDelta::from_std(wait).expect("a backoff is of a week at the most"),
            },
            None => AttemptResult::Failed { error: message },
        }
    }
}

/// Runs the task on an input that suits it, and sees that its output does.
async fn execute(
    runtime: &dyn TaskExecutor,
    validator: &dyn TaskValidator,
    request: TaskRequest,
) -> Result<Value, TaskError> {
    let task = Arc::clone(&request.task);
    let issues = validator.validate_input(&task, &request.input);
    if !issues.is_empty() {
        let told = format!("the input does not suit the task: {}", listed(&issues));
        return Err(TaskError::of(TaskErrorKind::Input, told));
    }
    let output = runtime.execute(request).await?;
    let issues = validator.validate_output(&task, &output);
    if !issues.is_empty() {
        let told = format!("the output is not what the task promises: {}", listed(&issues));
        return Err(TaskError::of(TaskErrorKind::Output, told));
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

fn ended_by_itself(ended: Result<Result<Value, TaskError>, JoinError>) -> End {
    match ended {
        Ok(Ok(output)) => End::Returned(output),
        Ok(Err(failure)) => End::Failed(failure),
        Err(failure) => match failure.try_into_panic() {
            Ok(payload) => {
                let told = reason::of_panic(payload.as_ref());
                End::Failed(TaskError::of(TaskErrorKind::Panic, told))
            }
            // Nobody but the async runtime can have cancelled it, which it does when it shuts down.
            Err(_) => End::BrokenOff(STOPPED),
        },
    }
}
