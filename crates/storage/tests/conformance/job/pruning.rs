//! Deleting jobs that ended long ago.

use std::collections::BTreeSet;

use ratchet_interfaces::{
    AttemptOutcome, Delivery, DeliveryFilter, DeliveryId, DeliverySort, DeliveryStatus, DependencyCondition,
    ExecutionFilter, ExecutionLogLine, ExecutionSort, JobFilter, JobId, JobPruning, JobResult, JobSort,
    JobStatus, LogFilter, LogLevel, NodeId, OutputDestination, RepositoryFactory, TaskId, UnifiedJob,
};
use serde_json::json;

use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, claimed_jobs, everything, job, outcome, settle, status, store, stored_after, stored_task, succeeded,
};

fn ended(task: TaskId, second: i64) -> UnifiedJob {
    UnifiedJob {
        status: JobStatus::Completed,
        completed_at: Some(at(second)),
        ..job(task)
    }
}

fn by_age(second: i64, limit: u32) -> JobPruning {
    JobPruning {
        ended_before: Some(at(second)),
        keep: None,
        limit,
    }
}

fn by_count(keep: u64) -> JobPruning {
    JobPruning {
        ended_before: None,
        keep: Some(keep),
        limit: 1_000,
    }
}

async fn prune(repositories: &dyn RepositoryFactory, pruning: JobPruning) -> u64 {
    repositories.jobs().job_prune(pruning).await.unwrap()
}

async fn left(repositories: &dyn RepositoryFactory) -> BTreeSet<JobId> {
    let list = repositories
        .jobs()
        .job_list(&JobFilter::default(), JobSort::default(), everything())
        .await
        .unwrap();
    list.items.into_iter().map(|job| job.id).collect()
}

fn ids<'a>(jobs: impl IntoIterator<Item = &'a UnifiedJob>) -> BTreeSet<JobId> {
    jobs.into_iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn jobs_that_ended_before_an_instant_are_deleted_the_oldest_first_in_batches() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let mut stored: Vec<_> = [70, 10, 30, 20, 60, 50, 40]
            .map(|second| ended(task, second))
            .into();
        for (place, last) in [JobStatus::Failed, JobStatus::Cancelled].into_iter().enumerate() {
            stored[place + 1].status = last;
        }
        let unfinished: Vec<_> = JobStatus::ALL
            .iter()
            .filter(|status| {
                !matches!(
                    status,
                    JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
                )
            })
            .map(|status| UnifiedJob {
                status: *status,
                ..job(task)
            })
            .collect();
        store(&*repositories, &stored).await;
        store(&*repositories, &unfinished).await;
        stored.sort_by_key(|job| job.completed_at);
        let rest = |from: usize| ids(stored[from..].iter().chain(&unfinished));
        let nothing = JobPruning {
            ended_before: None,
            keep: None,
            limit: 10,
        };
        assert_eq!(prune(&*repositories, nothing).await, 0);
        assert_eq!(prune(&*repositories, by_age(50, 0)).await, 0);
        assert_eq!(left(&*repositories).await, rest(0));
        assert_eq!(prune(&*repositories, by_age(50, 3)).await, 3);
        assert_eq!(left(&*repositories).await, rest(3));
        assert_eq!(prune(&*repositories, by_age(50, 3)).await, 1);
        // The one that ended at that instant did not end before it.
        assert_eq!(prune(&*repositories, by_age(50, 3)).await, 0);
        assert_eq!(left(&*repositories).await, rest(4));
        assert_eq!(prune(&*repositories, by_age(10_000, u32::MAX)).await, 3);
        assert_eq!(left(&*repositories).await, ids(&unfinished));
    })
    .await;
}

#[tokio::test]
async fn so_many_that_ended_last_are_kept_though_many_ended_at_once() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let mut stored: Vec<_> = [10, 20, 20, 20, 20, 30].map(|second| ended(task, second)).into();
        stored.push(job(task));
        store(&*repositories, &stored).await;
        assert_eq!(prune(&*repositories, by_count(6)).await, 0);
        assert_eq!(prune(&*repositories, by_count(u64::MAX)).await, 0);
        assert_eq!(prune(&*repositories, by_count(3)).await, 3);
        assert_eq!(left(&*repositories).await, ids(&stored[3..]));
        assert_eq!(prune(&*repositories, by_count(3)).await, 0);
        // Whichever says so: too old, or too many.
        let both = |second, keep| JobPruning {
            keep: Some(keep),
            ..by_age(second, 100)
        };
        assert_eq!(prune(&*repositories, both(20, 2)).await, 1);
        assert_eq!(prune(&*repositories, both(21, 2)).await, 1);
        assert_eq!(prune(&*repositories, by_count(0)).await, 1);
        assert_eq!(left(&*repositories).await, ids(&stored[6..]));
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_a_job_goes_with_it() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let (executions, deliveries) = (repositories.executions(), repositories.deliveries());
        for claimed in &claimed {
            let line = ExecutionLogLine {
                execution_id: claimed.execution_id,
                seq: 0,
                at: at(101),
                level: LogLevel::Info,
                message: "hello".to_owned(),
            };
            executions.execution_tell(&[line], &[]).await.unwrap();
        }
        let delivery = |status| Delivery {
            id: DeliveryId::new(),
            job_id: claimed[0].job.id,
            execution_id: claimed[0].execution_id,
            destination: OutputDestination::stdout_json(),
            payload: JobResult::completed(claimed[0].job.id, claimed[0].execution_id, json!(1), at(105)),
            status,
            attempts: 1,
            next_attempt_at: at(105),
            last_error: None,
            created_at: at(105),
            delivered_at: None,
        };
        let end = AttemptOutcome {
            deliveries: vec![
                delivery(DeliveryStatus::Delivered),
                delivery(DeliveryStatus::Failed),
            ],
            ..outcome(&claimed[0], succeeded())
        };
        let later = AttemptOutcome {
            ended_at: at(300),
            ..outcome(&claimed[1], succeeded())
        };
        repositories.jobs().job_settle_many(&[end, later]).await.unwrap();
        let task = claimed[0].job.task_id;
        let (gone, kept) = (&claimed[0], &claimed[1]);
        let condition = DependencyCondition::AllFinished;
        let next = stored_after(&*repositories, task, condition, &[gone.job.id, kept.job.id]).await;

        assert_eq!(prune(&*repositories, by_age(200, 10)).await, 1);

        let jobs = repositories.jobs();
        assert_eq!(jobs.job_find(gone.job.id).await.unwrap(), None);
        let found = executions.execution_find(gone.execution_id).await.unwrap();
        assert_eq!(found, None);
        for (execution, lines) in [(gone.execution_id, 0), (kept.execution_id, 1)] {
            let log = executions
                .execution_log_list(execution, &LogFilter::default(), everything())
                .await;
            assert_eq!(log.unwrap().total, lines);
        }
        let all = executions
            .execution_list(
                &ExecutionFilter::default(),
                ExecutionSort::default(),
                everything(),
            )
            .await
            .unwrap();
        assert_eq!(all.total, 1);
        let outbox = deliveries
            .delivery_list(&DeliveryFilter::default(), DeliverySort::default(), everything())
            .await
            .unwrap();
        assert_eq!(outbox.total, 0);
        assert_eq!(jobs.job_dependencies(next).await.unwrap(), [kept.job.id]);
        assert_eq!(status(&*repositories, next).await, JobStatus::Queued);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_result_is_on_its_way_stays() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let delivery = Delivery {
            id: DeliveryId::new(),
            job_id: claimed.job.id,
            execution_id: claimed.execution_id,
            destination: OutputDestination::stdout_json(),
            payload: JobResult::completed(claimed.job.id, claimed.execution_id, json!(1), at(105)),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: at(105),
            last_error: None,
            created_at: at(105),
            delivered_at: None,
        };
        let end = AttemptOutcome {
            deliveries: vec![delivery],
            ..outcome(&claimed, succeeded())
        };
        repositories.jobs().job_settle_many(&[end]).await.unwrap();
        for pruning in [by_age(10_000, 10), by_count(0)] {
            assert_eq!(prune(&*repositories, pruning).await, 0);
        }
        assert_eq!(left(&*repositories).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_stays_as_long_as_another_waits_for_it() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let others: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
        let task = claimed[0].job.task_id;
        let condition = DependencyCondition::AllSucceeded;
        let waiting = stored_after(&*repositories, task, condition, &others).await;
        settle(&*repositories, &claimed[0], succeeded()).await;
        assert_eq!(prune(&*repositories, by_age(10_000, 10)).await, 0);
        settle(&*repositories, &claimed[1], succeeded()).await;
        assert_eq!(status(&*repositories, waiting).await, JobStatus::Queued);
        assert_eq!(prune(&*repositories, by_age(10_000, 10)).await, 2);
        assert_eq!(left(&*repositories).await, BTreeSet::from([waiting]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_put_back_while_it_is_deleted_is_in_the_queue_or_gone() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        for _ in 0..20 {
            let stored: Vec<_> = (0..20)
                .map(|second| UnifiedJob {
                    status: JobStatus::Failed,
                    ..ended(task, second)
                })
                .collect();
            store(&*repositories, &stored).await;
            let named: Vec<JobId> = stored.iter().map(|job| job.id).collect();
            let answers = at_once(0..2, |place| {
                let (jobs, named) = (repositories.jobs(), named.clone());
                async move {
                    if place == 0 {
                        jobs.job_prune(by_age(100, 10)).await.unwrap();
                        Vec::new()
                    } else {
                        let all = JobFilter::default();
                        jobs.job_retry_many(&named, &all, at(90), 100).await.unwrap()
                    }
                }
            })
            .await;
            for id in &answers[1] {
                assert_eq!(status(&*repositories, *id).await, JobStatus::Queued);
            }
        }
    })
    .await;
}
