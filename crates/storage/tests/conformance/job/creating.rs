use ratchet_interfaces::{
    DependencyCondition, ExecutionId, JobFilter, JobId, JobOrigin, JobPriority, JobSort, JobStatus, NodeId,
    OutputDestination, RepositoryError, ScheduleId, TaskErrorKind, TaskId, UnifiedJob,
};
use serde_json::json;

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{at, everything, job, page, stored_schedule, stored_task};

#[tokio::test]
async fn a_stored_job_is_found_as_it_was() {
    on_each_database(async |repositories| {
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let full = UnifiedJob {
            id: JobId::new(),
            schedule_id: Some(schedule.id),
            scheduled_for: Some(at(60)),
            origin: JobOrigin::Backfill,
            request: 3,
            task_id: schedule.task_id,
            input: json!({"a": [1, "\u{1}\0\"", null]}),
            priority: JobPriority::Low,
            status: JobStatus::Cancelled,
            attempts: 3,
            retry_count: 2,
            max_retries: Some(u32::MAX),
            run_after: at(70),
            unique_key: Some("it's \"one\"".to_owned()),
            concurrency_key: Some("🌍".to_owned()),
            after: Some(DependencyCondition::AnyFailed),
            execution_id: Some(ExecutionId::new()),
            lease_owner: Some(NodeId::new()),
            lease_until: Some(at(90)),
            timeout_seconds: Some(0),
            stop_requested_at: Some(at(80)),
            error: Some("it's \"broken\" 100%".to_owned()),
            error_kind: Some(TaskErrorKind::Memory),
            output_destinations: vec![OutputDestination::stdout_json()],
            queued_at: at(61),
            started_at: Some(at(71)),
            completed_at: Some(at(81)),
        };
        let bare = job(schedule.task_id);
        let jobs = repositories.jobs();
        jobs.job_create_many(&[full.clone(), bare.clone()], &[])
            .await
            .unwrap();
        for stored in [full, bare] {
            assert_eq!(jobs.job_find(stored.id).await.unwrap(), Some(stored));
        }
        assert_eq!(jobs.job_find(JobId::new()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_second_job_for_a_tick_is_refused() {
    on_each_database(async |repositories| {
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let other = stored_schedule(&*repositories, "other").await;
        let jobs = repositories.jobs();
        let first = UnifiedJob {
            schedule_id: Some(schedule.id),
            scheduled_for: Some(at(60)),
            ..job(schedule.task_id)
        };
        jobs.job_create_many(std::slice::from_ref(&first), &[])
            .await
            .unwrap();
        let second = UnifiedJob {
            id: JobId::new(),
            ..first.clone()
        };
        assert_refused!(
            jobs.job_create_many(std::slice::from_ref(&second), &[]).await,
            RepositoryError::AlreadyExists {
                what: "job",
                field: "scheduled_for",
                ..
            }
        );
        assert_refused!(
            jobs.job_create_many(
                &[UnifiedJob {
                    schedule_id: None,
                    ..first.clone()
                }],
                &[]
            )
            .await,
            RepositoryError::AlreadyExists {
                what: "job",
                field: "id",
                ..
            }
        );
        // Another tick, another schedule, and jobs made by hand are other jobs.
        let different = [
            UnifiedJob {
                id: JobId::new(),
                scheduled_for: Some(at(61)),
                ..first.clone()
            },
            UnifiedJob {
                id: JobId::new(),
                schedule_id: Some(other.id),
                ..first.clone()
            },
            UnifiedJob {
                id: JobId::new(),
                schedule_id: None,
                ..first.clone()
            },
            UnifiedJob {
                id: JobId::new(),
                schedule_id: None,
                ..first
            },
        ];
        jobs.job_create_many(&different, &[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_job_of_a_missing_task_or_schedule_is_refused() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let without_task = job(TaskId::new());
        let without_schedule = UnifiedJob {
            schedule_id: Some(ScheduleId::new()),
            scheduled_for: Some(at(60)),
            ..job(task)
        };
        for orphan in [without_task, without_schedule] {
            match repositories
                .jobs()
                .job_create_many(&[job(task), orphan.clone()], &[])
                .await
            {
                Err(RepositoryError::BrokenReference { what, id }) => {
                    assert_eq!((what, id), ("job", orphan.id.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn one_refused_job_keeps_its_whole_call_out() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let jobs = repositories.jobs();
        let good: Vec<_> = (0..2_001).map(|_| job(task)).collect();
        // The first has more than go into one statement: the first statement has succeeded when the last one fails.
        for (good, last) in [(&good[..], job(TaskId::new())), (&good[..3], good[0].clone())] {
            let mut call = good.to_vec();
            call.push(last);
            assert_refused!(
                jobs.job_create_many(&call, &[]).await,
                RepositoryError::AlreadyExists { .. } | RepositoryError::BrokenReference { .. }
            );
            let list = jobs
                .job_list(&JobFilter::default(), JobSort::default(), everything())
                .await
                .unwrap();
            assert_eq!((list.items, list.total), (Vec::new(), 0));
        }
        jobs.job_create_many(&good, &[]).await.unwrap();
        let list = jobs
            .job_list(&JobFilter::default(), JobSort::default(), page(2_000, 10))
            .await
            .unwrap();
        assert_eq!((list.items.len(), list.total), (1, 2_001));
        jobs.job_create_many(&[], &[]).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_who_make_a_job_for_a_tick_at_the_same_time_one_does() {
    on_each_database(async |repositories| {
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let answers = at_once(0..8, |_| {
            let jobs = repositories.jobs();
            let job = UnifiedJob {
                schedule_id: Some(schedule.id),
                scheduled_for: Some(at(60)),
                ..job(schedule.task_id)
            };
            async move { jobs.job_create_many(&[job], &[]).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_refused!(
                answer,
                RepositoryError::AlreadyExists {
                    field: "scheduled_for",
                    ..
                }
            );
        }
    })
    .await;
}
