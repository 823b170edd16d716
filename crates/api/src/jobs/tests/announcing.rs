//! What is told of changes of the queue.

use std::sync::{Arc, Mutex};

use axum::http::Method;
use ratchet_interfaces::{
    Cancellation, Deleted, DeletionEvent, Event, EventSink, EventSinks, JobCreation, JobDeletion, JobEvent,
    JobStatus, RepositoryError, ScheduleId, TaskDefinition, UnifiedJob,
};
use serde_json::{Value, json};

use super::{ALL, TASK, id, path, path_to, stored, task_id, with};
use crate::test_support::{Answer, Mocks, now};

#[derive(Default)]
struct Heard(Mutex<Vec<JobEvent>>);

impl EventSink for Heard {
    fn emit(&self, events: &[Event]) {
        let jobs = events.iter().filter_map(|event| match event {
            Event::Job(job) => Some(*job),
            _ => None,
        });
        self.0.lock().unwrap().extend(jobs);
    }
}

async fn heard(
    mut mocks: Mocks,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> (Answer, Vec<JobEvent>) {
    let heard = Arc::new(Heard::default());
    mocks.events = EventSinks::new([Arc::clone(&heard) as Arc<dyn EventSink>]);
    let answer = mocks.send(Method::POST, path, headers, body).await;
    let told = std::mem::take(&mut *heard.0.lock().unwrap());
    (answer, told)
}

fn creating(created: fn() -> Result<Vec<JobCreation>, RepositoryError>) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.tasks.expect_task_find().returning(|id| {
        let definition = TaskDefinition::new(id, "weigh", "1", "builtin");
        Ok(Some(ratchet_interfaces::Task::new(
            definition,
            "test",
            crate::test_support::now(),
        )))
    });
    mocks
        .validator
        .expect_validate_input()
        .returning(|_, _| Vec::new());
    mocks
        .jobs
        .expect_job_create_many()
        .returning(move |_, _| created());
    mocks.jobs.expect_job_dependencies().returning(|_| Ok(Vec::new()));
    mocks
}

#[tokio::test]
async fn a_job_is_told_of_when_it_is_created_with_who_asked_and_not_when_it_is_refused() {
    let body = || Some(json!({"taskId": TASK, "input": {}}));
    let caller = [(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )];
    let mocks = creating(|| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
    let (answer, told) = heard(mocks, ALL, &caller, body()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let [job] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        (job.status, job.from, job.task_id),
        (JobStatus::Queued, None, Some(task_id()))
    );
    assert_eq!(json!(job.job_id), answer.body["data"]["id"]);
    assert!(job.caller.unwrap().sampled);
    let mocks = creating(|| Ok(vec![JobCreation::Created(JobStatus::Queued)]));
    let (answer, told) = heard(mocks, ALL, &[("traceparent", "nonsense")], body()).await;
    assert_eq!((answer.status, told[0].caller), (201, None));
    let mocks = creating(|| {
        Err(RepositoryError::Unavailable {
            during: "creating",
            source: "gone".into(),
        })
    });
    let (answer, told) = heard(mocks, ALL, &[], body()).await;
    assert_eq!((answer.status, told.len()), (503, 0), "{answer:?}");
}

#[tokio::test]
async fn a_job_that_waited_is_told_of_when_it_is_cancelled_and_one_that_ran_by_who_ran_it() {
    for (was_running, count) in [(false, 1), (true, 0)] {
        let mut mocks = with(UnifiedJob {
            status: JobStatus::Cancelled,
            ..stored()
        });
        mocks.jobs.expect_job_cancel().returning(move |_| {
            Ok(Cancellation::Cancelled {
                was_running,
                changed: Vec::new(),
            })
        });
        let (answer, told) = heard(mocks, &path_to("cancel"), &[], None).await;
        assert_eq!((answer.status, told.len()), (200, count), "{answer:?}");
        assert!(
            told.iter()
                .all(|job| (job.job_id, job.status) == (id(), JobStatus::Cancelled))
        );
    }
}

#[tokio::test]
async fn a_job_is_told_of_when_it_is_put_back() {
    let mut mocks = with(stored());
    mocks
        .jobs
        .expect_job_retry_many()
        .returning(|_, _, _, _| Ok(vec![id()]));
    let (answer, told) = heard(mocks, &path_to("retry"), &[], None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let [job] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        (job.job_id, job.status, job.task_id),
        (id(), JobStatus::Queued, Some(task_id()))
    );
}

#[tokio::test]
async fn a_job_is_told_of_when_it_is_deleted_and_not_when_that_is_refused() {
    let schedule = ScheduleId::new();
    let deleted = JobDeletion::Deleted {
        task_id: Some(task_id()),
        schedule_id: Some(schedule),
    };
    let told = Event::Deletion(DeletionEvent {
        job_id: Some(id()),
        task_id: Some(task_id()),
        schedule_id: Some(schedule),
        ..DeletionEvent::of(Deleted::Job, 1, now())
    });
    for (deletion, told) in [(deleted, vec![told]), (JobDeletion::Undelivered(2), Vec::new())] {
        let mut mocks = Mocks::default();
        let heard = mocks.heard();
        mocks.jobs.expect_job_delete().returning(move |_| Ok(deletion));
        mocks.send(Method::DELETE, &path(), &[], None).await;
        assert_eq!(heard.events(), told);
    }
}
