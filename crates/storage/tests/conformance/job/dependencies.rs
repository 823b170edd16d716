//! Jobs that are stored as being after others.

use DependencyCondition::{AllFinished, AllSucceeded, AnyFailed};
use ratchet_interfaces::{
    Choice, DependencyCondition, JobCondition, JobCreation, JobDependencies, JobFilter, JobId, JobSort,
    JobStatus, NodeId, RepositoryError, RepositoryFactory, TaskId, UnifiedJob,
};

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{
    cancelled, claim, everything, failed, found, job, settle, status, store, stored_after, stored_task,
    succeeded,
};

fn blocked(task: TaskId, condition: DependencyCondition) -> UnifiedJob {
    UnifiedJob {
        after: Some(condition),
        ..job(task)
    }
}

fn after(job: &UnifiedJob, others: &[JobId]) -> JobDependencies {
    JobDependencies {
        job_id: job.id,
        after: others.to_vec(),
    }
}

async fn count(repositories: &dyn RepositoryFactory) -> u64 {
    repositories
        .jobs()
        .job_list(&JobFilter::default(), JobSort::default(), everything())
        .await
        .unwrap()
        .total
}

#[tokio::test]
async fn how_the_others_stand_decides_what_a_new_job_is() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let mut ended = Vec::new();
        for end in [succeeded(), failed(), cancelled()] {
            store(&*repositories, &[job(task)]).await;
            let jobs = repositories.jobs();
            let claimed = jobs
                .job_claim_many(claim(NodeId::new(), 1))
                .await
                .unwrap()
                .jobs
                .remove(0);
            settle(&*repositories, &claimed, end).await;
            ended.push(claimed.job.id);
        }
        let waiting = job(task);
        store(&*repositories, std::slice::from_ref(&waiting)).await;
        let (completed, failed, cancelled, waiting) = (ended[0], ended[1], ended[2], waiting.id);
        use JobStatus::{Blocked, Cancelled, Queued};
        for (others, expected) in [
            (vec![completed], [Queued, Queued, Cancelled]),
            (vec![failed], [Cancelled, Queued, Queued]),
            (vec![cancelled], [Cancelled, Queued, Queued]),
            (vec![completed, failed, cancelled], [Cancelled, Queued, Queued]),
            (vec![waiting], [Blocked, Blocked, Blocked]),
            (vec![completed, waiting], [Blocked, Blocked, Blocked]),
            (vec![failed, waiting], [Cancelled, Blocked, Queued]),
        ] {
            for (condition, expected) in [AllSucceeded, AllFinished, AnyFailed].into_iter().zip(expected) {
                let id = stored_after(&*repositories, task, condition, &others).await;
                let stored = found(&*repositories, id).await;
                assert_eq!(stored.status, expected, "{condition} of {others:?}");
                assert_eq!(stored.after, Some(condition));
                let is_cancelled = expected == Cancelled;
                assert_eq!(
                    (stored.error.is_some(), stored.completed_at.is_some()),
                    (is_cancelled, is_cancelled)
                );
                let mut sorted = others.clone();
                sorted.sort_unstable();
                assert_eq!(repositories.jobs().job_dependencies(id).await.unwrap(), sorted);
            }
        }
        let of_none = repositories.jobs().job_dependencies(waiting).await.unwrap();
        assert_eq!(of_none, []);
    })
    .await;
}

#[tokio::test]
async fn the_jobs_of_one_call_may_be_after_each_other_in_any_order() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        store(&*repositories, &[job(task)]).await;
        let jobs = repositories.jobs();
        let broken = jobs
            .job_claim_many(claim(NodeId::new(), 1))
            .await
            .unwrap()
            .jobs
            .remove(0);
        settle(&*repositories, &broken, failed()).await;

        let first = job(task);
        let second = blocked(task, AllSucceeded);
        let last = blocked(task, AllSucceeded);
        // These are decided at once, one after the other.
        let hopeless = blocked(task, AllSucceeded);
        let its_heir = blocked(task, AllSucceeded);
        let its_mender = blocked(task, AnyFailed);
        let dependencies = [
            after(&last, &[second.id, first.id]),
            after(&its_mender, &[its_heir.id, first.id]),
            after(&its_heir, &[hopeless.id]),
            after(&hopeless, &[broken.job.id]),
            after(&second, &[first.id]),
        ];
        let call = [&last, &its_mender, &its_heir, &hopeless, &second, &first].map(Clone::clone);
        let created = jobs.job_create_many(&call, &dependencies).await.unwrap();
        use JobStatus::{Blocked, Cancelled, Queued};
        assert_eq!(
            created,
            [Blocked, Queued, Cancelled, Cancelled, Blocked, Queued].map(JobCreation::Created)
        );
        for (job, expected) in [
            (&first, Queued),
            (&second, Blocked),
            (&last, Blocked),
            (&hopeless, Cancelled),
            (&its_heir, Cancelled),
            (&its_mender, Queued),
        ] {
            assert_eq!(status(&*repositories, job.id).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_circle_is_refused_and_nothing_of_its_call_is_stored() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let jobs = repositories.jobs();
        let [a, b, c, d] = [(); 4].map(|()| blocked(task, AllFinished));
        for circle in [
            vec![after(&a, &[a.id])],
            vec![after(&a, &[b.id]), after(&b, &[a.id])],
            vec![
                after(&a, &[d.id]),
                after(&b, &[a.id]),
                after(&c, &[b.id, d.id]),
                after(&a, &[c.id]),
            ],
        ] {
            let call = [&a, &b, &c, &d].map(Clone::clone);
            assert_refused!(
                jobs.job_create_many(&call, &circle).await,
                RepositoryError::DependencyCycle { .. }
            );
            assert_eq!(count(&*repositories).await, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_after_one_that_does_not_exist_is_refused() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let (other, orphan) = (job(task), blocked(task, AllFinished));
        let call = [other.clone(), orphan.clone()];
        let dependencies = [after(&orphan, &[other.id, JobId::new()])];
        match repositories.jobs().job_create_many(&call, &dependencies).await {
            Err(RepositoryError::BrokenReference { what, id }) => {
                assert_eq!((what, id), ("job", orphan.id.to_string()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&*repositories).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_after_none_is_queued() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let free = job(task);
        let created = repositories
            .jobs()
            .job_create_many(std::slice::from_ref(&free), &[after(&free, &[])])
            .await
            .unwrap();
        assert_eq!(created, [JobCreation::Created(JobStatus::Queued)]);
        assert_eq!(status(&*repositories, free.id).await, JobStatus::Queued);
    })
    .await;
}

#[tokio::test]
async fn a_long_chain_is_stored_in_one_call_and_cancelled_at_once() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let mut chain: Vec<UnifiedJob> = (0..2_500).map(|_| blocked(task, AllSucceeded)).collect();
        chain[0].after = None;
        let dependencies: Vec<JobDependencies> = chain
            .windows(2)
            .map(|pair| after(&pair[1], &[pair[0].id]))
            .collect();
        let jobs = repositories.jobs();
        jobs.job_create_many(&chain, &dependencies).await.unwrap();
        let claimed = jobs.job_claim_many(claim(NodeId::new(), 10)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(settle(&*repositories, &claimed[0], failed()).await.released, 0);
        let filter = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Cancelled))]);
        let list = jobs
            .job_list(&filter, JobSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(list.total, 2_499);
    })
    .await;
}
