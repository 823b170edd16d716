//! What is told of changes of the queue that were asked for over the API. It is told by the change itself, which goes
//! through even if whoever asked for it does not wait for the answer.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Event, EventSink, JobEvent, JobId, JobRepository, JobStatus, with_causes};

/// Tells of a job that is on disk now.
pub(super) fn tell(events: &dyn EventSink, job: JobEvent) {
    events.emit(&[Event::Job(job)]);
}

/// Tells of others that have changed by what was done with one.
pub(super) fn tell_of_others(events: &dyn EventSink, changed: &[JobEvent]) {
    if !changed.is_empty() {
        events.emit(&changed.iter().copied().map(Event::Job).collect::<Vec<_>>());
    }
}

/// Tells that a job has become this. What else is told of it, its row says: where it stands it may not say any more.
pub(super) async fn tell_of_stored(
    events: &dyn EventSink,
    jobs: &dyn JobRepository,
    id: JobId,
    status: JobStatus,
    at: DateTime<Utc>,
) {
    if !events.listens() {
        return;
    }
    let event = match jobs.job_find(id).await {
        Ok(Some(job)) => JobEvent {
            status,
            ..JobEvent::of(&job, None, at)
        },
        Ok(None) => JobEvent::bare(id, status, at),
        Err(error) => {
            tracing::warn!(job.id = %id, error = with_causes(&error), "a job that was changed cannot be read");
            JobEvent::bare(id, status, at)
        }
    };
    tell(events, event);
}
