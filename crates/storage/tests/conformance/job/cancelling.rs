//! Calling a job off by hand.

use ratchet_interfaces::{
    Cancellation, Choice, ExecutionCondition, ExecutionFilter, ExecutionSort, ExecutionStatus, FiringOutcome,
    JobEvent, JobId, JobStatus, NodeId, OverlapPolicy, RepositoryError, SchedulePolicies, SettleOutcome,
    StopRequest, TaskErrorKind, UnifiedJob, UnifiedSchedule,
};

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{
    at, cancel, cancelled, claim, claimed_job, everything, fired_job, firing, found, job, outcome, schedule,
    settle, status, store, stored_task, succeeded,
};

const NOT_RUNNING: Cancellation = Cancellation::Cancelled {
    was_running: false,
    changed: Vec::new(),
};

#[tokio::test]
async fn a_job_that_waits_for_whatever_reason_is_cancelled_at_once() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        for (waiting, terminates) in [
            JobStatus::Queued,
            JobStatus::Retrying,
            JobStatus::Buffered,
            JobStatus::Blocked,
        ]
        .into_iter()
        .zip([false, true, false, true])
        {
            let before = UnifiedJob {
                status: waiting,
                attempts: 2,
                error: Some("of the attempt before".to_owned()),
                error_kind: Some(TaskErrorKind::Memory),
                ..job(task)
            };
            store(&*repositories, std::slice::from_ref(&before)).await;
            let jobs = repositories.jobs();
            let request = cancel(before.id, terminates);
            assert_eq!(jobs.job_cancel(&request).await.unwrap(), NOT_RUNNING);
            let expected = UnifiedJob {
                status: JobStatus::Cancelled,
                error: Some("called off".to_owned()),
                error_kind: None,
                completed_at: Some(at(105)),
                ..before
            };
            assert_eq!(found(&*repositories, expected.id).await, expected);
            // It stays as it is.
            let again = jobs.job_cancel(&request).await.unwrap();
            assert_eq!(again, Cancellation::Final(JobStatus::Cancelled));
            assert_eq!(found(&*repositories, expected.id).await, expected);
        }
        assert_eq!(
            repositories
                .jobs()
                .job_claim_many(claim(NodeId::new(), 10))
                .await
                .unwrap()
                .jobs,
            []
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_runs_is_asked_to_stop_and_is_cancelled_when_it_has() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let jobs = repositories.jobs();
        let claimed = claimed_job(&*repositories, node).await;
        let request = cancel(claimed.job.id, false);
        assert_eq!(jobs.job_cancel(&request).await.unwrap(), Cancellation::Asked);
        let asked = UnifiedJob {
            stop_requested_at: Some(at(105)),
            ..claimed.job.clone()
        };
        assert_eq!(found(&*repositories, claimed.job.id).await, asked);
        // Who asks again is told the same; the first instant counts.
        let later = ratchet_interfaces::CancelRequest {
            at: at(110),
            ..request.clone()
        };
        assert_eq!(jobs.job_cancel(&later).await.unwrap(), Cancellation::Asked);
        assert_eq!(found(&*repositories, claimed.job.id).await, asked);
        let told = jobs
            .job_stop_requests(node, &[claimed.execution_id])
            .await
            .unwrap();
        assert_eq!(told, [(claimed.execution_id, StopRequest::Cancel)]);
        settle(&*repositories, &claimed, cancelled()).await;
        let done = found(&*repositories, claimed.job.id).await;
        assert_eq!(
            (done.status, done.error.as_deref()),
            (JobStatus::Cancelled, Some("called off"))
        );
        let again = jobs.job_cancel(&request).await.unwrap();
        assert_eq!(again, Cancellation::Final(JobStatus::Cancelled));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_runs_is_taken_away_by_force() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let jobs = repositories.jobs();
        for asked_before in [false, true] {
            let claimed = {
                let task = stored_task(&*repositories, &format!("asked {asked_before}")).await;
                store(&*repositories, &[job(task)]).await;
                jobs.job_claim_many(claim(node, 1)).await.unwrap().jobs.remove(0)
            };
            if asked_before {
                jobs.job_cancel(&cancel(claimed.job.id, false)).await.unwrap();
            }
            let told = jobs.job_cancel(&cancel(claimed.job.id, true)).await.unwrap();
            let expected = Cancellation::Cancelled {
                was_running: true,
                changed: Vec::new(),
            };
            assert_eq!(told, expected);
            let gone = found(&*repositories, claimed.job.id).await;
            assert_eq!(gone.status, JobStatus::Cancelled);
            assert_eq!(
                (gone.execution_id, gone.lease_owner, gone.lease_until),
                (None, None, None)
            );
            assert_eq!(gone.completed_at, Some(at(105)));
            let of_job = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(claimed.job.id))]);
            let executions = repositories.executions();
            let attempts = executions
                .execution_list(&of_job, ExecutionSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(attempts.total, 1);
            let attempt = &attempts.items[0];
            assert_eq!(
                (attempt.id, attempt.status),
                (claimed.execution_id, ExecutionStatus::Cancelled)
            );
            assert_eq!(attempt.error.as_deref(), Some("called off"));
            let running = [claimed.execution_id];
            assert_eq!(
                jobs.job_stop_requests(node, &running).await.unwrap(),
                [(claimed.execution_id, StopRequest::Terminate)]
            );
            let late = jobs
                .job_settle_many(&[outcome(&claimed, succeeded())])
                .await
                .unwrap();
            assert_eq!(late.outcomes, [SettleOutcome::LeaseLost]);
            assert_eq!(found(&*repositories, claimed.job.id).await, gone);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_has_ended_stays_as_it_is_and_one_that_does_not_exist_is_not_found() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let jobs = repositories.jobs();
        for last in [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled] {
            let before = UnifiedJob {
                status: last,
                error: Some("its own".to_owned()),
                completed_at: Some(at(50)),
                ..job(task)
            };
            store(&*repositories, std::slice::from_ref(&before)).await;
            for terminates in [false, true] {
                let told = jobs.job_cancel(&cancel(before.id, terminates)).await.unwrap();
                assert_eq!(told, Cancellation::Final(last));
            }
            assert_eq!(found(&*repositories, before.id).await, before);
        }
        for terminates in [false, true] {
            assert_refused!(
                jobs.job_cancel(&cancel(JobId::new(), terminates)).await,
                RepositoryError::NotFound { what: "job", .. }
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_next_buffered_job_of_the_schedule_takes_the_place_of_one_that_is_called_off() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let schedule = UnifiedSchedule {
            policies: SchedulePolicies {
                overlap: OverlapPolicy::BufferAll,
                ..SchedulePolicies::default()
            },
            ..schedule("nightly", task)
        };
        repositories.schedules().schedule_create(&schedule).await.unwrap();
        let mut made = Vec::new();
        for _ in 0..3 {
            let schedules = repositories.schedules();
            let now = schedules.schedule_find(schedule.id).await.unwrap().unwrap();
            let firing = firing(&now);
            let ticks = repositories.ticks();
            let outcomes = ticks.tick_fire_many(std::slice::from_ref(&firing)).await;
            assert!(!matches!(outcomes.unwrap().outcomes[0], FiringOutcome::Stale));
            made.push(fired_job(&firing));
        }
        let jobs = repositories.jobs();
        // One that is buffered itself releases none: the first is still there.
        assert_eq!(
            jobs.job_cancel(&cancel(made[1], false)).await.unwrap(),
            NOT_RUNNING
        );
        let told = jobs.job_cancel(&cancel(made[0], false)).await.unwrap();
        let released = found(&*repositories, made[2]).await;
        let expected = Cancellation::Cancelled {
            was_running: false,
            changed: vec![JobEvent::of(&released, Some(JobStatus::Buffered), at(105))],
        };
        assert_eq!(told, expected);
        assert_eq!(status(&*repositories, made[2]).await, JobStatus::Queued);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_called_off_while_it_is_claimed_and_settled_ends_once() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        for round in 0..20 {
            let waiting = job(task);
            store(&*repositories, std::slice::from_ref(&waiting)).await;
            let id = waiting.id;
            at_once(0..2, |place| {
                let jobs = repositories.jobs();
                async move {
                    if place == 0 {
                        let claimed = jobs.job_claim_many(claim(NodeId::new(), 1)).await.unwrap().jobs;
                        let ends: Vec<_> = claimed
                            .iter()
                            .map(|claimed| outcome(claimed, succeeded()))
                            .collect();
                        jobs.job_settle_many(&ends).await.unwrap();
                    } else {
                        jobs.job_cancel(&cancel(id, round % 2 == 0)).await.unwrap();
                    }
                }
            })
            .await;
            let ended = found(&*repositories, id).await;
            assert!(
                matches!(ended.status, JobStatus::Completed | JobStatus::Cancelled),
                "{ended:?}"
            );
            let of_job = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(id))]);
            let attempts = repositories
                .executions()
                .execution_list(&of_job, ExecutionSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(attempts.total, u64::from(ended.attempts));
        }
    })
    .await;
}
