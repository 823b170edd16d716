use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Choice, ClaimRequest, Execution, ExecutionFilter, ExecutionSort, ExecutionStatus, JobCondition,
    JobFilter, JobId, JobPriority, JobSort, JobStatus, NodeId, TaskId, UnifiedJob,
};

use crate::harness::{at_once, on_each_database};
use crate::sample::{at, claim, claimed_job, everything, job, page, stored_jobs, stored_task};

fn waiting(task: TaskId, priority: JobPriority, run_after: DateTime<Utc>) -> UnifiedJob {
    UnifiedJob {
        priority,
        run_after,
        ..job(task)
    }
}

#[tokio::test]
async fn a_claimed_job_is_the_nodes_and_has_an_open_execution() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let task = stored_task(&*repositories, "greet").await;
        let before = UnifiedJob {
            timeout_seconds: Some(17),
            error: Some("of the attempt before".to_owned()),
            attempts: 2,
            retry_count: 2,
            status: JobStatus::Retrying,
            ..job(task)
        };
        let jobs = repositories.jobs();
        jobs.job_create_many(std::slice::from_ref(&before), &[])
            .await
            .unwrap();
        let claimed = jobs.job_claim_many(claim(node, 10)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        let claimed = &claimed[0];
        let expected = UnifiedJob {
            status: JobStatus::Processing,
            attempts: 3,
            execution_id: Some(claimed.execution_id),
            lease_owner: Some(node),
            lease_until: Some(at(160)),
            started_at: Some(at(100)),
            ..before
        };
        assert_eq!(claimed.job, expected);
        assert_eq!(jobs.job_find(expected.id).await.unwrap(), Some(expected));
        let executions = repositories.executions();
        let execution = Execution {
            id: claimed.execution_id,
            job_id: claimed.job.id,
            attempt: 3,
            status: ExecutionStatus::Running,
            input: claimed.job.input.clone(),
            output: None,
            error: None,
            error_kind: None,
            progress: None,
            started_at: at(100),
            completed_at: None,
            duration: None,
            node,
        };
        let found = executions.execution_find(claimed.execution_id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&execution));
        let all = executions
            .execution_list(
                &ExecutionFilter::default(),
                ExecutionSort::default(),
                everything(),
            )
            .await
            .unwrap();
        assert_eq!(all.items, [execution]);
    })
    .await;
}

#[tokio::test]
async fn the_most_important_job_goes_first_and_of_these_the_one_that_may_run_longest() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        use JobPriority::{Critical, High, Low, Normal};
        let in_order = [
            waiting(task, Critical, at(3)),
            waiting(task, Critical, at(99)),
            waiting(task, High, at(0)),
            waiting(task, High, at(0)),
            waiting(task, High, at(50)),
            waiting(task, Normal, at(-1_000)),
            waiting(task, Normal, at(100)),
            waiting(task, Low, at(-2_000)),
        ];
        let mut shuffled = in_order.to_vec();
        shuffled.rotate_left(3);
        shuffled.swap(0, 5);
        let jobs = repositories.jobs();
        jobs.job_create_many(&shuffled, &[]).await.unwrap();
        let mut claimed = Vec::new();
        for limit in [1, 2, 3, 100] {
            let some = jobs
                .job_claim_many(claim(NodeId::new(), limit))
                .await
                .unwrap()
                .jobs;
            claimed.extend(some.into_iter().map(|claimed| claimed.job.id));
        }
        assert_eq!(claimed, in_order.map(|job| job.id));
    })
    .await;
}

#[tokio::test]
async fn a_job_is_left_until_the_instant_from_which_it_may_run() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let early = waiting(task, JobPriority::Low, at(100));
        // More important than the other, but that does not put it in its way.
        let late = waiting(task, JobPriority::Critical, at(100) + TimeDelta::microseconds(1));
        let jobs = repositories.jobs();
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), None);
        jobs.job_create_many(&[late.clone(), early.clone()], &[])
            .await
            .unwrap();
        assert_eq!(
            jobs.job_next_run_after(at(100)).await.unwrap(),
            Some(early.run_after)
        );

        let claimed = jobs.job_claim_many(claim(NodeId::new(), 10)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].job.id, early.id);
        assert_eq!(
            jobs.job_next_run_after(at(100)).await.unwrap(),
            Some(late.run_after)
        );

        let later = ClaimRequest {
            now: late.run_after,
            ..claim(NodeId::new(), 10)
        };
        let claimed = jobs.job_claim_many(later).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].job.id, late.id);
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn only_a_job_that_waits_is_claimed() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let stored: Vec<_> = JobStatus::ALL
            .iter()
            .map(|status| UnifiedJob {
                status: *status,
                ..job(task)
            })
            .collect();
        let jobs = repositories.jobs();
        jobs.job_create_many(&stored, &[]).await.unwrap();
        let claimed = jobs.job_claim_many(claim(NodeId::new(), 10)).await.unwrap().jobs;
        let claimed: HashSet<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
        let expected: HashSet<JobId> = stored
            .iter()
            .filter(|job| matches!(job.status, JobStatus::Queued | JobStatus::Retrying))
            .map(|job| job.id)
            .collect();
        assert_eq!(claimed, expected);
        for job in stored.iter().filter(|job| !expected.contains(&job.id)) {
            assert_eq!(jobs.job_find(job.id).await.unwrap().as_ref(), Some(job));
        }
    })
    .await;
}

#[tokio::test]
async fn a_claim_takes_no_more_than_its_limit() {
    on_each_database(async |repositories| {
        stored_jobs(&*repositories, 25).await;
        let jobs = repositories.jobs();
        let processing = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Processing))]);
        let mut taken = 0;
        for (limit, expected) in [(0, 0), (1, 1), (7, 7), (u32::MAX, 17), (5, 0)] {
            let claimed = jobs
                .job_claim_many(claim(NodeId::new(), limit))
                .await
                .unwrap()
                .jobs;
            assert_eq!(claimed.len(), expected, "limit {limit}");
            taken += expected as u64;
            let list = jobs
                .job_list(&processing, JobSort::default(), page(0, 1))
                .await
                .unwrap();
            assert_eq!(list.total, taken, "limit {limit}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_claimed_once_by_two_nodes() {
    on_each_database(async |repositories| {
        for _ in 0..10 {
            claimed_job_of_one(&repositories, 2).await;
        }
    })
    .await;
}

/// One job, and as many nodes as want it at the same time.
async fn claimed_job_of_one(
    repositories: &std::sync::Arc<dyn ratchet_interfaces::RepositoryFactory>,
    nodes: usize,
) {
    let task = stored_task(&**repositories, &format!("task {}", NodeId::new())).await;
    let only = job(task);
    repositories
        .jobs()
        .job_create_many(std::slice::from_ref(&only), &[])
        .await
        .unwrap();
    let answers = at_once(0..nodes, |_| {
        let jobs = repositories.jobs();
        let node = NodeId::new();
        async move { (node, jobs.job_claim_many(claim(node, 5)).await.unwrap().jobs) }
    })
    .await;
    let winners: Vec<NodeId> = answers
        .iter()
        .filter(|(_, claimed)| !claimed.is_empty())
        .map(|(node, _)| *node)
        .collect();
    assert_eq!(winners.len(), 1);
    let stored = repositories.jobs().job_find(only.id).await.unwrap().unwrap();
    assert_eq!((stored.lease_owner, stored.attempts), (Some(winners[0]), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_claim_at_the_same_time_share_the_queue() {
    on_each_database(async |repositories| {
        let stored = stored_jobs(&*repositories, 200).await;
        let answers = at_once(0..8, |_| {
            let jobs = repositories.jobs();
            let node = NodeId::new();
            async move {
                let mut mine = Vec::new();
                loop {
                    let some = jobs.job_claim_many(claim(node, 9)).await.unwrap().jobs;
                    assert!(some.len() <= 9);
                    if some.is_empty() {
                        break mine;
                    }
                    mine.extend(some.into_iter().map(|claimed| (claimed.job.id, node)));
                }
            }
        })
        .await;
        let claimed: Vec<(JobId, NodeId)> = answers.into_iter().flatten().collect();
        let ids: HashSet<JobId> = claimed.iter().map(|(job, _)| *job).collect();
        assert_eq!(claimed.len(), 200, "no job was handed out twice");
        assert_eq!(ids, stored.iter().map(|job| job.id).collect());
        for (job, node) in claimed {
            let stored = repositories.jobs().job_find(job).await.unwrap().unwrap();
            assert_eq!((stored.lease_owner, stored.attempts), (Some(node), 1));
        }
        let executions = repositories
            .executions()
            .execution_list(&ExecutionFilter::default(), ExecutionSort::default(), page(0, 1))
            .await
            .unwrap();
        assert_eq!(executions.total, 200);
    })
    .await;
}

#[tokio::test]
async fn a_claimed_job_is_not_claimed_again_by_its_own_node() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        claimed_job(&*repositories, node).await;
        // Not even long after its lease has ended: that is decided elsewhere.
        let much_later = ClaimRequest {
            now: at(1_000_000),
            ..claim(node, 10)
        };
        assert_eq!(
            repositories.jobs().job_claim_many(much_later).await.unwrap().jobs,
            []
        );
    })
    .await;
}
