use ratchet_interfaces::{
    ClaimedJob, ExecutionDeletion, ExecutionFilter, ExecutionId, ExecutionSort, JobChanges, JobDeletion,
    JobId, JobPriority, JobStatus, JobUpdate, NodeId, RepositoryError, RepositoryFactory, UnifiedJob,
};
use serde_json::json;

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{
    at, cancel, claim, claimed_job, claimed_jobs, everything, found, job, settle, store, stored_jobs,
    stored_schedule, stored_task, succeeded,
};

#[tokio::test]
async fn a_job_that_waits_is_changed_in_what_is_given() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let before = stored_jobs(&*repositories, 1).await.remove(0);
        let changes = JobChanges {
            priority: Some(JobPriority::Critical),
            scheduled_for: Some(Some(at(5))),
            run_after: Some(at(6)),
            max_retries: Some(Some(7)),
            timeout_seconds: Some(Some(8)),
            input: Some(json!({"changed": "it's 🌍"})),
            output_destinations: Some(Vec::new()),
        };
        let expected = UnifiedJob {
            priority: JobPriority::Critical,
            scheduled_for: Some(at(5)),
            run_after: at(6),
            max_retries: Some(7),
            timeout_seconds: Some(8),
            input: json!({"changed": "it's 🌍"}),
            ..found(&*repositories, before.id).await
        };
        let updated = jobs.job_update(before.id, &changes).await.unwrap();
        assert_eq!(updated, JobUpdate::Updated(Box::new(expected.clone())));
        assert_eq!(found(&*repositories, before.id).await, expected);
        let none = JobChanges {
            max_retries: Some(None),
            timeout_seconds: Some(None),
            scheduled_for: Some(None),
            ..JobChanges::default()
        };
        jobs.job_update(before.id, &none).await.unwrap();
        let job = found(&*repositories, before.id).await;
        assert_eq!(
            (job.max_retries, job.timeout_seconds, job.scheduled_for),
            (None, None, None)
        );
        let unchanged = jobs.job_update(before.id, &JobChanges::default()).await.unwrap();
        assert_eq!(unchanged, JobUpdate::Updated(Box::new(job)));
        assert_refused!(
            jobs.job_update(JobId::new(), &changes).await,
            RepositoryError::NotFound { what: "job", .. }
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_runs_or_has_ended_is_not_changed() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let claimed = claimed_job(&*repositories, NodeId::new()).await;
        let id = claimed.job.id;
        let running = jobs.job_update(id, &JobChanges::default()).await.unwrap();
        assert_eq!(running, JobUpdate::TooLate(JobStatus::Processing));
        settle(&*repositories, &claimed, succeeded()).await;
        let ended = jobs.job_update(id, &JobChanges::default()).await.unwrap();
        assert_eq!(ended, JobUpdate::TooLate(JobStatus::Completed));
    })
    .await;
}

#[tokio::test]
async fn a_job_goes_with_its_executions_once_it_has_ended() {
    on_each_database(async |repositories| {
        let (jobs, executions) = (repositories.jobs(), repositories.executions());
        let queued = job(stored_task(&*repositories, "other").await);
        let claimed = claimed_job(&*repositories, NodeId::new()).await;
        store(&*repositories, std::slice::from_ref(&queued)).await;
        assert_eq!(
            jobs.job_delete(claimed.job.id).await.unwrap(),
            JobDeletion::Unfinished(JobStatus::Processing)
        );
        assert_eq!(
            executions.execution_delete(claimed.execution_id).await.unwrap(),
            ExecutionDeletion::Running
        );
        settle(&*repositories, &claimed, succeeded()).await;
        assert_eq!(
            jobs.job_delete(queued.id).await.unwrap(),
            JobDeletion::Unfinished(JobStatus::Queued)
        );
        assert_eq!(
            jobs.job_delete(claimed.job.id).await.unwrap(),
            JobDeletion::Deleted {
                task_id: Some(claimed.job.task_id),
                schedule_id: claimed.job.schedule_id
            }
        );
        let left = executions
            .execution_list(
                &ExecutionFilter::default(),
                ExecutionSort::default(),
                everything(),
            )
            .await
            .unwrap();
        assert_eq!(left.total, 0);
        assert_refused!(
            jobs.job_delete(claimed.job.id).await,
            RepositoryError::NotFound { what: "job", .. }
        );
        assert_refused!(
            executions.execution_delete(ExecutionId::new()).await,
            RepositoryError::NotFound {
                what: "execution",
                ..
            }
        );
    })
    .await;
}

#[tokio::test]
async fn an_execution_that_has_ended_goes_without_its_job() {
    on_each_database(async |repositories| {
        let executions = repositories.executions();
        let claimed = claimed_job(&*repositories, NodeId::new()).await;
        settle(&*repositories, &claimed, succeeded()).await;
        assert_eq!(
            executions.execution_delete(claimed.execution_id).await.unwrap(),
            ExecutionDeletion::Deleted {
                job_id: Some(claimed.job.id),
                task_id: Some(claimed.job.task_id),
                schedule_id: claimed.job.schedule_id
            }
        );
        assert_eq!(
            executions.execution_find(claimed.execution_id).await.unwrap(),
            None
        );
        assert_eq!(
            found(&*repositories, claimed.job.id).await.status,
            JobStatus::Completed
        );
    })
    .await;
}

#[tokio::test]
async fn jobs_and_executions_are_counted_by_how_they_stand() {
    on_each_database(async |repositories| {
        let (jobs, executions) = (repositories.jobs(), repositories.executions());
        let empty = jobs.job_statistics(at(0)).await.unwrap();
        assert_eq!((empty.total, empty.mean_wait_micros), (0, None));
        let other = stored_task(&*repositories, "other").await;
        store(&*repositories, &[job(other), job(other)]).await;
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let (ended, running) = (&claimed[0], &claimed[1]);
        settle(&*repositories, ended, succeeded()).await;
        let waiting = jobs
            .job_list(&Default::default(), Default::default(), everything())
            .await
            .unwrap();
        let waiting: Vec<JobId> = waiting
            .items
            .iter()
            .filter(|job| job.status == JobStatus::Queued)
            .map(|job| job.id)
            .collect();
        jobs.job_cancel(&cancel(waiting[0], false)).await.unwrap();
        let found = jobs.job_statistics(at(0)).await.unwrap();
        assert_eq!(
            (
                found.total,
                found.queued,
                found.processing,
                found.completed,
                found.cancelled
            ),
            (4, 1, 1, 1, 1)
        );
        assert!(
            found.mean_wait_micros.is_some_and(|wait| wait >= 0.0),
            "{found:?}"
        );
        assert_eq!((found.failed, found.retrying), (0, 0));
        let attempts = executions.execution_statistics(at(0)).await.unwrap();
        assert_eq!(
            (
                attempts.pending,
                attempts.running,
                attempts.completed,
                attempts.failed
            ),
            (1, 1, 1, 0)
        );
        assert!(
            attempts.mean_duration_micros.is_some_and(|mean| mean >= 0.0),
            "{attempts:?}"
        );
        let many = jobs
            .job_find_many(&[running.job.id, JobId::new(), ended.job.id])
            .await
            .unwrap();
        let mut ids: Vec<JobId> = many.iter().map(|job| job.id).collect();
        let mut expected = vec![running.job.id, ended.job.id];
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected);
        assert!(jobs.job_find_many(&[]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_unfinished_job_of_a_unique_key_is_found() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let keyed = UnifiedJob {
            unique_key: Some("import".to_owned()),
            ..job(stored_task(&*repositories, "import").await)
        };
        store(&*repositories, std::slice::from_ref(&keyed)).await;
        assert_eq!(
            jobs.job_find_by_unique_key("import").await.unwrap(),
            Some(keyed.id)
        );
        jobs.job_cancel(&cancel(keyed.id, false)).await.unwrap();
        assert_eq!(jobs.job_find_by_unique_key("import").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn who_deletes_a_job_is_told_whose_it_was() {
    on_each_database(async |repositories| {
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let ended = UnifiedJob {
            schedule_id: Some(schedule.id),
            scheduled_for: Some(at(0)),
            ..job(schedule.task_id)
        };
        store(&*repositories, std::slice::from_ref(&ended)).await;
        let claimed = claim_one(&*repositories).await;
        settle(&*repositories, &claimed, succeeded()).await;
        let (task_id, schedule_id) = (Some(schedule.task_id), Some(schedule.id));
        let executions = repositories.executions();
        assert_eq!(
            executions.execution_delete(claimed.execution_id).await.unwrap(),
            ExecutionDeletion::Deleted {
                job_id: Some(ended.id),
                task_id,
                schedule_id
            }
        );
        assert_eq!(
            repositories.jobs().job_delete(ended.id).await.unwrap(),
            JobDeletion::Deleted { task_id, schedule_id }
        );
    })
    .await;
}

async fn claim_one(repositories: &dyn RepositoryFactory) -> ClaimedJob {
    let claimed = repositories.jobs().job_claim_many(claim(NodeId::new(), 1)).await;
    claimed.unwrap().jobs.remove(0)
}
