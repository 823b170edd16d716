use std::sync::Arc;

use crate::{AdjustedFiring, JobId, JobStatus, OverlapPolicy, TickFiring, TickOutcome, TickRecord};

/// A job of a schedule that is not final, as the transaction of a tick finds it. Jobs that make up for past ticks do
/// not count: they were asked for beside the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedJob {
    /// The job.
    pub id: JobId,
    /// Where it stands: queued, retrying, buffered or processing.
    pub status: JobStatus,
}

/// What a decision on ticks becomes in view of what the database says of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlapDecision {
    /// The decision as it is to be committed.
    pub adjusted: AdjustedFiring,
    /// Jobs that wait, and are cancelled.
    pub cancelled: Vec<JobId>,
    /// Jobs that run, and are asked to stop.
    pub asked_to_stop: Vec<JobId>,
    /// Jobs that run, and are taken from who runs them.
    pub terminated: Vec<JobId>,
}

/// Whether [`decide_overlap`] can change the decision at all: if not, the transaction needs to look at nothing.
#[must_use]
pub fn asks_for_overlap(firing: &TickFiring) -> bool {
    (firing.policies.overlap != OverlapPolicy::Allow || firing.policies.max_runs.is_some())
        && firing.jobs().next().is_some()
}

/// Decides what becomes of the jobs of a firing, by the schedule's overlap policy and its largest number of runs:
/// `None` if all is as it was decided. `unfinished` are the schedule's jobs in the order of their making; `run_count`
/// is how many of its ticks became jobs before.
///
/// | policy | while a job is unfinished |
/// |---|---|
/// | allow | fired |
/// | skip | skipped |
/// | buffer_one, buffer_all | buffered while there is room, then skipped |
/// | cancel_running | waiting jobs are cancelled; if one runs, it is asked to stop and the tick is buffered, else fired |
/// | terminate_running | waiting jobs are cancelled, running ones are taken away, the tick is fired |
///
/// Of several ticks that were found due together, the two last policies run the latest alone: each would call off the
/// one before.
#[must_use]
pub fn decide_overlap(
    firing: &TickFiring,
    unfinished: &[UnfinishedJob],
    run_count: u64,
) -> Option<OverlapDecision> {
    // Almost every tick: nothing is unfinished, and it is the only one.
    if unfinished.is_empty() && firing.policies.max_runs.is_none() && firing.jobs().nth(1).is_none() {
        return None;
    }
    let mut decision = OverlapDecision {
        adjusted: AdjustedFiring {
            firing: firing.clone(),
            aside: Vec::new(),
            stops_jobs: false,
        },
        cancelled: Vec::new(),
        asked_to_stop: Vec::new(),
        terminated: Vec::new(),
    };
    match firing.policies.overlap {
        OverlapPolicy::Allow => {}
        OverlapPolicy::Skip => wait_in_line(&mut decision.adjusted.firing, unfinished, 0),
        OverlapPolicy::BufferOne => wait_in_line(&mut decision.adjusted.firing, unfinished, 1),
        OverlapPolicy::BufferAll => {
            let limit = firing.policies.buffer_limit;
            wait_in_line(&mut decision.adjusted.firing, unfinished, limit as usize);
        }
        OverlapPolicy::CancelRunning | OverlapPolicy::TerminateRunning => {
            take_over(&mut decision, unfinished)
        }
    }
    limit_runs(&mut decision.adjusted.firing, run_count);
    decision.adjusted.stops_jobs = !(decision.asked_to_stop.is_empty() && decision.terminated.is_empty());
    let called_off = decision.adjusted.stops_jobs || !decision.cancelled.is_empty();
    (called_off || decision.adjusted.firing != *firing).then_some(decision)
}

/// The first job runs if none is unfinished; up to `room` wait; the rest is skipped.
fn wait_in_line(firing: &mut TickFiring, unfinished: &[UnfinishedJob], room: usize) {
    let mut in_line = unfinished.len();
    let first = unfinished.first().map(|job| job.id);
    let mut ahead = first;
    for place in run_places(firing) {
        let record = &mut firing.records[place];
        let job = record.job_id;
        if in_line == 0 {
            in_line = 1;
            ahead = job;
        } else if in_line <= room {
            record.outcome = TickOutcome::Buffered;
            record.reason = Some(waits_for(ahead));
            in_line += 1;
        } else {
            let reason: Arc<str> = match (ahead, room) {
                (Some(ahead), 0) => format!("job {ahead} of the schedule was unfinished").into(),
                (Some(ahead), 1) => {
                    format!("job {ahead} of the schedule was unfinished, and another waited for it").into()
                }
                (Some(ahead), _) => {
                    format!("job {ahead} of the schedule was unfinished, and {room} others waited for it")
                        .into()
                }
                (None, _) => unreachable!("somebody is in line"),
            };
            skip(firing, place, &reason);
        }
    }
}

/// The latest tick takes the place of whatever is unfinished.
fn take_over(decision: &mut OverlapDecision, unfinished: &[UnfinishedJob]) {
    let OverlapDecision {
        adjusted,
        cancelled,
        asked_to_stop,
        terminated,
    } = decision;
    let firing = &mut adjusted.firing;
    let places = run_places(firing);
    let Some((&latest, earlier)) = places.split_last() else {
        return;
    };
    let reason: Arc<str> = "a later tick, due as well, would have called it off".into();
    for &place in earlier {
        skip(firing, place, &reason);
    }
    let terminates = firing.policies.overlap == OverlapPolicy::TerminateRunning;
    for job in unfinished {
        match job.status {
            JobStatus::Processing if terminates => terminated.push(job.id),
            JobStatus::Processing => asked_to_stop.push(job.id),
            _ => cancelled.push(job.id),
        }
    }
    let record = &mut firing.records[latest];
    if let Some(running) = asked_to_stop.first() {
        record.outcome = TickOutcome::Buffered;
        record.reason =
            Some(format!("waits for job {running} of the schedule, which was asked to stop").into());
    } else if let Some(running) = terminated.first() {
        record.reason = Some(format!("job {running} of the schedule was broken off for it").into());
    } else if let Some(waiting) = cancelled.first() {
        record.reason =
            Some(format!("job {waiting} of the schedule, which waited, was cancelled for it").into());
    }
}

/// Ends the schedule with the last run that it may make. Ticks behind that are none.
fn limit_runs(firing: &mut TickFiring, run_count: u64) {
    let Some(most) = firing.policies.max_runs else {
        return;
    };
    let left = most.saturating_sub(run_count);
    let places = run_places(firing);
    if (places.len() as u64) < left {
        return;
    }
    let last = usize::try_from(left)
        .ok()
        .and_then(|left| left.checked_sub(1))
        .and_then(|place| places.get(place));
    firing.records.truncate(last.map_or(0, |last| last + 1));
    firing.next_run = None;
    firing.completion = Some(format!("it has run {most} times, which is its maxRuns").into());
}

fn run_places(firing: &TickFiring) -> Vec<usize> {
    (0..firing.records.len())
        .filter(|place| firing.records[*place].outcome.is_run())
        .collect()
}

/// Takes the job from a tick, and from those that were merged into it.
fn skip(firing: &mut TickFiring, place: usize, reason: &Arc<str>) {
    let Some(job) = firing.records[place].job_id else {
        return;
    };
    for record in &mut firing.records {
        if record.job_id == Some(job) {
            *record = TickRecord {
                outcome: TickOutcome::SkippedOverlap,
                reason: Some(Arc::clone(reason)),
                job_id: None,
                ..record.clone()
            };
        }
    }
}

fn waits_for(job: Option<JobId>) -> Arc<str> {
    match job {
        Some(job) => format!("waits for job {job} of the schedule").into(),
        None => "waits for an earlier job of the schedule".into(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::{ScheduleId, SchedulePolicies};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// A firing of so many ticks, a second apart, that become a job each.
    fn firing(overlap: OverlapPolicy, ticks: i64) -> TickFiring {
        TickFiring {
            schedule_id: ScheduleId::new(),
            expected_timing_version: 1,
            expected_next_run: at(0),
            policies: SchedulePolicies {
                overlap,
                buffer_limit: 3,
                ..SchedulePolicies::default()
            },
            records: (0..ticks)
                .map(|second| TickRecord {
                    scheduled_for: at(second),
                    through: at(second),
                    count: 1,
                    outcome: TickOutcome::Fired,
                    reason: None,
                    job_id: Some(JobId::new()),
                    lateness: TimeDelta::zero(),
                    decided_at: at(ticks),
                })
                .collect(),
            next_run: Some(at(ticks)),
            completion: None,
            resumes: false,
            decided_at: at(ticks),
        }
    }

    fn unfinished(statuses: &[JobStatus]) -> Vec<UnfinishedJob> {
        statuses
            .iter()
            .map(|status| UnfinishedJob {
                id: JobId::new(),
                status: *status,
            })
            .collect()
    }

    fn outcomes(firing: &TickFiring) -> Vec<TickOutcome> {
        firing.records.iter().map(|record| record.outcome).collect()
    }

    use JobStatus::{Buffered as Waits, Processing, Queued, Retrying};
    use TickOutcome::{Buffered, Fired, SkippedOverlap};

    #[test]
    fn nothing_unfinished_leaves_a_single_tick_as_it_was_decided() {
        for overlap in OverlapPolicy::ALL {
            assert_eq!(decide_overlap(&firing(*overlap, 1), &[], 0), None);
        }
    }

    #[test]
    fn each_policy_decides_by_what_is_unfinished() {
        let cases: &[(OverlapPolicy, i64, &[JobStatus], &[TickOutcome])] = &[
            (
                OverlapPolicy::Allow,
                3,
                &[Processing, Queued],
                &[Fired, Fired, Fired],
            ),
            (OverlapPolicy::Skip, 1, &[Retrying], &[SkippedOverlap]),
            (OverlapPolicy::Skip, 2, &[], &[Fired, SkippedOverlap]),
            (OverlapPolicy::BufferOne, 1, &[Processing], &[Buffered]),
            (
                OverlapPolicy::BufferOne,
                1,
                &[Processing, Waits],
                &[SkippedOverlap],
            ),
            (
                OverlapPolicy::BufferOne,
                3,
                &[],
                &[Fired, Buffered, SkippedOverlap],
            ),
            (
                OverlapPolicy::BufferAll,
                5,
                &[],
                &[Fired, Buffered, Buffered, Buffered, SkippedOverlap],
            ),
            (
                OverlapPolicy::BufferAll,
                1,
                &[Processing, Waits, Waits, Waits],
                &[SkippedOverlap],
            ),
            (OverlapPolicy::CancelRunning, 1, &[Processing], &[Buffered]),
            (OverlapPolicy::CancelRunning, 1, &[Queued], &[Fired]),
            (OverlapPolicy::CancelRunning, 2, &[], &[SkippedOverlap, Fired]),
            (OverlapPolicy::TerminateRunning, 1, &[Processing, Waits], &[Fired]),
        ];
        for (overlap, ticks, jobs, expected) in cases {
            let firing = firing(*overlap, *ticks);
            let decided = decide_overlap(&firing, &unfinished(jobs), 0);
            let decided = decided.map_or(firing, |decision| decision.adjusted.firing);
            assert_eq!(&outcomes(&decided), expected, "{overlap} {jobs:?}");
            for record in &decided.records {
                assert_eq!(record.job_id.is_some(), record.outcome.is_run());
                assert_eq!(
                    record.reason.is_some(),
                    record.outcome != Fired || record.reason.is_some()
                );
            }
        }
    }

    #[test]
    fn what_takes_over_calls_off_each_unfinished_job_as_it_stands() {
        let jobs = unfinished(&[Processing, Waits, Retrying]);
        let asked = decide_overlap(&firing(OverlapPolicy::CancelRunning, 1), &jobs, 0).unwrap();
        assert_eq!(
            (asked.asked_to_stop, asked.cancelled),
            (vec![jobs[0].id], vec![jobs[1].id, jobs[2].id])
        );
        assert!(asked.terminated.is_empty() && asked.adjusted.stops_jobs);
        let taken = decide_overlap(&firing(OverlapPolicy::TerminateRunning, 1), &jobs, 0).unwrap();
        assert_eq!((taken.terminated, taken.cancelled.len()), (vec![jobs[0].id], 2));
        assert!(taken.asked_to_stop.is_empty() && taken.adjusted.stops_jobs);
    }

    #[test]
    fn ticks_merged_into_a_skipped_one_are_skipped_with_it() {
        let mut merged = firing(OverlapPolicy::Skip, 2);
        merged.records[0].outcome = TickOutcome::Coalesced;
        merged.records[0].job_id = merged.records[1].job_id;
        let decided = decide_overlap(&merged, &unfinished(&[Processing]), 0).unwrap();
        assert_eq!(
            outcomes(&decided.adjusted.firing),
            [SkippedOverlap, SkippedOverlap]
        );
    }

    #[test]
    fn the_last_run_completes_the_schedule_and_later_ticks_are_none() {
        let mut many = firing(OverlapPolicy::Allow, 4);
        many.policies.max_runs = Some(10);
        let decided = decide_overlap(&many, &[], 8).unwrap().adjusted.firing;
        assert_eq!((decided.records.len(), decided.next_run), (2, None));
        assert!(decided.completion.unwrap().contains("10 times"));
        assert_eq!(decide_overlap(&many, &[], 5), None);
    }

    #[test]
    fn a_skipped_tick_is_no_run() {
        let mut last = firing(OverlapPolicy::Skip, 1);
        last.policies.max_runs = Some(1);
        let decided = decide_overlap(&last, &unfinished(&[Queued]), 0)
            .unwrap()
            .adjusted
            .firing;
        assert_eq!(
            (outcomes(&decided), decided.next_run),
            (vec![SkippedOverlap], Some(at(1)))
        );
    }
}
