//! What the scheduler tells of what it has committed.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Event, EventSink, JobEvent, JobStatus, ManualRuns, ScheduleEvent, ScheduleId, ScheduleTransition,
    TickEvent, TickFiring, TickOutcome, TickRecord,
};

/// Tells of decisions on due ticks, all of one transaction.
pub(crate) fn tell_of_firings<'a>(
    sink: &dyn EventSink,
    firings: impl IntoIterator<Item = &'a TickFiring>,
    at: DateTime<Utc>,
) {
    if !sink.listens() {
        return;
    }
    let mut events = Vec::new();
    for firing in firings {
        let schedule = |change| {
            Event::Schedule(ScheduleEvent {
                next_run: firing.next_run,
                ..ScheduleEvent::bare(firing.schedule_id, change, at)
            })
        };
        if firing.resumes {
            events.push(schedule(ScheduleTransition::Resumed));
        }
        for record in &firing.records {
            push_record(&mut events, firing.schedule_id, record, at);
        }
        if firing.next_run.is_none() {
            events.push(schedule(ScheduleTransition::Completed));
        }
    }
    sink.emit(&events);
}

/// Tells of runs that somebody asked for.
pub(crate) fn tell_of_manual_runs(sink: &dyn EventSink, runs: &ManualRuns) {
    if !sink.listens() {
        return;
    }
    let mut events = Vec::with_capacity(2 * runs.runs.len());
    for run in &runs.runs {
        let record = TickRecord {
            scheduled_for: run.instant,
            through: run.instant,
            count: 1,
            outcome: runs.outcome,
            reason: Some(runs.reason.clone()),
            job_id: Some(run.job_id),
            lateness: (runs.decided_at - run.instant).max(TimeDelta::zero()),
            decided_at: runs.decided_at,
        };
        push_record(&mut events, runs.schedule_id, &record, runs.decided_at);
    }
    sink.emit(&events);
}

/// Tells of one schedule's change.
pub(crate) fn tell_of_schedule(sink: &dyn EventSink, event: impl FnOnce() -> ScheduleEvent) {
    if sink.listens() {
        sink.emit(&[Event::Schedule(event())]);
    }
}

fn push_record(events: &mut Vec<Event>, schedule_id: ScheduleId, record: &TickRecord, at: DateTime<Utc>) {
    events.push(Event::Tick(TickEvent {
        schedule_id,
        record: record.clone(),
        at,
    }));
    let status = match record.outcome {
        TickOutcome::Fired | TickOutcome::Triggered | TickOutcome::Backfilled => JobStatus::Queued,
        TickOutcome::Buffered => JobStatus::Buffered,
        TickOutcome::Coalesced
        | TickOutcome::SkippedOverlap
        | TickOutcome::SkippedMisfire
        | TickOutcome::SkippedPaused
        | TickOutcome::Excluded
        | TickOutcome::FailedToCreate => return,
    };
    if let Some(job_id) = record.job_id {
        events.push(Event::Job(JobEvent {
            schedule_id: Some(schedule_id),
            scheduled_for: Some(record.scheduled_for),
            queued_at: Some(record.decided_at),
            ..JobEvent::bare(job_id, status, at)
        }));
    }
}
