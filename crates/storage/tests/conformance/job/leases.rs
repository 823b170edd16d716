//! A running job belongs to who runs it for as long as that process renews its lease.

use ratchet_interfaces::{
    Choice, ExecutionCondition, ExecutionFilter, ExecutionSort, ExecutionStatus, JobStatus, NodeId,
    RepositoryFactory, SettleOutcome, UnifiedJob,
};

use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, cancel, claim, claimed_job, found, outcome, settle, status, stored_after, stored_jobs, stored_task,
    succeeded,
};

const REASON: &str = "its process did not renew its lease";

#[tokio::test]
async fn a_renewal_is_for_every_job_that_the_node_runs_and_for_no_other() {
    on_each_database(async |repositories| {
        let (mine, others) = (NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        stored_jobs(&*repositories, 6).await;
        let of_mine = jobs.job_claim_many(claim(mine, 3)).await.unwrap().jobs;
        let of_others = jobs.job_claim_many(claim(others, 2)).await.unwrap().jobs;
        settle(&*repositories, &of_mine[0], succeeded()).await;
        assert_eq!(jobs.job_renew_leases(mine, at(500)).await.unwrap(), 2);
        for claimed in &of_mine[1..] {
            let expected = UnifiedJob {
                lease_until: Some(at(500)),
                ..claimed.job.clone()
            };
            assert_eq!(found(&*repositories, claimed.job.id).await, expected);
        }
        for claimed in of_others {
            assert_eq!(found(&*repositories, claimed.job.id).await, claimed.job);
        }
        assert_eq!(jobs.job_renew_leases(NodeId::new(), at(500)).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_lease_has_ended_goes_back_to_the_queue_and_its_owner_has_lost_it() {
    on_each_database(async |repositories| {
        let (dead, mine) = (NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        let lost = claimed_job(&*repositories, dead).await;
        // A lease is over at its end, and not before.
        let before = at(160) - chrono::TimeDelta::microseconds(1);
        assert_eq!(
            jobs.job_reclaim_expired(mine, before, REASON).await.unwrap().jobs,
            0
        );
        assert_eq!(found(&*repositories, lost.job.id).await, lost.job);
        assert_eq!(
            jobs.job_reclaim_expired(mine, at(160), REASON)
                .await
                .unwrap()
                .jobs,
            1
        );
        assert_eq!(
            jobs.job_reclaim_expired(mine, at(160), REASON)
                .await
                .unwrap()
                .jobs,
            0
        );

        let expected = UnifiedJob {
            status: JobStatus::Queued,
            error: Some(REASON.to_owned()),
            execution_id: None,
            lease_owner: None,
            lease_until: None,
            ..lost.job.clone()
        };
        assert_eq!(found(&*repositories, lost.job.id).await, expected);
        let execution = repositories
            .executions()
            .execution_find(lost.execution_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(execution.status, ExecutionStatus::Failed);
        assert_eq!(
            (execution.error.as_deref(), execution.completed_at),
            (Some(REASON), Some(at(160)))
        );

        // The old owner is not believed, neither while the job waits nor while another runs it.
        let late = [outcome(&lost, succeeded())];
        let settled = jobs.job_settle_many(&late).await.unwrap();
        assert_eq!(settled.outcomes, [SettleOutcome::LeaseLost]);
        assert_eq!(found(&*repositories, lost.job.id).await, expected);
        let again = jobs.job_claim_many(claim(mine, 1)).await.unwrap().jobs.remove(0);
        assert_eq!((again.job.id, again.job.attempts), (lost.job.id, 2));
        let settled = jobs.job_settle_many(&late).await.unwrap();
        assert_eq!(settled.outcomes, [SettleOutcome::LeaseLost]);
        assert_eq!(jobs.job_renew_leases(dead, at(900)).await.unwrap(), 0);
        settle(&*repositories, &again, succeeded()).await;
        let done = found(&*repositories, lost.job.id).await;
        assert_eq!((done.status, done.error), (JobStatus::Completed, None));
    })
    .await;
}

#[tokio::test]
async fn live_leases_and_the_nodes_own_are_left() {
    on_each_database(async |repositories| {
        let (mine, live) = (NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        stored_jobs(&*repositories, 2).await;
        let own = jobs.job_claim_many(claim(mine, 1)).await.unwrap().jobs.remove(0);
        let of_live = jobs.job_claim_many(claim(live, 1)).await.unwrap().jobs.remove(0);
        jobs.job_renew_leases(live, at(1_000)).await.unwrap();
        assert_eq!(
            jobs.job_reclaim_expired(mine, at(999), REASON)
                .await
                .unwrap()
                .jobs,
            0
        );
        assert_eq!(found(&*repositories, own.job.id).await, own.job);
        assert_eq!(
            status(&*repositories, of_live.job.id).await,
            JobStatus::Processing
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_was_asked_to_stop_is_cancelled_when_its_lease_ends_and_so_is_who_waits_for_it() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let lost = claimed_job(&*repositories, NodeId::new()).await;
        let task = stored_task(&*repositories, "next").await;
        use ratchet_interfaces::DependencyCondition::{AllSucceeded, AnyFailed};
        let hopeless = stored_after(&*repositories, task, AllSucceeded, &[lost.job.id]).await;
        let mender = stored_after(&*repositories, task, AnyFailed, &[lost.job.id]).await;
        jobs.job_cancel(&cancel(lost.job.id, false)).await.unwrap();
        assert_eq!(
            jobs.job_reclaim_expired(NodeId::new(), at(160), REASON)
                .await
                .unwrap()
                .jobs,
            1
        );
        let stopped = found(&*repositories, lost.job.id).await;
        assert_eq!(
            (stopped.status, stopped.completed_at),
            (JobStatus::Cancelled, Some(at(160)))
        );
        assert_eq!(status(&*repositories, hopeless).await, JobStatus::Cancelled);
        assert_eq!(status(&*repositories, mender).await, JobStatus::Queued);
    })
    .await;
}

#[tokio::test]
async fn the_next_lease_to_end_is_that_of_another_node() {
    on_each_database(async |repositories| {
        let (mine, first, second) = (NodeId::new(), NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        assert_eq!(jobs.job_next_lease_end(mine).await.unwrap(), None);
        stored_jobs(&*repositories, 3).await;
        for node in [mine, first, second] {
            jobs.job_claim_many(claim(node, 1)).await.unwrap();
        }
        for (node, until) in [(mine, 200), (first, 400), (second, 300)] {
            jobs.job_renew_leases(node, at(until)).await.unwrap();
        }
        assert_eq!(jobs.job_next_lease_end(mine).await.unwrap(), Some(at(300)));
        assert_eq!(jobs.job_next_lease_end(second).await.unwrap(), Some(at(200)));
        jobs.job_reclaim_expired(mine, at(350), REASON).await.unwrap();
        assert_eq!(jobs.job_next_lease_end(mine).await.unwrap(), Some(at(400)));
    })
    .await;
}

/// Whoever is first: the job is its owner's, or back in the queue, and its attempts and their ends say the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ends_while_it_is_renewed_and_its_job_settled_is_taken_once_or_not_at_all() {
    on_each_database(async |repositories| {
        for _ in 0..20 {
            race(&repositories).await;
        }
    })
    .await;
}

async fn race(repositories: &std::sync::Arc<dyn RepositoryFactory>) {
    let owner = NodeId::new();
    let task = stored_task(&**repositories, &format!("task {owner}")).await;
    let all: Vec<_> = (0..4).map(|_| crate::sample::job(task)).collect();
    crate::sample::store(&**repositories, &all).await;
    let mut held = Vec::new();
    while held.len() < 4 {
        let some = repositories
            .jobs()
            .job_claim_many(claim(owner, 4))
            .await
            .unwrap()
            .jobs;
        held.extend(some.into_iter().filter(|claimed| claimed.job.task_id == task));
    }
    let settled = held.clone();
    let answers = at_once(0..4, |place| {
        let (jobs, settled) = (repositories.jobs(), settled.clone());
        async move {
            match place {
                0 => {
                    jobs.job_renew_leases(owner, at(1_000_000)).await.unwrap();
                    Vec::new()
                }
                1 => {
                    let ends = [&settled[0], &settled[1]].map(|claimed| outcome(claimed, succeeded()));
                    jobs.job_settle_many(&ends).await.unwrap().outcomes
                }
                _ => {
                    jobs.job_reclaim_expired(NodeId::new(), at(200), REASON)
                        .await
                        .unwrap();
                    Vec::new()
                }
            }
        }
    })
    .await;
    for (place, claimed) in held.iter().enumerate() {
        let job = found(&**repositories, claimed.job.id).await;
        let execution = repositories
            .executions()
            .execution_find(claimed.execution_id)
            .await
            .unwrap()
            .unwrap();
        let expected = match job.status {
            JobStatus::Completed => ExecutionStatus::Completed,
            JobStatus::Queued => ExecutionStatus::Failed,
            JobStatus::Processing => ExecutionStatus::Running,
            other => panic!("{other}"),
        };
        assert_eq!(execution.status, expected);
        if let Some(told) = answers[1].get(place) {
            let was_settled = *told == SettleOutcome::Settled;
            assert_eq!(was_settled, job.status == JobStatus::Completed);
        }
        let of_job = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(job.id))]);
        let attempts = repositories
            .executions()
            .execution_list(&of_job, ExecutionSort::default(), crate::sample::everything())
            .await
            .unwrap();
        assert_eq!(attempts.total, 1);
        if job.status == JobStatus::Processing {
            let renewed = outcome(claimed, succeeded());
            let settled = repositories.jobs().job_settle_many(&[renewed]).await.unwrap();
            assert_eq!(settled.outcomes, [SettleOutcome::Settled]);
        }
    }
}
