use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, JobPriority, JobStatus, NodeId, RepositoryFactory, UnifiedJob,
};

use crate::harness::on_each_database;
use crate::sample::{at, claim, claimed_job, job, stored_task};

/// A job that was queued at second `queued` to run at second `run`.
async fn queued(
    repositories: &dyn RepositoryFactory,
    queued: i64,
    run: i64,
    priority: JobPriority,
) -> UnifiedJob {
    let task = stored_task(repositories, &format!("from {queued} for {run}")).await;
    let job = UnifiedJob {
        queued_at: at(queued),
        run_after: at(run),
        priority,
        ..job(task)
    };
    repositories
        .jobs()
        .job_create_many(std::slice::from_ref(&job), &[])
        .await
        .unwrap();
    job
}

#[tokio::test]
async fn a_job_that_was_to_run_at_once_runs_at_once_when_the_clock_was_set_back() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let stranded = [
            queued(&*repositories, 3_600, 3_600, JobPriority::Low).await,
            queued(&*repositories, 3_650, 3_640, JobPriority::Critical).await,
        ];
        let due = queued(&*repositories, 10, 10, JobPriority::Normal).await;
        let planned = queued(&*repositories, 20, 4_000, JobPriority::Normal).await;
        assert_eq!(jobs.job_bring_forward(at(50), at(350)).await.unwrap(), 2);
        for job in stranded {
            let expected = UnifiedJob {
                run_after: at(50),
                ..job
            };
            assert_eq!(jobs.job_find(expected.id).await.unwrap(), Some(expected));
        }
        for job in [due, planned] {
            assert_eq!(jobs.job_find(job.id).await.unwrap(), Some(job));
        }
        assert_eq!(jobs.job_bring_forward(at(50), at(350)).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_retry_waits_no_longer_than_the_longest_backoff_and_one_that_was_started_not_at_all() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_job(&*repositories, node).await;
        let jobs = repositories.jobs();
        let outcome = AttemptOutcome {
            job_id: claimed.job.id,
            execution_id: claimed.execution_id,
            node,
            result: AttemptResult::Retry {
                error: "no".to_owned(),
                run_after: at(3_700),
            },
            error_kind: None,
            deliveries: Vec::new(),
            log: Vec::new(),
            ended_at: at(3_600),
            duration: TimeDelta::seconds(1),
        };
        jobs.job_settle_many(&[outcome]).await.unwrap();
        let found = async || jobs.job_find(claimed.job.id).await.unwrap().unwrap();
        assert_eq!(jobs.job_bring_forward(at(3_500), at(3_800)).await.unwrap(), 0);
        assert_eq!(found().await.run_after, at(3_700));
        assert_eq!(jobs.job_bring_forward(at(50), at(350)).await.unwrap(), 1);
        assert_eq!(found().await.run_after, at(350));

        // It is started again, its process dies, and the clock is set back once more.
        let again = jobs
            .job_claim_many(ratchet_interfaces::ClaimRequest {
                now: at(400),
                ..claim(node, 1)
            })
            .await
            .unwrap()
            .jobs;
        assert_eq!(again[0].job.id, claimed.job.id);
        jobs.job_recover_orphans(NodeId::new(), at(401), "gone")
            .await
            .unwrap();
        assert_eq!(jobs.job_bring_forward(at(60), at(360)).await.unwrap(), 1);
        assert_eq!(
            (found().await.status, found().await.run_after),
            (JobStatus::Queued, at(60))
        );
    })
    .await;
}
