//! Claims that take some jobs by their age, so that no priority waits for ever.

use std::collections::HashSet;

use ratchet_interfaces::{ClaimRequest, JobId, JobPriority, NodeId, RepositoryFactory, TaskId, UnifiedJob};

use crate::harness::{at_once, on_each_database};
use crate::sample::{at, claim, job, store, stored_task, task};

use JobPriority::{Critical, High, Low, Normal};

/// A job that could have run so many seconds before the claim.
fn aged(task: TaskId, priority: JobPriority, seconds: i64) -> UnifiedJob {
    UnifiedJob {
        priority,
        run_after: at(100 - seconds),
        ..job(task)
    }
}

async fn claimed(repositories: &dyn RepositoryFactory, limit: u32, aged: u32) -> Vec<JobId> {
    let request = ClaimRequest {
        aged,
        ..claim(NodeId::new(), limit)
    };
    let claimed = repositories.jobs().job_claim_many(request).await.unwrap().jobs;
    claimed.into_iter().map(|claimed| claimed.job.id).collect()
}

/// A task of which a hundred jobs run at once, so that its jobs wait at a gate.
async fn gated(repositories: &dyn RepositoryFactory) -> TaskId {
    let mut task = task("gated");
    task.definition.limits.max_concurrent = Some(100);
    let tasks = repositories.tasks();
    tasks.task_upsert_many(std::slice::from_ref(&task)).await.unwrap();
    task.definition.id
}

#[tokio::test]
async fn so_many_of_a_claim_as_it_says_are_those_that_wait_longest() {
    on_each_database(async |repositories| {
        let free = stored_task(&*repositories, "free").await;
        let gated = gated(&*repositories).await;
        for task in [free, gated] {
            let jobs = [
                aged(task, Low, 1_000),
                aged(task, Normal, 900),
                aged(task, Low, 800),
                aged(task, Critical, 70),
                aged(task, Critical, 50),
                aged(task, High, 10),
            ];
            let mut stored = jobs.to_vec();
            stored.rotate_left(2);
            store(&*repositories, &stored).await;
            let [low, normal, late_low, critical, young, high] = jobs.map(|job| job.id);
            assert_eq!(claimed(&*repositories, 1, 1).await, [low]);
            assert_eq!(claimed(&*repositories, 3, 1).await, [normal, critical, young]);
            assert_eq!(claimed(&*repositories, 10, 2).await, [late_low, high]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_could_not_run_for_a_minute_yet_is_not_aged() {
    on_each_database(async |repositories| {
        let free = stored_task(&*repositories, "free").await;
        let gated = gated(&*repositories).await;
        for (one, other) in [(free, free), (free, gated), (gated, free), (gated, gated)] {
            let young = aged(one, Low, 59);
            let important = aged(other, High, 1);
            store(&*repositories, &[young.clone(), important.clone()]).await;
            assert_eq!(claimed(&*repositories, 1, 1).await, [important.id]);
            assert_eq!(claimed(&*repositories, 1, 1).await, [young.id]);
        }
    })
    .await;
}

#[tokio::test]
async fn no_crowd_of_important_jobs_keeps_an_aged_one_from_its_turn() {
    on_each_database(async |repositories| {
        let free = stored_task(&*repositories, "free").await;
        let gated = gated(&*repositories).await;
        let mut crowd = Vec::new();
        for task in [free, gated] {
            crowd.extend((0..150).map(|_| aged(task, Critical, 80)));
        }
        store(&*repositories, &crowd).await;
        for task in [free, gated] {
            let old = aged(task, Low, 500);
            store(&*repositories, std::slice::from_ref(&old)).await;
            let taken = claimed(&*repositories, 4, 1).await;
            assert_eq!((taken.len(), taken[0]), (4, old.id));
        }
    })
    .await;
}

#[tokio::test]
async fn more_aged_ones_than_the_limit_are_as_many_as_the_limit() {
    on_each_database(async |repositories| {
        let free = stored_task(&*repositories, "free").await;
        let gated = gated(&*repositories).await;
        let jobs: Vec<_> = (0..20)
            .map(|number| aged([free, gated][number % 2], JobPriority::ALL[number % 4], 100))
            .collect();
        store(&*repositories, &jobs).await;
        let mut all = HashSet::new();
        for (limit, aged, expected) in [(3, 10, 3), (5, u32::MAX, 5), (7, 7, 7), (100, 2, 5), (9, 9, 0)] {
            let taken = claimed(&*repositories, limit, aged).await;
            assert_eq!(taken.len(), expected);
            all.extend(taken);
        }
        assert_eq!(all.len(), 20);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_claim_by_age_at_the_same_time_share_the_queue() {
    on_each_database(async |repositories| {
        let free = stored_task(&*repositories, "free").await;
        let gated = gated(&*repositories).await;
        let jobs: Vec<_> = (0..160_usize)
            .map(|number| {
                let task = if number.is_multiple_of(3) { gated } else { free };
                aged(task, JobPriority::ALL[number % 4], 50 + number as i64)
            })
            .collect();
        store(&*repositories, &jobs).await;
        let answers = at_once(0..6, |place: u32| {
            let repositories = std::sync::Arc::clone(&repositories);
            async move {
                let mut mine = Vec::new();
                loop {
                    let some = claimed(&*repositories, 7, place).await;
                    assert!(some.len() <= 7);
                    if some.is_empty() {
                        break mine;
                    }
                    mine.extend(some);
                }
            }
        })
        .await;
        let taken: Vec<JobId> = answers.into_iter().flatten().collect();
        assert_eq!(taken.len(), 160, "no job was handed out twice");
        let taken: HashSet<JobId> = taken.into_iter().collect();
        assert_eq!(taken, jobs.iter().map(|job| job.id).collect());
    })
    .await;
}
