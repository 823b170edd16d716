//! What the end of a job means for those that are after it.

use std::sync::Arc;

use ratchet_interfaces::{
    Choice, DependencyCondition, FiringOutcome, JobCondition, JobEvent, JobFilter, JobId, JobStatus, NodeId,
    OverlapPolicy, RepositoryFactory, SchedulePolicies, TickOutcome, UnifiedSchedule,
};

use DependencyCondition::{AllFinished, AllSucceeded, AnyFailed};

use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, cancel, cancelled, claim, claimed_jobs, failed, fired_job, firing, found, moves, outcome, schedule,
    settle, status, stored_after, stored_jobs, stored_task, succeeded,
};

const CONDITIONS: [DependencyCondition; 3] = [AllSucceeded, AllFinished, AnyFailed];

#[tokio::test]
async fn the_end_of_the_others_runs_or_cancels_a_job_as_soon_as_it_is_decided() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        use JobStatus::{Blocked, Cancelled, Queued};
        // What the first comes to, and then the second; and what becomes of the job at each.
        for (ends, expected) in [
            (
                [succeeded(), succeeded()],
                [[Blocked; 3], [Queued, Queued, Cancelled]],
            ),
            (
                [succeeded(), failed()],
                [[Blocked; 3], [Cancelled, Queued, Queued]],
            ),
            (
                [failed(), succeeded()],
                [[Cancelled, Blocked, Queued], [Cancelled, Queued, Queued]],
            ),
            (
                [cancelled(), succeeded()],
                [[Cancelled, Blocked, Queued], [Cancelled, Queued, Queued]],
            ),
        ] {
            let claimed = claimed_jobs_of(&*repositories, 2).await;
            let others: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
            let mut waiting = Vec::new();
            for condition in CONDITIONS {
                waiting.push(stored_after(&*repositories, task, condition, &others).await);
            }
            let mut before = [Blocked; 3];
            for ((claimed, end), expected) in claimed.iter().zip(ends).zip(expected) {
                let settlement = settle(&*repositories, claimed, end.clone()).await;
                let mut released = 0;
                for (place, id) in waiting.iter().enumerate() {
                    let job = found(&*repositories, *id).await;
                    assert_eq!(job.status, expected[place], "{} after {end:?}", CONDITIONS[place]);
                    released += u64::from(job.status == Queued && before[place] == Blocked);
                    if job.status == Cancelled {
                        let is_of_failure = CONDITIONS[place] == AllSucceeded;
                        let reason = job.error.unwrap();
                        assert_eq!(reason.contains("did not succeed"), is_of_failure, "{reason}");
                        assert!(job.completed_at.is_some());
                    }
                }
                assert_eq!(settlement.released, released);
                before = expected;
            }
            for id in waiting {
                repositories.jobs().job_cancel(&cancel(id, false)).await.unwrap();
            }
        }
    })
    .await;
}

/// Of a task of their own, with nothing else in the queue.
async fn claimed_jobs_of(
    repositories: &dyn RepositoryFactory,
    count: u32,
) -> Vec<ratchet_interfaces::ClaimedJob> {
    let task = stored_task(repositories, &format!("task {}", NodeId::new())).await;
    let all: Vec<_> = (0..count).map(|_| crate::sample::job(task)).collect();
    crate::sample::store(repositories, &all).await;
    let claimed = repositories
        .jobs()
        .job_claim_many(claim(NodeId::new(), count))
        .await
        .unwrap()
        .jobs;
    assert_eq!(claimed.len(), count as usize);
    claimed
}

#[tokio::test]
async fn a_job_that_is_tried_again_or_handed_back_decides_nothing() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let retry = ratchet_interfaces::AttemptResult::Retry {
            error: "not yet".to_owned(),
            run_after: at(1_000),
        };
        let back = ratchet_interfaces::AttemptResult::HandedBack {
            reason: "the server stops".to_owned(),
        };
        for (claimed, end) in claimed.iter().zip([retry, back]) {
            let mut waiting = Vec::new();
            for condition in CONDITIONS {
                waiting.push(stored_after(&*repositories, task, condition, &[claimed.job.id]).await);
            }
            assert_eq!(settle(&*repositories, claimed, end).await.released, 0);
            for id in waiting {
                assert_eq!(status(&*repositories, id).await, JobStatus::Blocked);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_released_job_may_run_from_the_end_of_the_last_and_not_before_its_own_instant() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let others: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
        let soon = stored_after(&*repositories, task, AllFinished, &others).await;
        let late = ratchet_interfaces::UnifiedJob {
            after: Some(AllFinished),
            run_after: at(5_000),
            ..crate::sample::job(task)
        };
        let dependencies = ratchet_interfaces::JobDependencies {
            job_id: late.id,
            after: others,
        };
        let jobs = repositories.jobs();
        jobs.job_create_many(std::slice::from_ref(&late), &[dependencies])
            .await
            .unwrap();
        let ends: Vec<_> = claimed
            .iter()
            .zip([300, 200])
            .map(|(claimed, second)| ratchet_interfaces::AttemptOutcome {
                ended_at: at(second),
                ..outcome(claimed, succeeded())
            })
            .collect();
        assert_eq!(jobs.job_settle_many(&ends).await.unwrap().released, 2);
        assert_eq!(found(&*repositories, soon).await.run_after, at(300));
        assert_eq!(found(&*repositories, late.id).await.run_after, at(5_000));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_job_decides_about_those_after_it_down_the_chain() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        let first = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let second = stored_after(&*repositories, task, AllSucceeded, &[first.job.id]).await;
        let third = stored_after(&*repositories, task, AllSucceeded, &[second]).await;
        let mender = stored_after(&*repositories, task, AnyFailed, &[third]).await;
        let last = stored_after(&*repositories, task, AllSucceeded, &[mender]).await;
        let settlement = settle(&*repositories, &first, failed()).await;
        assert_eq!(settlement.released, 1);
        for id in [second, third] {
            let job = found(&*repositories, id).await;
            assert_eq!(job.status, JobStatus::Cancelled);
            assert_eq!(
                job.error.as_deref(),
                Some("a job that it is after did not succeed")
            );
            assert_eq!(job.completed_at, Some(at(105)));
        }
        assert_eq!(status(&*repositories, mender).await, JobStatus::Queued);
        assert_eq!(status(&*repositories, last).await, JobStatus::Blocked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_jobs_that_end_at_the_same_time_one_decides_about_the_third() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        for round in 0..25 {
            let claimed = claimed_jobs_of(&*repositories, 4).await;
            let others: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
            let mut waiting = Vec::new();
            for condition in CONDITIONS {
                waiting.push(stored_after(&*repositories, task, condition, &others).await);
            }
            let last = stored_after(&*repositories, task, AllSucceeded, &waiting).await;
            let one_fails = round % 2 == 0;
            let ends = claimed.into_iter().enumerate().map(|(place, claimed)| {
                let end = if one_fails && place == 3 {
                    failed()
                } else {
                    succeeded()
                };
                outcome(&claimed, end)
            });
            let answers = at_once(ends, |end| {
                let jobs = repositories.jobs();
                async move { jobs.job_settle_many(&[end]).await.unwrap() }
            })
            .await;
            let released: u64 = answers.iter().map(|settlement| settlement.released).sum();
            use JobStatus::{Cancelled, Queued};
            let expected = if one_fails {
                [Cancelled, Queued, Queued]
            } else {
                [Queued, Queued, Cancelled]
            };
            for (id, expected) in waiting.iter().zip(expected) {
                assert_eq!(status(&*repositories, *id).await, expected);
            }
            // One of those that it is after was cancelled.
            assert_eq!(status(&*repositories, last).await, Cancelled);
            assert_eq!(released, 2, "{answers:?}");
            let taken = repositories.jobs().job_claim_many(claim(NodeId::new(), 10)).await;
            assert_eq!(taken.unwrap().jobs.len(), 0, "they may run from second 105");
            for id in waiting {
                let jobs = repositories.jobs();
                jobs.job_cancel(&cancel(id, false)).await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_stored_while_those_before_it_end_does_not_wait_for_ever() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        for _ in 0..25 {
            let claimed = claimed_jobs_of(&*repositories, 2).await;
            let others: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
            let ends = Arc::new(claimed);
            let answers = at_once(0..3, |place| {
                let (repositories, ends, others) =
                    (Arc::clone(&repositories), Arc::clone(&ends), others.clone());
                async move {
                    match ends.get(place) {
                        Some(claimed) => {
                            settle(&*repositories, claimed, succeeded()).await;
                            None
                        }
                        None => Some(stored_after(&*repositories, task, AllSucceeded, &others).await),
                    }
                }
            })
            .await;
            let waiting = answers[2].unwrap();
            assert_eq!(status(&*repositories, waiting).await, JobStatus::Queued);
            let jobs = repositories.jobs();
            jobs.job_cancel(&cancel(waiting, false)).await.unwrap();
        }
    })
    .await;
}

/// Two jobs that are after the job: one that is run when it is called off, and one that is cancelled.
async fn heirs(repositories: &dyn RepositoryFactory, job: JobId) -> [JobId; 2] {
    let task = stored_task(repositories, &format!("heirs of {job}")).await;
    [
        stored_after(repositories, task, AnyFailed, &[job]).await,
        stored_after(repositories, task, AllSucceeded, &[job]).await,
    ]
}

async fn assert_decided(repositories: &dyn RepositoryFactory, heirs: [JobId; 2], by: &str) {
    let expected = [JobStatus::Queued, JobStatus::Cancelled];
    for (heir, expected) in heirs.into_iter().zip(expected) {
        assert_eq!(status(repositories, heir).await, expected, "{by}");
    }
}

#[tokio::test]
async fn a_job_that_is_called_off_by_hand_decides_about_those_after_it() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let stored = stored_jobs(&*repositories, 2).await;
        jobs.job_claim_many(claim(NodeId::new(), 1)).await.unwrap();
        for (job, was_running) in [(&stored[0], true), (&stored[1], false)] {
            let heirs = heirs(&*repositories, job.id).await;
            let told = jobs.job_cancel(&cancel(job.id, true)).await.unwrap();
            let mut changed = Vec::new();
            for heir in heirs {
                let heir = found(&*repositories, heir).await;
                changed.push(JobEvent::of(&heir, Some(JobStatus::Blocked), at(105)));
            }
            let expected = ratchet_interfaces::Cancellation::Cancelled { was_running, changed };
            assert_eq!(told, expected);
            assert_decided(&*repositories, heirs, "by hand").await;
        }
    })
    .await;
}

async fn scheduled(repositories: &dyn RepositoryFactory, overlap: OverlapPolicy) -> UnifiedSchedule {
    let name = format!("{overlap} {}", NodeId::new());
    let task = stored_task(repositories, &name).await;
    let schedule = UnifiedSchedule {
        policies: SchedulePolicies {
            overlap,
            ..SchedulePolicies::default()
        },
        ..schedule(&name, task)
    };
    repositories.schedules().schedule_create(&schedule).await.unwrap();
    schedule
}

/// Fires the next tick of the schedule, and says which job it made.
async fn fire(repositories: &dyn RepositoryFactory, schedule: &UnifiedSchedule) -> JobId {
    let schedules = repositories.schedules();
    let now = schedules.schedule_find(schedule.id).await.unwrap().unwrap();
    let firing = firing(&now);
    let outcomes = repositories
        .ticks()
        .tick_fire_many(std::slice::from_ref(&firing))
        .await
        .unwrap()
        .outcomes;
    assert!(!matches!(outcomes[0], FiringOutcome::Stale), "{outcomes:?}");
    fired_job(&firing)
}

#[tokio::test]
async fn a_job_whose_place_a_later_tick_takes_decides_about_those_after_it() {
    on_each_database(async |repositories| {
        for overlap in [OverlapPolicy::CancelRunning, OverlapPolicy::TerminateRunning] {
            for runs in [false, true] {
                let schedule = scheduled(&*repositories, overlap).await;
                let first = fire(&*repositories, &schedule).await;
                if runs {
                    let claimed = repositories
                        .jobs()
                        .job_claim_many(claim(NodeId::new(), 1))
                        .await
                        .unwrap()
                        .jobs;
                    assert_eq!(claimed[0].job.id, first);
                }
                let heirs = heirs(&*repositories, first).await;
                fire(&*repositories, &schedule).await;
                if runs && overlap == OverlapPolicy::CancelRunning {
                    // It is asked to stop, and goes on until it has.
                    for heir in heirs {
                        assert_eq!(status(&*repositories, heir).await, JobStatus::Blocked);
                    }
                } else {
                    assert_decided(&*repositories, heirs, overlap.as_str()).await;
                }
                let schedules = repositories.schedules();
                schedules.schedule_delete(schedule.id).await.unwrap();
                // Nothing of this round is in the queue in the next.
                let waiting = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Queued))]);
                let jobs = repositories.jobs();
                let list = jobs
                    .job_list(
                        &waiting,
                        ratchet_interfaces::JobSort::default(),
                        crate::sample::everything(),
                    )
                    .await
                    .unwrap();
                for job in list.items {
                    jobs.job_cancel(&cancel(job.id, false)).await.unwrap();
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_buffered_job_whose_schedule_is_deleted_decides_about_those_after_it() {
    on_each_database(async |repositories| {
        let schedule = scheduled(&*repositories, OverlapPolicy::BufferAll).await;
        fire(&*repositories, &schedule).await;
        let now = repositories
            .schedules()
            .schedule_find(schedule.id)
            .await
            .unwrap()
            .unwrap();
        let second = firing(&now);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&second))
            .await
            .unwrap()
            .outcomes;
        let FiringOutcome::Adjusted(adjusted) = &outcomes[0] else {
            panic!("{outcomes:?}");
        };
        assert_eq!(adjusted.firing.records[0].outcome, TickOutcome::Buffered);
        let buffered = fired_job(&second);
        assert_eq!(status(&*repositories, buffered).await, JobStatus::Buffered);
        let heirs = heirs(&*repositories, buffered).await;
        let deletion = repositories
            .schedules()
            .schedule_delete(schedule.id)
            .await
            .unwrap();
        assert!(deletion.existed);
        assert_eq!(
            moves(&deletion.changed),
            [
                (buffered, Some(JobStatus::Buffered), JobStatus::Cancelled),
                (heirs[0], Some(JobStatus::Blocked), JobStatus::Queued),
                (heirs[1], Some(JobStatus::Blocked), JobStatus::Cancelled)
            ]
        );
        assert_decided(&*repositories, heirs, "by the deletion of its schedule").await;
    })
    .await;
}
