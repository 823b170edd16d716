//! Of the unfinished jobs with the same unique key there is one.

use ratchet_interfaces::{
    DependencyCondition, JobCreation, JobDependencies, JobFilter, JobId, JobSort, JobStatus, NodeId,
    RepositoryError, TaskId, UnifiedJob,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{
    HOSTILE, cancel, cancelled, claim, everything, failed, found, job, settle, status, store, stored_task,
    succeeded,
};

fn with_key(task: TaskId, key: &str) -> UnifiedJob {
    UnifiedJob {
        unique_key: Some(key.to_owned()),
        ..job(task)
    }
}

#[tokio::test]
async fn a_second_job_with_the_key_of_an_unfinished_one_is_left_out() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let other_task = stored_task(&*repositories, "other").await;
        let jobs = repositories.jobs();
        for key in HOSTILE.iter().copied().chain(["\0nul", "Key", "key"]) {
            let holder = with_key(task, key);
            store(&*repositories, std::slice::from_ref(&holder)).await;
            // A key is nobody's task's: that of another task is the same.
            let (second, bystander) = (with_key(other_task, key), job(task));
            let created = jobs
                .job_create_many(&[second.clone(), bystander.clone()], &[])
                .await
                .unwrap();
            assert_eq!(
                created,
                [
                    JobCreation::Duplicate(holder.id),
                    JobCreation::Created(JobStatus::Queued)
                ],
                "{key:?}"
            );
            assert_eq!(jobs.job_find(second.id).await.unwrap(), None);
            assert_eq!(status(&*repositories, bystander.id).await, JobStatus::Queued);
        }
    })
    .await;
}

#[tokio::test]
async fn within_one_call_the_first_job_has_the_key() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let call: Vec<UnifiedJob> = ["a", "b", "a", "a", "b"].map(|key| with_key(task, key)).into();
        let created = repositories.jobs().job_create_many(&call, &[]).await.unwrap();
        use JobCreation::{Created, Duplicate};
        let (a, b) = (call[0].id, call[1].id);
        assert_eq!(
            created,
            [
                Created(JobStatus::Queued),
                Created(JobStatus::Queued),
                Duplicate(a),
                Duplicate(a),
                Duplicate(b)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_is_kept_until_its_job_has_ended_and_is_free_then() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let jobs = repositories.jobs();
        for (round, end) in [succeeded(), failed(), cancelled()].into_iter().enumerate() {
            let holder = with_key(task, &format!("key {round}"));
            let again = || UnifiedJob {
                id: JobId::new(),
                ..holder.clone()
            };
            store(&*repositories, std::slice::from_ref(&holder)).await;
            let claimed = jobs
                .job_claim_many(claim(NodeId::new(), 1))
                .await
                .unwrap()
                .jobs
                .remove(0);
            let created = jobs.job_create_many(&[again()], &[]).await.unwrap();
            assert_eq!(created, [JobCreation::Duplicate(holder.id)], "while it runs");
            settle(&*repositories, &claimed, end).await;
            let next = again();
            store(&*repositories, std::slice::from_ref(&next)).await;
            assert_ne!(status(&*repositories, holder.id).await, JobStatus::Queued);
            jobs.job_cancel(&cancel(next.id, false)).await.unwrap();
            let last = again();
            store(&*repositories, std::slice::from_ref(&last)).await;
            jobs.job_cancel(&cancel(last.id, false)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_make_a_job_with_a_key_at_the_same_time_one_does_and_the_others_hear_of_it() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        for round in 0..5 {
            let key = format!("round {round}");
            let answers = at_once(0..8, |_| {
                let jobs = repositories.jobs();
                let call = [job(task), with_key(task, &key)];
                async move {
                    let created = jobs.job_create_many(&call, &[]).await.unwrap();
                    (call.map(|job| job.id), created)
                }
            })
            .await;
            let all = repositories
                .jobs()
                .job_list(&JobFilter::default(), JobSort::default(), everything())
                .await
                .unwrap();
            let holders: Vec<JobId> = all
                .items
                .iter()
                .filter(|job| job.unique_key.as_ref() == Some(&key))
                .map(|job| job.id)
                .collect();
            assert_eq!(holders.len(), 1, "{answers:?}");
            for ([bystander, wanted], created) in answers {
                assert_eq!(created[0], JobCreation::Created(JobStatus::Queued));
                found(&*repositories, bystander).await;
                let expected = if wanted == holders[0] {
                    JobCreation::Created(JobStatus::Queued)
                } else {
                    JobCreation::Duplicate(holders[0])
                };
                assert_eq!(created[1], expected);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_after_a_job_that_was_left_out_is_after_the_one_that_has_its_key() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let jobs = repositories.jobs();
        let holder = with_key(task, "key");
        store(&*repositories, std::slice::from_ref(&holder)).await;
        let left_out = with_key(task, "key");
        let next = UnifiedJob {
            after: Some(DependencyCondition::AllSucceeded),
            ..job(task)
        };
        let dependencies = JobDependencies {
            job_id: next.id,
            after: vec![left_out.id, holder.id],
        };
        let created = jobs
            .job_create_many(&[left_out, next.clone()], &[dependencies])
            .await
            .unwrap();
        assert_eq!(
            created,
            [
                JobCreation::Duplicate(holder.id),
                JobCreation::Created(JobStatus::Blocked)
            ]
        );
        assert_eq!(jobs.job_dependencies(next.id).await.unwrap(), [holder.id]);
        let claimed = jobs.job_claim_many(claim(NodeId::new(), 5)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(settle(&*repositories, &claimed[0], succeeded()).await.released, 1);
        assert_eq!(status(&*repositories, next.id).await, JobStatus::Queued);

        // By way of the key, these would be after each other.
        let (first, twin, between) = (with_key(task, "circle"), with_key(task, "circle"), job(task));
        let circle = [
            JobDependencies {
                job_id: first.id,
                after: vec![between.id],
            },
            JobDependencies {
                job_id: between.id,
                after: vec![twin.id],
            },
        ];
        assert_refused!(
            jobs.job_create_many(&[first.clone(), twin, between], &circle)
                .await,
            RepositoryError::DependencyCycle { .. }
        );
        assert_eq!(jobs.job_find(first.id).await.unwrap(), None);
    })
    .await;
}
