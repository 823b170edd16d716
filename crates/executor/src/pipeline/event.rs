//! What the pipeline tells of what it has committed.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimedJob, Event, EventSink, Execution, ExecutionEvent, ExecutionId,
    ExecutionStatus, JobEvent, JobId, JobStatus, ScheduleId, SettleOutcome, TaskId, with_causes,
};
use tracing::warn;

use super::Context;

/// What is to be told of an execution whenever it is told of: kept from its claim on, as long as it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    execution_id: ExecutionId,
    job_id: JobId,
    task_id: TaskId,
    schedule_id: Option<ScheduleId>,
    scheduled_for: Option<DateTime<Utc>>,
    attempt: u32,
    queued_at: DateTime<Utc>,
    runnable_since: DateTime<Utc>,
    started_at: DateTime<Utc>,
}

impl Facts {
    pub(super) fn of(claimed: &ClaimedJob, at: DateTime<Utc>) -> Self {
        let job = &claimed.job;
        Self {
            execution_id: claimed.execution_id,
            job_id: job.id,
            task_id: job.task_id,
            schedule_id: job.schedule_id,
            scheduled_for: job.scheduled_for,
            attempt: job.attempts,
            queued_at: job.queued_at,
            runnable_since: job.run_after.max(job.queued_at),
            started_at: job.started_at.unwrap_or(at),
        }
    }

    fn job(&self, from: Option<JobStatus>, status: JobStatus, at: DateTime<Utc>) -> Event {
        Event::Job(JobEvent {
            job_id: self.job_id,
            task_id: Some(self.task_id),
            schedule_id: self.schedule_id,
            scheduled_for: self.scheduled_for,
            from,
            status,
            queued_at: Some(self.queued_at),
            caller: None,
            at,
        })
    }

    fn execution(&self, status: ExecutionStatus, at: DateTime<Utc>) -> ExecutionEvent {
        ExecutionEvent {
            execution_id: self.execution_id,
            job_id: self.job_id,
            task_id: self.task_id,
            schedule_id: self.schedule_id,
            attempt: self.attempt,
            status,
            runnable_since: self.runnable_since,
            started_at: self.started_at,
            duration: None,
            error_kind: None,
            at,
        }
    }

    /// Adds that the execution ended like this, and what that made of its job.
    pub(super) fn push_end(&self, events: &mut Vec<Event>, outcome: &AttemptOutcome, settled: SettleOutcome) {
        let (execution, otherwise) = statuses(&outcome.result);
        let job = match settled {
            SettleOutcome::CalledOff => JobStatus::Cancelled,
            SettleOutcome::Settled | SettleOutcome::LeaseLost => otherwise,
        };
        events.push(Event::Execution(ExecutionEvent {
            duration: Some(outcome.duration),
            error_kind: outcome.error_kind,
            ..self.execution(execution, outcome.ended_at)
        }));
        events.push(self.job(Some(JobStatus::Processing), job, outcome.ended_at));
    }

    fn push_start(&self, events: &mut Vec<Event>) {
        // A later attempt follows a failure or a return to the queue: which one, the claim does not say.
        let from = (self.attempt == 1).then_some(JobStatus::Queued);
        events.push(self.job(from, JobStatus::Processing, self.started_at));
        events.push(Event::Execution(
            self.execution(ExecutionStatus::Running, self.started_at),
        ));
    }

    fn push_taken(&self, events: &mut Vec<Event>, execution: &Execution, at: DateTime<Utc>) {
        let at = execution.completed_at.unwrap_or(at);
        events.push(Event::Execution(ExecutionEvent {
            duration: execution.duration,
            error_kind: execution.error_kind,
            ..self.execution(execution.status, at)
        }));
        if execution.status == ExecutionStatus::Cancelled {
            events.push(self.job(Some(JobStatus::Processing), JobStatus::Cancelled, at));
        }
    }
}

/// What the execution and its job are after an attempt that came to this.
const fn statuses(result: &AttemptResult) -> (ExecutionStatus, JobStatus) {
    match result {
        AttemptResult::Succeeded { .. } => (ExecutionStatus::Completed, JobStatus::Completed),
        AttemptResult::Retry { .. } => (ExecutionStatus::Failed, JobStatus::Retrying),
        AttemptResult::Failed { .. } => (ExecutionStatus::Failed, JobStatus::Failed),
        AttemptResult::Cancelled { .. } => (ExecutionStatus::Cancelled, JobStatus::Cancelled),
        AttemptResult::HandedBack { .. } => (ExecutionStatus::Cancelled, JobStatus::Queued),
    }
}

/// Tells that executions were opened, and what the claim changed besides.
pub(super) fn tell_of_starts(sink: &dyn EventSink, opened: &[Facts], changed: &[JobEvent]) {
    let mut events = Vec::with_capacity(2 * opened.len() + changed.len());
    events.extend(changed.iter().copied().map(Event::Job));
    for facts in opened {
        facts.push_start(&mut events);
    }
    if !events.is_empty() {
        sink.emit(&events);
    }
}

impl Context {
    /// Tells of an execution whose job was cancelled and taken from it, unless that was told. One that has ended in
    /// another way is left to who settles it.
    pub(super) async fn tell_if_called_off(&self, id: ExecutionId) {
        if self.open_executions.has_facts(id)
            && let Some(execution) = self.ended_execution(id).await
            && execution.status == ExecutionStatus::Cancelled
            && let Some(facts) = self.open_executions.take_facts(id)
        {
            self.tell_of_taken(facts, &execution);
        }
    }

    /// Tells of an execution that is not this process's any more, as its row says.
    pub(super) async fn tell_of_lost(&self, facts: Facts) {
        if let Some(execution) = self.ended_execution(facts.execution_id).await {
            self.tell_of_taken(facts, &execution);
        }
    }

    fn tell_of_taken(&self, facts: Facts, execution: &Execution) {
        let mut events = Vec::new();
        facts.push_taken(&mut events, execution, self.clock.now());
        self.events.emit(&events);
    }

    async fn ended_execution(&self, id: ExecutionId) -> Option<Execution> {
        match self.executions.execution_find(id).await {
            Ok(found) => found.filter(|execution| execution.status != ExecutionStatus::Running),
            Err(failure) => {
                warn!(
                    execution.id = %id,
                    error = %with_causes(&failure),
                    "it cannot be told how an execution ended that was taken away"
                );
                None
            }
        }
    }
}
