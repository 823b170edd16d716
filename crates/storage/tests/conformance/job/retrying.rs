//! Putting jobs that failed or were cancelled back into the queue by hand.

use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Bound, Choice, JobCondition, JobCreation, JobFilter, JobId, JobStatus,
    NodeId, TaskErrorKind, TaskId, UnifiedJob,
};

use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, cancel, claim, claimed_job, failed, found, job, outcome, settle, status, store, stored_after,
    stored_task,
};

/// A job that failed, and was queued at that second.
fn broken(task: TaskId, queued: i64) -> UnifiedJob {
    UnifiedJob {
        status: JobStatus::Failed,
        queued_at: at(queued),
        completed_at: Some(at(50)),
        ..job(task)
    }
}

fn ids(jobs: &[UnifiedJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn a_job_that_is_put_back_has_all_its_tries_before_it_and_succeeds() {
    on_each_database(async |repositories| {
        let jobs = repositories.jobs();
        let claimed = claimed_job(&*repositories, NodeId::new()).await;
        let end = AttemptOutcome {
            error_kind: Some(TaskErrorKind::Timeout),
            ..outcome(&claimed, failed())
        };
        jobs.job_settle_many(&[end]).await.unwrap();
        let before = found(&*repositories, claimed.job.id).await;
        let retried = jobs
            .job_retry_many(&[before.id], &JobFilter::default(), at(90), 0)
            .await
            .unwrap();
        assert_eq!(retried, [before.id], "the limit is for the filter");
        let expected = UnifiedJob {
            status: JobStatus::Queued,
            retry_count: 0,
            run_after: at(90),
            completed_at: None,
            ..before
        };
        assert_eq!(found(&*repositories, expected.id).await, expected);
        let again = jobs
            .job_claim_many(claim(NodeId::new(), 1))
            .await
            .unwrap()
            .jobs
            .remove(0);
        assert_eq!((again.job.id, again.job.attempts), (expected.id, 2));
        settle(&*repositories, &again, crate::sample::succeeded()).await;
        let done = found(&*repositories, expected.id).await;
        assert_eq!(
            (done.status, done.error, done.error_kind),
            (JobStatus::Completed, None, None)
        );
    })
    .await;
}

#[tokio::test]
async fn of_named_jobs_those_are_put_back_that_failed_or_were_cancelled() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let stored: Vec<_> = JobStatus::ALL
            .iter()
            .map(|status| UnifiedJob {
                status: *status,
                retry_count: 3,
                stop_requested_at: Some(at(20)),
                ..job(task)
            })
            .collect();
        store(&*repositories, &stored).await;
        let jobs = repositories.jobs();
        let mut named = ids(&stored);
        named.push(JobId::new());
        named.push(named[0]);
        let retried = jobs
            .job_retry_many(&named, &JobFilter::default(), at(90), 100)
            .await
            .unwrap();
        let (expected, left): (Vec<UnifiedJob>, Vec<_>) = stored
            .into_iter()
            .partition(|job| matches!(job.status, JobStatus::Failed | JobStatus::Cancelled));
        assert_eq!(retried, ids(&expected));
        for job in left {
            assert_eq!(found(&*repositories, job.id).await, job);
        }
        for job in expected {
            let now = found(&*repositories, job.id).await;
            // What asked it to stop was about the attempt before.
            assert_eq!(
                (now.status, now.stop_requested_at, now.retry_count),
                (JobStatus::Queued, None, 0)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn of_those_that_match_the_failed_ones_are_put_back_the_oldest_first() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let other = stored_task(&*repositories, "other").await;
        let in_order: Vec<_> = [10, 20, 20, 30, 40].map(|second| broken(task, second)).into();
        let mut stored = in_order.clone();
        stored.rotate_left(3);
        let called_off = UnifiedJob {
            status: JobStatus::Cancelled,
            ..broken(task, 0)
        };
        let of_other = broken(other, 0);
        stored.extend([called_off.clone(), of_other.clone()]);
        store(&*repositories, &stored).await;
        let jobs = repositories.jobs();
        let of_task = JobFilter::of([JobCondition::TaskId(Choice::Is(task))]);
        let retry =
            async |filter: &JobFilter, limit| jobs.job_retry_many(&[], filter, at(90), limit).await.unwrap();
        assert_eq!(retry(&of_task, 0).await, []);
        assert_eq!(retry(&of_task, 2).await, ids(&in_order[..2]));
        let early = of_task.clone().and(JobCondition::QueuedAt(Bound::Before(at(40))));
        assert_eq!(retry(&early, 100).await, ids(&in_order[2..4]));
        let of_others = JobFilter::of([JobCondition::Status(Choice::IsOneOf(vec![
            JobStatus::Cancelled,
            JobStatus::Completed,
        ]))]);
        assert_eq!(retry(&of_others, 100).await, []);
        assert_eq!(
            retry(&JobFilter::default(), 100).await,
            [of_other.id, in_order[4].id]
        );
        assert_eq!(status(&*repositories, called_off.id).await, JobStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_unique_key_was_taken_meanwhile_is_left_and_keeps_no_other() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let keyed = |key: &str, queued| UnifiedJob {
            unique_key: Some(key.to_owned()),
            ..broken(task, queued)
        };
        let (taken, free, twin, bare) = (keyed("a", 1), keyed("b", 2), keyed("b", 3), broken(task, 4));
        let stored = [taken.clone(), free.clone(), bare.clone()];
        for job in &stored {
            store(&*repositories, std::slice::from_ref(job)).await;
        }
        store(&*repositories, std::slice::from_ref(&twin)).await;
        let holder = UnifiedJob {
            unique_key: Some("a".to_owned()),
            ..job(task)
        };
        store(&*repositories, std::slice::from_ref(&holder)).await;
        let jobs = repositories.jobs();
        let retry = async |ids: &[JobId], limit| {
            jobs.job_retry_many(ids, &JobFilter::default(), at(90), limit)
                .await
                .unwrap()
        };
        assert_eq!(retry(&[taken.id], 10).await, []);
        assert_eq!(
            retry(&[], 1).await,
            [free.id],
            "the one before it has lost its key"
        );
        assert_eq!(retry(&[], 10).await, [bare.id], "the twin has lost its key now");
        assert_eq!(status(&*repositories, taken.id).await, JobStatus::Failed);
        // A job that was put back has its key again.
        let second = UnifiedJob {
            unique_key: Some("b".to_owned()),
            ..job(task)
        };
        let created = jobs.job_create_many(&[second], &[]).await.unwrap();
        assert_eq!(created, [JobCreation::Duplicate(free.id)]);
        jobs.job_cancel(&cancel(holder.id, false)).await.unwrap();
        assert_eq!(retry(&[taken.id], 10).await, [taken.id]);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_was_cancelled_for_what_it_is_after_is_run_when_it_is_put_back() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "next").await;
        let jobs = repositories.jobs();
        let first = claimed_job(&*repositories, NodeId::new()).await;
        use ratchet_interfaces::DependencyCondition::AllSucceeded;
        let second = stored_after(&*repositories, task, AllSucceeded, &[first.job.id]).await;
        settle(&*repositories, &first, failed()).await;
        let retried = jobs
            .job_retry_many(&[second], &JobFilter::default(), at(90), 1)
            .await;
        assert_eq!(retried.unwrap(), [second]);
        let claimed = jobs.job_claim_many(claim(NodeId::new(), 10)).await.unwrap().jobs;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].job.id, second);
        // And the first, put back, decides nothing about it any more.
        let retried = jobs
            .job_retry_many(&[first.job.id], &JobFilter::default(), at(90), 1)
            .await;
        assert_eq!(retried.unwrap(), [first.job.id]);
        let again = jobs
            .job_claim_many(claim(NodeId::new(), 1))
            .await
            .unwrap()
            .jobs
            .remove(0);
        settle(
            &*repositories,
            &again,
            AttemptResult::Cancelled {
                reason: "called off".to_owned(),
            },
        )
        .await;
        assert_eq!(status(&*repositories, second).await, JobStatus::Processing);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_put_back_once_by_those_who_do_it_at_the_same_time() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let stored: Vec<_> = (0..40).map(|second| broken(task, second)).collect();
        store(&*repositories, &stored).await;
        let answers = at_once(0..4, |_| {
            let jobs = repositories.jobs();
            async move {
                let mut mine = Vec::new();
                loop {
                    let some = jobs
                        .job_retry_many(&[], &JobFilter::default(), at(90), 5)
                        .await
                        .unwrap();
                    if some.is_empty() {
                        break mine;
                    }
                    mine.extend(some);
                }
            }
        })
        .await;
        let mut retried: Vec<JobId> = answers.into_iter().flatten().collect();
        retried.sort_unstable();
        let mut expected = ids(&stored);
        expected.sort_unstable();
        assert_eq!(retried, expected);
    })
    .await;
}
