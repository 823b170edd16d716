use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Event, Execution, ExecutionEvent, ExecutionStatus, JobEvent, JobStatus,
    NodeId, SettleOutcome, UnifiedJob,
};

use crate::harness::on_each_database;
use crate::sample::{at, claim, claimed_job, stored_jobs};

#[tokio::test]
async fn the_jobs_of_other_nodes_go_back_to_the_queue() {
    on_each_database(async |repositories| {
        let (me, dead, long_dead) = (NodeId::new(), NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        let mine = claimed_job(&*repositories, me).await;
        let of_dead = {
            stored_more(&*repositories, "second").await;
            jobs.job_claim_many(claim(dead, 1)).await.unwrap().jobs.remove(0)
        };
        let of_long_dead = {
            stored_more(&*repositories, "third").await;
            jobs.job_claim_many(claim(long_dead, 1))
                .await
                .unwrap()
                .jobs
                .remove(0)
        };
        let waiting = stored_more(&*repositories, "fourth").await;

        let reason = "its process \"died\", \0 100%";
        let recovery = jobs.job_recover_orphans(me, at(130), reason).await.unwrap();
        assert_eq!((recovery.jobs, recovery.events.len()), (2, 4));

        let told = "its process \"died\", \u{fffd} 100%".to_owned();
        for (orphan, node) in [(of_dead, dead), (of_long_dead, long_dead)] {
            let expected = UnifiedJob {
                status: JobStatus::Queued,
                error: Some(told.clone()),
                lease_owner: None,
                execution_id: None,
                lease_until: None,
                ..orphan.job.clone()
            };
            let job = jobs.job_find(orphan.job.id).await.unwrap();
            assert_eq!(job.as_ref(), Some(&expected));
            let queued = Event::Job(JobEvent::of(&expected, Some(JobStatus::Processing), at(130)));
            assert!(recovery.events.contains(&queued), "{recovery:?}");
            let failed = Event::Execution(ExecutionEvent {
                execution_id: orphan.execution_id,
                job_id: orphan.job.id,
                task_id: orphan.job.task_id,
                schedule_id: None,
                attempt: 1,
                status: ExecutionStatus::Failed,
                runnable_since: orphan.job.run_after,
                started_at: at(100),
                duration: Some(TimeDelta::seconds(30)),
                error_kind: None,
                at: at(130),
            });
            assert!(recovery.events.contains(&failed), "{recovery:?}");
            let expected = Execution {
                id: orphan.execution_id,
                job_id: orphan.job.id,
                attempt: 1,
                status: ExecutionStatus::Failed,
                input: orphan.job.input,
                output: None,
                error: Some(told.clone()),
                error_kind: None,
                progress: None,
                started_at: at(100),
                completed_at: Some(at(130)),
                duration: Some(TimeDelta::seconds(30)),
                node,
            };
            let found = repositories
                .executions()
                .execution_find(orphan.execution_id)
                .await
                .unwrap();
            assert_eq!(found, Some(expected));
        }
        assert_eq!(jobs.job_find(mine.job.id).await.unwrap(), Some(mine.job));
        assert_eq!(jobs.job_find(waiting.id).await.unwrap(), Some(waiting));
        // What is recovered is no orphan any more.
        assert_eq!(
            jobs.job_recover_orphans(me, at(131), reason).await.unwrap().jobs,
            0
        );
        assert_eq!(jobs.job_claim_many(claim(me, 10)).await.unwrap().jobs.len(), 3);
    })
    .await;
}

async fn stored_more(repositories: &dyn ratchet_interfaces::RepositoryFactory, task: &str) -> UnifiedJob {
    let task = crate::sample::stored_task(repositories, task).await;
    let job = crate::sample::job(task);
    repositories
        .jobs()
        .job_create_many(std::slice::from_ref(&job), &[])
        .await
        .unwrap();
    job
}

#[tokio::test]
async fn an_attempt_that_began_before_the_clock_was_set_back_has_no_negative_length() {
    on_each_database(async |repositories| {
        let orphan = claimed_job(&*repositories, NodeId::new()).await;
        let jobs = repositories.jobs();
        jobs.job_recover_orphans(NodeId::new(), at(40), "gone")
            .await
            .unwrap();
        let execution = repositories
            .executions()
            .execution_find(orphan.execution_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(execution.duration, Some(TimeDelta::zero()));
    })
    .await;
}

#[tokio::test]
async fn an_attempt_whose_job_was_recovered_has_lost_it() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let orphan = claimed_job(&*repositories, node).await;
        let jobs = repositories.jobs();
        jobs.job_recover_orphans(NodeId::new(), at(101), "gone")
            .await
            .unwrap();
        let before = jobs.job_find(orphan.job.id).await.unwrap();
        let late = AttemptOutcome {
            job_id: orphan.job.id,
            execution_id: orphan.execution_id,
            node,
            result: AttemptResult::Failed {
                error: "late".to_owned(),
            },
            error_kind: None,
            deliveries: Vec::new(),
            log: Vec::new(),
            ended_at: at(102),
            duration: TimeDelta::seconds(2),
        };
        assert_eq!(
            jobs.job_settle_many(&[late]).await.unwrap().outcomes,
            [SettleOutcome::LeaseLost]
        );
        assert_eq!(jobs.job_find(orphan.job.id).await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn where_nobody_died_nothing_is_recovered() {
    on_each_database(async |repositories| {
        let stored = stored_jobs(&*repositories, 2).await;
        let jobs = repositories.jobs();
        assert_eq!(
            jobs.job_recover_orphans(NodeId::new(), at(1), "gone")
                .await
                .unwrap()
                .jobs,
            0
        );
        for job in stored {
            assert_eq!(jobs.job_find(job.id).await.unwrap(), Some(job));
        }
    })
    .await;
}
