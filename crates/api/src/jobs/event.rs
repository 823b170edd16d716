//! What is told of changes of the queue that were asked for over the API. It is told by the change itself, which goes
//! through even if whoever asked for it does not wait for the answer.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Event, EventSink, JobEvent, JobId, JobRepository, JobStatus, with_causes};

/// Tells of a job that is on disk now.
pub(super) fn tell(events: &dyn EventSink, job: JobEvent) {
    events.emit(&[Event::Job(job)]);
}

/// Tells of a job that was changed, as its row is now; `bare` where that cannot be read.
pub(super) async fn tell_of_stored(
    events: &dyn EventSink,
    jobs: &dyn JobRepository,
    id: JobId,
    from: Option<JobStatus>,
    bare: JobStatus,
    at: DateTime<Utc>,
) {
    if !events.listens() {
        return;
    }
    let event = match jobs.job_find(id).await {
        Ok(Some(job)) => JobEvent::of(&job, from, at),
        Ok(None) => JobEvent::bare(id, bare, at),
        Err(error) => {
            tracing::warn!(job.id = %id, error = with_causes(&error), "a job that was changed cannot be read");
            JobEvent::bare(id, bare, at)
        }
    };
    tell(events, event);
}
