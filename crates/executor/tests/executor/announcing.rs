//! What is told of jobs and executions, and when.

use std::time::Duration;

use ratchet_interfaces::{
    Event, EventKind, ExecutionStatus, JobStatus, TaskError, TaskErrorKind, TaskRequest, UnifiedJob,
};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::json;

use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

fn functions() -> BuiltinRuntime {
    BuiltinRuntime::new()
        .with("weigh", |_: TaskRequest| async { Ok(json!(7)) })
        .with("trip", |_: TaskRequest| async {
            Err(TaskError::permanent("it fell"))
        })
        .with("hang", |_: TaskRequest| std::future::pending())
}

/// The states of jobs and executions, in the order in which they were told.
fn states(events: &[Event]) -> Vec<&'static str> {
    events
        .iter()
        .map(|event| match event {
            Event::Job(job) => job.status.as_str(),
            Event::Execution(execution) => match execution.status {
                ExecutionStatus::Running => "started",
                ExecutionStatus::Completed => "returned",
                ExecutionStatus::Failed => "threw",
                ExecutionStatus::Cancelled => "broken off",
            },
            other => other.kind().as_str(),
        })
        .collect()
}

#[tokio::test]
async fn each_attempt_is_told_of_when_it_is_claimed_and_when_it_is_settled() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    pipeline.start().await.unwrap();
    let id = world.job_of(world.task("weigh"));
    world.database.settling_held.send_replace(true);
    world.quiesce().await;
    let begun = world.heard.take();
    assert_eq!(
        states(&begun),
        ["processing", "started"],
        "and nothing before the commit"
    );
    world.database.settling_held.send_replace(false);
    world.quiesce().await;
    let ended = world.heard.take();
    assert_eq!(states(&ended), ["returned", "completed"]);
    let [Event::Execution(execution), Event::Job(job)] = ended.as_slice() else {
        panic!("{ended:?}")
    };
    assert_eq!((job.job_id, job.from), (id, Some(JobStatus::Processing)));
    assert_eq!((execution.attempt, execution.job_id), (1, id));
    assert_eq!(execution.duration, Some(chrono::TimeDelta::zero()));
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_failure_is_told_of_with_its_kind_and_whether_it_is_tried_again() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    pipeline.start().await.unwrap();
    world.add(UnifiedJob {
        timeout_seconds: Some(1),
        max_retries: Some(1),
        ..UnifiedJob::new(world.task("hang"), json!({}), world.now())
    });
    world.job_of(world.task("trip"));
    world.quiesce().await;
    world.pass(Duration::from_secs(1)).await;
    let events = world.heard.take();
    let ends: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Execution(execution) if execution.status != ExecutionStatus::Running => {
                Some((execution.status, execution.error_kind, execution.attempt))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        ends[0],
        (ExecutionStatus::Failed, Some(TaskErrorKind::Timeout), 1)
    );
    assert!(
        ends.contains(&(ExecutionStatus::Failed, Some(TaskErrorKind::Task), 1)),
        "{ends:?}"
    );
    let states = states(&events);
    assert!(
        states.contains(&"retrying") && states.contains(&"failed"),
        "{states:?}"
    );
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_settlement_whose_answer_was_lost_is_told_of_once() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    pipeline.start().await.unwrap();
    world.database.state().answers_lost.push("settle");
    world.job_of(world.task("weigh"));
    world.quiesce().await;
    world.pass(Duration::from_secs(10)).await;
    let events = world.heard.take();
    assert_eq!(
        states(&events),
        ["processing", "started", "returned", "completed"]
    );
    assert!(events.iter().all(|event| event.kind() != EventKind::Schedule));
    pipeline.stop(GRACE).await;
}
