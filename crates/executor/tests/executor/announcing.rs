//! What is told of jobs and executions, and when.

use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{
    Event, EventKind, ExecutionStatus, JobEvent, JobId, JobStatus, NodeId, ScheduleId, TaskError,
    TaskErrorKind, TaskRequest, UnifiedJob,
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

/// What was told of one job, but for the attempts at it.
fn of_job(events: &[Event], id: JobId) -> Vec<JobEvent> {
    let of_it = events.iter().filter_map(|event| match event {
        Event::Job(job) if job.job_id == id => Some(*job),
        _ => None,
    });
    of_it.collect()
}

#[tokio::test]
async fn a_job_that_is_released_by_the_end_of_another_is_told_of_after_that() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    pipeline.start().await.unwrap();
    let (schedule_id, task) = (Some(ScheduleId::new()), world.task("weigh"));
    let job = |status| UnifiedJob {
        schedule_id,
        status,
        ..UnifiedJob::new(task, json!({}), world.now())
    };
    let waits = world.add(job(JobStatus::Buffered));
    world.add(job(JobStatus::Queued));
    world.database.claiming_held.send_replace(true);
    world.quiesce().await;
    world.heard.take();
    world.database.claiming_held.send_replace(false);
    world.quiesce().await;
    let events = world.heard.take();
    let of_it = of_job(&events, waits);
    assert_eq!(
        of_it.iter().map(|job| job.status).collect::<Vec<_>>(),
        [JobStatus::Queued, JobStatus::Processing, JobStatus::Completed]
    );
    assert_eq!(
        (of_it[0].from, of_it[0].task_id, of_it[0].schedule_id),
        (Some(JobStatus::Buffered), Some(task), schedule_id)
    );
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_that_was_asked_to_stop_without_hearing_of_it_is_told_of_as_cancelled() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    world.database.settling_held.send_replace(true);
    pipeline.start().await.unwrap();
    let id = world.add(UnifiedJob {
        max_retries: Some(3),
        timeout_seconds: Some(1),
        ..UnifiedJob::new(world.task("hang"), json!({}), world.now())
    });
    world.pass(Duration::from_secs(1)).await;
    let now = world.now();
    world
        .database
        .state()
        .jobs
        .iter_mut()
        .for_each(|job| job.stop_requested_at = Some(now));
    world.database.settling_held.send_replace(false);
    world.quiesce().await;
    let events = world.heard.take();
    let told: Vec<_> = of_job(&events, id).iter().map(|job| job.status).collect();
    assert_eq!(told, [JobStatus::Processing, JobStatus::Cancelled]);
    assert!(states(&events).contains(&"threw"), "{events:?}");
    assert_eq!(world.database.state().job(id).status, JobStatus::Cancelled);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn jobs_of_a_process_that_died_are_told_of_when_they_are_back_in_the_queue() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    let id = world.add(UnifiedJob {
        status: JobStatus::Processing,
        lease_owner: Some(NodeId::new()),
        ..UnifiedJob::new(world.task("weigh"), json!({}), world.now())
    });
    pipeline.start().await.unwrap();
    world.quiesce().await;
    let told = of_job(&world.heard.take(), id);
    assert_eq!(
        told.iter().map(|job| (job.from, job.status)).collect::<Vec<_>>()[..2],
        [
            (Some(JobStatus::Processing), JobStatus::Queued),
            (Some(JobStatus::Queued), JobStatus::Processing)
        ]
    );
    assert_eq!(told.last().unwrap().status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_whose_claim_got_no_answer_is_told_of_when_it_is_put_back_and_when_it_runs() {
    let world = World::new();
    let pipeline = world.pipeline(1, functions());
    pipeline.start().await.unwrap();
    world.database.state().answers_lost = vec!["claim"];
    let id = world.job_of(world.task("weigh"));
    world.quiesce().await;
    assert_eq!(world.heard.take(), [], "nothing is known of the claim");
    world.pass(Duration::from_millis(100)).await;
    let told = of_job(&world.heard.take(), id);
    assert_eq!(
        told.iter().map(|job| job.status).collect::<Vec<_>>(),
        [JobStatus::Queued, JobStatus::Processing, JobStatus::Completed]
    );
    assert_eq!(told[0].from, Some(JobStatus::Processing));
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_that_is_taken_away_is_told_of_once_however_soon_its_task_ends() {
    for heard_late in [false, true] {
        let world = World::new();
        let pipeline = world.pipeline(1, functions());
        pipeline.start().await.unwrap();
        let id = world.job_of(world.task("hang"));
        world.quiesce().await;
        world.take_away(id);
        world.database.lookups_held.send_replace(heard_late);
        world.jobs_stopping.raise();
        world.quiesce().await;
        // Its attempt is over while whoever called it off still looks up what became of it.
        world.database.lookups_held.send_replace(false);
        world.quiesce().await;
        let events = world.heard.take();
        assert_eq!(
            states(&events),
            ["processing", "started", "broken off", "cancelled"],
            "{heard_late}"
        );
        world.clock.advance(TimeDelta::seconds(1));
        pipeline.stop(GRACE).await;
        assert_eq!(world.heard.take(), []);
    }
}
