//! How many jobs stand where.

use ratchet_interfaces::{JobOrigin, JobStatus, NodeId, QueueDepths, UnifiedJob};

use crate::harness::on_each_database;
use crate::sample::{at, claim, job, store, stored_task, task};

#[tokio::test]
async fn unfinished_jobs_are_counted_where_they_stand_and_the_oldest_that_is_due_is_told() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        assert_eq!(
            jobs.job_queue_depths(at(100)).await.unwrap(),
            QueueDepths::default()
        );
        let open = stored_task(&*repositories, "open").await;
        let mut gated = task("gated");
        gated.definition.limits.max_concurrent = Some(1);
        repositories
            .tasks()
            .task_upsert_many(std::slice::from_ref(&gated))
            .await
            .unwrap();
        let gated = gated.definition.id;
        let of = |task, status, run_after| UnifiedJob {
            status,
            run_after: at(run_after),
            ..job(task)
        };
        let all = [
            of(open, JobStatus::Queued, 50),
            of(open, JobStatus::Queued, 101),
            of(open, JobStatus::Retrying, 100),
            of(gated, JobStatus::Queued, 40),
            UnifiedJob {
                origin: JobOrigin::Tick,
                ..of(open, JobStatus::Buffered, 1)
            },
            of(open, JobStatus::Blocked, 1),
            of(open, JobStatus::Completed, 1),
            of(open, JobStatus::Failed, 1),
        ];
        store(&*repositories, &all).await;
        let depths = QueueDepths {
            queued: 3,
            retrying: 1,
            processing: 0,
            buffered: 1,
            blocked: 1,
            due: 3,
            oldest_due: Some(at(40)),
        };
        assert_eq!(jobs.job_queue_depths(at(100)).await.unwrap(), depths);
        let claimed = jobs.job_claim_many(claim(NodeId::new(), 2)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 2);
        let after = jobs.job_queue_depths(at(100)).await.unwrap();
        assert_eq!(
            (after.processing, after.queued + after.retrying, after.due),
            (2, 2, 1)
        );
        let early = jobs.job_queue_depths(at(0)).await.unwrap();
        assert_eq!((early.due, early.oldest_due), (0, None));
    })
    .await;
}
