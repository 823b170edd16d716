//! What becomes a span of what. Inputs, outputs, errors and destinations' addresses are in no event, and so in no span.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use ratchet_interfaces::{
    DeliveryEvent, DeliveryStatus, Event, ExecutionEvent, ExecutionStatus, JobEvent, JobId, JobStatus,
    TickEvent,
};

use super::id;

/// A span before it has what all spans have.
struct Draft {
    trace: TraceId,
    id: SpanId,
    parent: SpanId,
    name: &'static str,
    kind: SpanKind,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    status: Status,
    attributes: Vec<KeyValue>,
}

impl Draft {
    fn of(job: JobId, id: SpanId, parent: SpanId, name: &'static str) -> Self {
        Self {
            trace: id::trace(job),
            id,
            parent,
            name,
            kind: SpanKind::Internal,
            from: DateTime::UNIX_EPOCH,
            to: DateTime::UNIX_EPOCH,
            status: Status::Unset,
            attributes: vec![KeyValue::new("ratchet.job.id", job.to_string())],
        }
    }

    fn between(mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> Self {
        // A clock that was set back ends nothing before it began.
        (self.from, self.to) = (from, to.max(from));
        self
    }

    fn with(mut self, name: &'static str, value: impl Into<opentelemetry::Value>) -> Self {
        self.attributes.push(KeyValue::new(name, value));
        self
    }

    fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value.to_string()),
            None => self,
        }
    }

    fn failed_if(mut self, failed: bool, told: &'static str) -> Self {
        if failed {
            self.status = Status::error(told);
        }
        self
    }

    fn finish(self, scope: &InstrumentationScope) -> SpanData {
        SpanData {
            span_context: context(self.trace, self.id),
            parent_span_id: self.parent,
            parent_span_is_remote: false,
            span_kind: self.kind,
            name: self.name.into(),
            start_time: system_time(self.from),
            end_time: system_time(self.to),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: self.status,
            instrumentation_scope: scope.clone(),
        }
    }
}

fn context(trace: TraceId, span: SpanId) -> SpanContext {
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn system_time(instant: DateTime<Utc>) -> SystemTime {
    let since = (instant - DateTime::UNIX_EPOCH)
        .to_std()
        .unwrap_or(Duration::ZERO);
    SystemTime::UNIX_EPOCH + since
}

/// Adds the spans that have ended by what an event tells of, if their traces are among so many percent.
pub(super) fn push(event: &Event, percent: u64, scope: &InstrumentationScope, spans: &mut Vec<SpanData>) {
    let sampled = |job: JobId| id::is_sampled(job, percent);
    match event {
        Event::Tick(event) => {
            if let Some(job) = made_by(event).filter(|job| sampled(*job)) {
                let mut span = tick(event, job).finish(scope);
                // What a follower's job is after has a trace of its own.
                span.links.links.extend(event.after.map(to_job));
                spans.push(span);
            }
        }
        Event::Job(event) => {
            spans.extend(creation(event, scope));
            if sampled(event.job_id)
                && let Some(draft) = job(event)
            {
                spans.push(draft.finish(scope));
            }
        }
        Event::Execution(event) if sampled(event.job_id) => spans.push(execution(event).finish(scope)),
        Event::Delivery(event) if sampled(event.job_id) => spans.push(delivery(event).finish(scope)),
        Event::Execution(_) | Event::Delivery(_) | Event::Schedule(_) | Event::Deletion(_) => {}
    }
}

/// The job that an event's tick became; one that was merged into another's job is not told of.
fn made_by(event: &TickEvent) -> Option<JobId> {
    let record = &event.record;
    let by_hand = record.outcome.is_by_hand();
    record.job_id.filter(|_| record.outcome.is_run() || by_hand)
}

fn tick(event: &TickEvent, job: JobId) -> Draft {
    let record = &event.record;
    // One that is made up for was due long ago: what takes time is the decision.
    let late = if record.outcome.is_by_hand() {
        TimeDelta::zero()
    } else {
        record.lateness
    };
    Draft::of(job, id::tick(job), SpanId::INVALID, "tick")
        .between(record.decided_at - late, event.at)
        .with("ratchet.schedule.id", event.schedule_id.to_string())
        .with("ratchet.tick.scheduled_for", record.scheduled_for.to_rfc3339())
        .with("ratchet.tick.outcome", record.outcome.as_str())
}

/// From its creation to its end.
fn job(event: &JobEvent) -> Option<Draft> {
    let failed = match event.status {
        JobStatus::Completed | JobStatus::Cancelled => false,
        JobStatus::Failed => true,
        JobStatus::Queued
        | JobStatus::Processing
        | JobStatus::Retrying
        | JobStatus::Buffered
        | JobStatus::Blocked => return None,
    };
    let parent = match (event.schedule_id, event.scheduled_for) {
        (Some(_), Some(_)) => id::tick(event.job_id),
        _ => SpanId::INVALID,
    };
    let draft = Draft::of(event.job_id, id::job(event.job_id), parent, "job")
        .between(event.queued_at?, event.at)
        .with("ratchet.job.status", event.status.as_str())
        .with_some("ratchet.task.id", event.task_id)
        .with_some("ratchet.schedule.id", event.schedule_id)
        .failed_if(failed, "failed");
    Some(draft)
}

/// That what has it has to do with a job, in whose trace the rest is.
fn to_job(job: JobId) -> Link {
    Link::with_context(context(id::trace(job), id::job(job)))
}

/// In the trace of whoever created the job: that it was, and which trace is the job's.
fn creation(event: &JobEvent, scope: &InstrumentationScope) -> Option<SpanData> {
    let caller = event.caller.filter(|caller| caller.sampled)?;
    let mut draft = Draft::of(
        event.job_id,
        id::creation(event.job_id),
        SpanId::from_bytes(caller.span_id),
        "create job",
    )
    .between(event.at, event.at)
    .with_some("ratchet.task.id", event.task_id);
    draft.trace = TraceId::from_bytes(caller.trace_id);
    draft.kind = SpanKind::Producer;
    let mut span = draft.finish(scope);
    span.parent_span_is_remote = true;
    span.links.links.push(to_job(event.job_id));
    Some(span)
}

/// When it was claimed, the wait for that; when it ended, its run.
fn execution(event: &ExecutionEvent) -> Draft {
    let (span, name) = match event.status {
        ExecutionStatus::Running => (id::wait(event.execution_id), "queue wait"),
        _ => (id::execution(event.execution_id), "execution"),
    };
    let draft = Draft::of(event.job_id, span, id::job(event.job_id), name)
        .with("ratchet.execution.id", event.execution_id.to_string())
        .with("ratchet.execution.attempt", i64::from(event.attempt))
        .with("ratchet.task.id", event.task_id.to_string());
    if event.status == ExecutionStatus::Running {
        return draft.between(event.runnable_since, event.started_at);
    }
    let began = event.duration.map_or(event.started_at, |ran| event.at - ran);
    let kind = event.error_kind.map_or("failed", |kind| kind.as_str());
    draft
        .between(began, event.at)
        .with("ratchet.execution.status", event.status.as_str())
        .with_some("error.type", event.error_kind)
        .failed_if(event.status == ExecutionStatus::Failed, kind)
}

fn delivery(event: &DeliveryEvent) -> Draft {
    let span = id::delivery(event.delivery_id, event.attempt);
    let parent = id::execution(event.execution_id);
    let mut draft = Draft::of(event.job_id, span, parent, "delivery")
        .between(event.started_at, event.started_at + event.duration)
        .with("ratchet.delivery.id", event.delivery_id.to_string())
        .with("ratchet.delivery.attempt", i64::from(event.attempt))
        .with("ratchet.delivery.destination", event.destination)
        .with("ratchet.delivery.status", event.status.as_str())
        .failed_if(event.status != DeliveryStatus::Delivered, "not delivered");
    draft.kind = SpanKind::Client;
    draft
}
