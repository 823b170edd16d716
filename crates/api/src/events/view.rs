use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    DeletionEvent, DeliveryEvent, Event, ExecutionEvent, JobEvent, ScheduleEvent, TickEvent, TickRecord,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::executions::Standing;
use crate::named::{
    DeletedName, DeliveryStatusName, JobStatusName, Name, ScheduleTransitionName, TaskErrorKindName,
    TickOutcomeName,
};

/// What happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
#[schema(as = Event)]
pub(crate) enum EventView {
    /// It was decided what becomes of a tick.
    Tick(TickEventView),
    /// A job was created, or changed its state.
    Job(JobEventView),
    /// An attempt at a job was started, or ended.
    Execution(ExecutionEventView),
    /// An attempt to deliver a result is over.
    Delivery(DeliveryEventView),
    /// A schedule was changed.
    Schedule(ScheduleEventView),
    /// A job or an execution was deleted, or many jobs at once.
    Deletion(DeletionEventView),
    /// Events are missing here: read again what you show.
    Gap(GapView),
}

/// It was decided what becomes of a tick; where very many in a row had the same outcome, of all of them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TickEvent, example = json!({
    "scheduleId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "scheduledFor": "2026-03-27T12:00:00Z",
    "through": "2026-03-27T12:00:00Z", "count": 1, "outcome": "FIRED", "reason": null,
    "jobId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072", "latenessSeconds": 0.00031, "at": "2026-03-27T12:00:00.002114Z"
}))]
pub(crate) struct TickEventView {
    /// The schedule whose tick it is.
    schedule_id: Uuid,
    /// The first nominal instant.
    scheduled_for: DateTime<Utc>,
    /// The last nominal instant.
    through: DateTime<Utc>,
    /// How many ticks there are from the first to the last.
    count: u64,
    /// What became of it.
    outcome: TickOutcomeName,
    /// Why, in words, where the outcome alone does not say it.
    reason: Option<String>,
    /// The job that the tick became or was merged into.
    job_id: Option<Uuid>,
    /// How long after it was due it was decided on.
    lateness_seconds: f64,
    /// When that was on disk.
    at: DateTime<Utc>,
}

/// A job was created, or changed its state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobEvent, example = json!({
    "jobId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072", "taskId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6073",
    "scheduleId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "scheduledFor": "2026-03-27T12:00:00Z",
    "from": "PROCESSING", "status": "COMPLETED", "at": "2026-03-27T12:00:01.5Z"
}))]
pub(crate) struct JobEventView {
    /// The job.
    job_id: Uuid,
    /// Null where whoever changed it does not know, as who decides on ticks.
    task_id: Option<Uuid>,
    /// The schedule that made it; null if none did or that is not known.
    schedule_id: Option<Uuid>,
    /// The nominal tick that it stands for.
    scheduled_for: Option<DateTime<Utc>>,
    /// What it was; null for one that is new, or where that is not known.
    from: Option<JobStatusName>,
    /// What it is now.
    status: JobStatusName,
    /// When it happened.
    at: DateTime<Utc>,
}

/// An attempt at a job was started, or ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExecutionEvent, example = json!({
    "executionId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6074", "jobId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072",
    "taskId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6073", "scheduleId": null, "attempt": 1, "status": "FAILED",
    "startedAt": "2026-03-27T12:00:00Z", "durationMs": 1500.25, "errorKind": "TIMEOUT", "at": "2026-03-27T12:00:01.5Z"
}))]
pub(crate) struct ExecutionEventView {
    /// The execution.
    execution_id: Uuid,
    /// The job of which it is an attempt.
    job_id: Uuid,
    /// The task that it runs.
    task_id: Uuid,
    /// The schedule whose job that is, if it is one's.
    schedule_id: Option<Uuid>,
    /// Which attempt at the job it is, from 1.
    attempt: u32,
    /// How far it is.
    status: Standing,
    /// When it began.
    started_at: DateTime<Utc>,
    /// How long it ran, in milliseconds.
    duration_ms: Option<f64>,
    /// What kind of failure its end is, if it is one.
    error_kind: Option<TaskErrorKindName>,
    /// When it happened.
    at: DateTime<Utc>,
}

/// An attempt to deliver a result is over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryEvent, example = json!({
    "deliveryId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6075", "jobId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072",
    "executionId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6074", "scheduleId": null, "destinationType": "webhook",
    "attempt": 1, "status": "DELIVERED", "durationMs": 83.2, "at": "2026-03-27T12:00:01.6Z"
}))]
pub(crate) struct DeliveryEventView {
    /// The delivery.
    delivery_id: Uuid,
    /// The job whose result it is.
    job_id: Uuid,
    /// The execution whose result it is.
    execution_id: Uuid,
    /// The schedule whose job that is, if it is one's.
    schedule_id: Option<Uuid>,
    /// What kind of destination it is for.
    destination_type: &'static str,
    /// Which attempt it was, from 1.
    attempt: u32,
    /// PENDING if it is tried again.
    status: DeliveryStatusName,
    /// How long the attempt took, in milliseconds.
    duration_ms: f64,
    /// When it happened.
    at: DateTime<Utc>,
}

/// A schedule was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleEvent, example = json!({
    "scheduleId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "name": "nightly-import",
    "taskId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6073", "change": "PAUSED", "nextRun": "2026-03-28T03:00:00Z",
    "at": "2026-03-27T12:00:00Z"
}))]
pub(crate) struct ScheduleEventView {
    /// The schedule.
    schedule_id: Uuid,
    /// Null where whoever changed it does not know.
    name: Option<String>,
    /// Null where whoever changed it does not know.
    task_id: Option<Uuid>,
    /// What was done with it.
    change: ScheduleTransitionName,
    /// Its next tick, as far as is known.
    next_run: Option<DateTime<Utc>>,
    /// When it happened.
    at: DateTime<Utc>,
}

/// A job that had ended was deleted, with its executions, logs and deliveries; or an execution, with its log and deliveries;
/// or all jobs of a task with it; or old jobs by retention. Of many jobs it is told how many they were, and not which.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeletionEvent, example = json!({
    "deleted": "JOB", "count": 1, "jobId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6072", "executionId": null,
    "taskId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6073", "scheduleId": "0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "at": "2026-03-27T12:00:00Z"
}))]
pub(crate) struct DeletionEventView {
    /// What was deleted.
    deleted: DeletedName,
    /// How many jobs, or executions.
    count: u64,
    /// The job, or that of the execution; null for many, or where that is not known.
    job_id: Option<Uuid>,
    /// The execution, if it was one.
    execution_id: Option<Uuid>,
    /// Whose task it was; null where many had several, or that is not known.
    task_id: Option<Uuid>,
    /// The schedule that had made the job; null if none had, for many, or where that is not known.
    schedule_id: Option<Uuid>,
    /// When it happened.
    at: DateTime<Utc>,
}

/// Events are missing here: read again what you show.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventGap, example = json!({"reason": "FELL_BEHIND", "missed": 512}))]
pub(crate) struct GapView {
    /// Why they are missing.
    reason: GapReason,
    /// How many, whatever the filter; null where that is not known.
    missed: Option<u64>,
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum GapReason {
    /// The client came back later than events are kept.
    TooOld,
    /// The client came from an earlier run of the server.
    Restarted,
    /// The client reads more slowly than events come.
    FellBehind,
}

impl EventView {
    pub(crate) const fn gap(reason: GapReason, missed: Option<u64>) -> Self {
        Self::Gap(GapView { reason, missed })
    }
}

fn milliseconds(duration: chrono::TimeDelta) -> f64 {
    duration.as_seconds_f64() * 1_000.0
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        match event {
            Event::Tick(event) => Self::Tick(event.into()),
            Event::Job(event) => Self::Job(event.into()),
            Event::Execution(event) => Self::Execution(event.into()),
            Event::Delivery(event) => Self::Delivery(event.into()),
            Event::Schedule(event) => Self::Schedule(event.into()),
            Event::Deletion(event) => Self::Deletion(event.into()),
        }
    }
}

impl From<TickEvent> for TickEventView {
    fn from(event: TickEvent) -> Self {
        let TickEvent {
            schedule_id,
            record,
            after: _,
            at,
        } = event;
        let TickRecord {
            scheduled_for,
            through,
            count,
            outcome,
            reason,
            job_id,
            lateness,
            decided_at: _,
        } = record;
        Self {
            schedule_id: schedule_id.as_uuid(),
            scheduled_for,
            through,
            count,
            outcome: Name(outcome),
            reason: reason.map(|reason| reason.to_string()),
            job_id: job_id.map(|id| id.as_uuid()),
            lateness_seconds: lateness.as_seconds_f64(),
            at,
        }
    }
}

impl From<JobEvent> for JobEventView {
    fn from(event: JobEvent) -> Self {
        let JobEvent {
            job_id,
            task_id,
            schedule_id,
            scheduled_for,
            from,
            status,
            queued_at: _,
            caller: _,
            at,
        } = event;
        Self {
            job_id: job_id.as_uuid(),
            task_id: task_id.map(|id| id.as_uuid()),
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            scheduled_for,
            from: from.map(Name),
            status: Name(status),
            at,
        }
    }
}

impl From<ExecutionEvent> for ExecutionEventView {
    fn from(event: ExecutionEvent) -> Self {
        let ExecutionEvent {
            execution_id,
            job_id,
            task_id,
            schedule_id,
            attempt,
            status,
            runnable_since: _,
            started_at,
            duration,
            error_kind,
            at,
        } = event;
        Self {
            execution_id: execution_id.as_uuid(),
            job_id: job_id.as_uuid(),
            task_id: task_id.as_uuid(),
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            attempt,
            status: status.into(),
            started_at,
            duration_ms: duration.map(milliseconds),
            error_kind: error_kind.map(Name),
            at,
        }
    }
}

impl From<DeliveryEvent> for DeliveryEventView {
    fn from(event: DeliveryEvent) -> Self {
        let DeliveryEvent {
            delivery_id,
            job_id,
            execution_id,
            schedule_id,
            destination,
            attempt,
            status,
            started_at: _,
            duration,
            at,
        } = event;
        Self {
            delivery_id: delivery_id.as_uuid(),
            job_id: job_id.as_uuid(),
            execution_id: execution_id.as_uuid(),
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            destination_type: destination,
            attempt,
            status: Name(status),
            duration_ms: milliseconds(duration),
            at,
        }
    }
}

impl From<ScheduleEvent> for ScheduleEventView {
    fn from(event: ScheduleEvent) -> Self {
        let ScheduleEvent {
            schedule_id,
            name,
            task_id,
            change,
            next_run,
            at,
        } = event;
        Self {
            schedule_id: schedule_id.as_uuid(),
            name: name.map(|name| name.to_string()),
            task_id: task_id.map(|id| id.as_uuid()),
            change: Name(change),
            next_run,
            at,
        }
    }
}

impl From<DeletionEvent> for DeletionEventView {
    fn from(event: DeletionEvent) -> Self {
        let DeletionEvent {
            deleted,
            count,
            job_id,
            execution_id,
            task_id,
            schedule_id,
            at,
        } = event;
        Self {
            deleted: Name(deleted),
            count,
            job_id: job_id.map(|id| id.as_uuid()),
            execution_id: execution_id.map(|id| id.as_uuid()),
            task_id: task_id.map(|id| id.as_uuid()),
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            at,
        }
    }
}
