//! What the scheduler tells of what it has committed.

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AdjustedFiring, CommittedFirings, CommittedRuns, Deleted, DeletionEvent, Event, EventSink, FiringOutcome,
    FollowerTick, JobEvent, JobId, JobStatus, ManualRuns, ScheduleEvent, ScheduleId, ScheduleTransition,
    TickEvent, TickFiring, TickOutcome, TickRecord,
};

/// Tells of decisions on due ticks, all of one transaction, and of what came of it besides.
pub(crate) fn tell_of_firings(
    sink: &dyn EventSink,
    decided: &[TickFiring],
    committed: &CommittedFirings,
    at: DateTime<Utc>,
) {
    if !sink.listens() {
        return;
    }
    let CommittedFirings {
        outcomes,
        followers,
        changed,
    } = committed;
    // Jobs that gave way did so before those that took their places were made.
    let mut events: Vec<Event> = changed.iter().copied().map(Event::Job).collect();
    for (decided, outcome) in decided.iter().zip(outcomes) {
        match outcome {
            FiringOutcome::Committed => push_firing(&mut events, decided, &[], at),
            FiringOutcome::Adjusted(adjusted) => {
                let AdjustedFiring {
                    firing,
                    aside,
                    stops_jobs: _,
                } = &**adjusted;
                push_firing(&mut events, firing, aside, at);
            }
            FiringOutcome::Stale => {}
        }
    }
    push_followers(&mut events, followers, at);
    sink.emit(&events);
}

/// Tells of runs that somebody asked for.
pub(crate) fn tell_of_manual_runs(sink: &dyn EventSink, runs: &ManualRuns, committed: &CommittedRuns) {
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
        push_record(&mut events, runs.schedule_id, &record, None, runs.decided_at);
    }
    push_followers(&mut events, &committed.followers, runs.decided_at);
    sink.emit(&events);
}

/// Tells of one schedule's change.
pub(crate) fn tell_of_schedule(sink: &dyn EventSink, event: impl FnOnce() -> ScheduleEvent) {
    if sink.listens() {
        sink.emit(&[Event::Schedule(event())]);
    }
}

/// Tells that so many jobs were deleted because they are not kept any more.
pub(crate) fn tell_of_old_jobs(sink: &dyn EventSink, jobs: u64, at: DateTime<Utc>) {
    if sink.listens() {
        sink.emit(&[Event::Deletion(DeletionEvent::of(Deleted::OldJobs, jobs, at))]);
    }
}

/// Tells of jobs that were cancelled with their schedules, and of those after them.
pub(crate) fn tell_of_jobs(sink: &dyn EventSink, changed: &[JobEvent], at: DateTime<Utc>) {
    if sink.listens() && !changed.is_empty() {
        let jobs = changed.iter().map(|job| Event::Job(JobEvent { at, ..*job }));
        sink.emit(&jobs.collect::<Vec<_>>());
    }
}

/// Adds a decision. Of the ticks aside it is told that they were decided on: their jobs there were before.
fn push_firing(events: &mut Vec<Event>, firing: &TickFiring, aside: &[TickRecord], at: DateTime<Utc>) {
    let schedule = |change| {
        Event::Schedule(ScheduleEvent {
            next_run: firing.next_run,
            ..ScheduleEvent::bare(firing.schedule_id, change, at)
        })
    };
    if firing.resumes {
        events.push(schedule(ScheduleTransition::Resumed));
    }
    for record in aside {
        events.push(tick(firing.schedule_id, record, None, at));
    }
    for record in &firing.records {
        push_record(events, firing.schedule_id, record, None, at);
    }
    if firing.next_run.is_none() {
        events.push(schedule(ScheduleTransition::Completed));
    }
}

fn push_followers(events: &mut Vec<Event>, followers: &[FollowerTick], at: DateTime<Utc>) {
    for follower in followers {
        let FollowerTick {
            schedule_id,
            record,
            after,
            resumes,
        } = follower;
        if *resumes {
            let resumed = ScheduleEvent::bare(*schedule_id, ScheduleTransition::Resumed, at);
            events.push(Event::Schedule(resumed));
        }
        push_record(events, *schedule_id, record, Some(*after), at);
    }
}

/// Adds a tick, and its job if it has one of its own. A job that is `after` another waits for that.
fn push_record(
    events: &mut Vec<Event>,
    schedule_id: ScheduleId,
    record: &TickRecord,
    after: Option<JobId>,
    at: DateTime<Utc>,
) {
    events.push(tick(schedule_id, record, after, at));
    let status = match record.outcome {
        TickOutcome::Fired | TickOutcome::Triggered | TickOutcome::Backfilled if after.is_some() => {
            JobStatus::Blocked
        }
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
            ..JobEvent::bare(job_id, status, record.decided_at)
        }));
    }
}

fn tick(schedule_id: ScheduleId, record: &TickRecord, after: Option<JobId>, at: DateTime<Utc>) -> Event {
    Event::Tick(TickEvent {
        schedule_id,
        record: record.clone(),
        after,
        at,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use ratchet_interfaces::SchedulePolicies;

    use super::*;

    /// What was told.
    #[derive(Default)]
    pub(crate) struct Heard(pub(crate) Mutex<Vec<Event>>);

    impl EventSink for Heard {
        fn emit(&self, events: &[Event]) {
            self.0.lock().unwrap().extend_from_slice(events);
        }
    }

    fn record(outcome: TickOutcome, job: Option<JobId>) -> TickRecord {
        let at = DateTime::UNIX_EPOCH;
        TickRecord {
            scheduled_for: at,
            through: at,
            count: 1,
            outcome,
            reason: None,
            job_id: job,
            lateness: TimeDelta::zero(),
            decided_at: at,
        }
    }

    fn firing(records: Vec<TickRecord>) -> TickFiring {
        let at = DateTime::UNIX_EPOCH;
        TickFiring {
            schedule_id: ScheduleId::new(),
            expected_timing_version: 1,
            expected_next_run: at,
            policies: SchedulePolicies::default(),
            records,
            next_run: Some(at + TimeDelta::minutes(1)),
            completion: None,
            resumes: false,
            decided_at: at,
        }
    }

    /// In words, in the order in which it is told.
    fn told(decided: &[TickFiring], committed: &CommittedFirings) -> Vec<String> {
        let heard = Heard::default();
        tell_of_firings(
            &heard,
            decided,
            committed,
            DateTime::UNIX_EPOCH + TimeDelta::seconds(1),
        );
        let events = std::mem::take(&mut *heard.0.lock().unwrap());
        let words = events.iter().map(|event| match event {
            Event::Tick(tick) => format!("{} tick", tick.record.outcome),
            Event::Job(job) => format!("{} job", job.status),
            Event::Schedule(schedule) => format!("{} schedule", schedule.change),
            other => panic!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn jobs_that_gave_way_are_told_of_first_and_followers_last() {
        let job = JobId::new();
        let decided = [firing(vec![record(TickOutcome::Fired, Some(job))])];
        let follower = |outcome, resumes, of: Option<JobId>| FollowerTick {
            schedule_id: ScheduleId::new(),
            record: record(outcome, of),
            after: job,
            resumes,
        };
        let committed = CommittedFirings {
            outcomes: vec![FiringOutcome::Committed],
            followers: vec![
                follower(TickOutcome::Fired, true, Some(JobId::new())),
                follower(TickOutcome::SkippedPaused, false, None),
            ],
            changed: vec![JobEvent::bare(
                JobId::new(),
                JobStatus::Cancelled,
                DateTime::UNIX_EPOCH,
            )],
        };
        assert_eq!(
            told(&decided, &committed),
            [
                "cancelled job",
                "fired tick",
                "queued job",
                "resumed schedule",
                "fired tick",
                "blocked job",
                "skipped_paused tick"
            ]
        );
    }

    #[test]
    fn a_tick_whose_job_there_was_before_is_told_of_without_a_job() {
        let before = record(TickOutcome::Fired, Some(JobId::new()));
        let planned = firing(vec![record(TickOutcome::Fired, Some(JobId::new()))]);
        let written = TickFiring {
            records: Vec::new(),
            ..planned.clone()
        };
        let committed = CommittedFirings {
            outcomes: vec![FiringOutcome::Adjusted(Box::new(AdjustedFiring {
                firing: written,
                aside: vec![before],
                stops_jobs: false,
            }))],
            ..CommittedFirings::default()
        };
        assert_eq!(told(std::slice::from_ref(&planned), &committed), ["fired tick"]);
        let stale = CommittedFirings {
            outcomes: vec![FiringOutcome::Stale],
            ..CommittedFirings::default()
        };
        assert_eq!(told(&[planned], &stale), [""; 0]);
    }
}
