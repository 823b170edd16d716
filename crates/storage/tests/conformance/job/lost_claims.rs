use ratchet_interfaces::{Event, ExecutionStatus, JobEvent, JobStatus, NodeId, Recovery};

use crate::harness::on_each_database;
use crate::sample::{at, claim, stored_jobs};

#[tokio::test]
async fn a_node_s_jobs_that_it_does_not_know_of_go_back_to_the_queue_and_the_others_stay() {
    on_each_database(async |repositories| {
        let (me, other) = (NodeId::new(), NodeId::new());
        let jobs = repositories.jobs();
        stored_jobs(&*repositories, 4).await;
        let known = jobs.job_claim_many(claim(me, 1)).await.unwrap().jobs.remove(0);
        let of_other = jobs.job_claim_many(claim(other, 1)).await.unwrap().jobs.remove(0);
        let lost = jobs.job_claim_many(claim(me, 1)).await.unwrap().jobs.remove(0);

        let recovered = jobs
            .job_recover_lost_claims(me, &[known.execution_id], at(130), "its \0 answer")
            .await
            .unwrap();
        let job = jobs.job_find(lost.job.id).await.unwrap().unwrap();
        let [Event::Execution(ended), Event::Job(queued)] = recovered.events.as_slice() else {
            panic!("{recovered:?}")
        };
        assert_eq!(recovered.jobs, 1);
        assert_eq!(*queued, JobEvent::of(&job, Some(JobStatus::Processing), at(130)));
        assert_eq!(
            (ended.execution_id, ended.job_id, ended.status),
            (lost.execution_id, lost.job.id, ExecutionStatus::Failed)
        );
        assert_eq!((job.status, job.lease_owner), (JobStatus::Queued, None));
        assert_eq!(job.error.as_deref(), Some("its \u{fffd} answer"));
        let executions = repositories.executions();
        let execution = executions
            .execution_find(lost.execution_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(execution.status, ExecutionStatus::Failed);
        assert_eq!(execution.completed_at, Some(at(130)));
        for kept in [known, of_other] {
            assert_eq!(jobs.job_find(kept.job.id).await.unwrap(), Some(kept.job));
            let execution = executions
                .execution_find(kept.execution_id)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(execution.status, ExecutionStatus::Running);
        }
    })
    .await;
}

#[tokio::test]
async fn a_node_that_knows_of_none_gets_all_of_its_jobs_back() {
    on_each_database(async |repositories| {
        let me = NodeId::new();
        let jobs = repositories.jobs();
        stored_jobs(&*repositories, 3).await;
        assert_eq!(jobs.job_claim_many(claim(me, 3)).await.unwrap().jobs.len(), 3);
        let recover = async || {
            jobs.job_recover_lost_claims(me, &[], at(130), "lost")
                .await
                .unwrap()
        };
        assert_eq!(recover().await.jobs, 3);
        assert_eq!(recover().await, Recovery::default());
        assert_eq!(jobs.job_claim_many(claim(me, 3)).await.unwrap().jobs.len(), 3);
    })
    .await;
}
