use std::time::Duration;

use ratchet_interfaces::{JobId, JobStatus, ScheduleId, TaskError, TaskId, TaskRequest, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::{Value, json};

use crate::warnings::Warnings;
use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

fn echo() -> BuiltinRuntime {
    BuiltinRuntime::new().with("echo", |request: TaskRequest| async move { Ok(request.input) })
}

#[tokio::test]
async fn what_ends_during_a_commit_is_settled_together_in_the_next() {
    let world = World::new();
    let pipeline = world.pipeline(100, echo());
    let task = world.task("echo");
    pipeline.start().await.unwrap();
    world.database.settling_held.send_replace(true);
    world.job_of(task);
    world.quiesce().await;
    for _ in 0..30 {
        world.job_of(task);
    }
    world.quiesce().await;
    world.database.settling_held.send_replace(false);
    world
        .database
        .until(|state| state.count(JobStatus::Completed) == 31)
        .await;
    assert_eq!(world.database.state().settled, [1, 30]);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_slow_database_slows_down_the_claims() {
    let world = World::new();
    let pipeline = world.pipeline(2, echo());
    let task = world.task("echo");
    world.database.settling_held.send_replace(true);
    for _ in 0..10_000 {
        world.job_of(task);
    }
    pipeline.start().await.unwrap();
    for _ in 0..100 {
        world.quiesce().await;
    }
    // A batch in the settler's hands, one in its channel, what may be claimed ahead, and a claim that waits for room.
    let claimed = world.database.state().count(JobStatus::Processing);
    assert!(claimed > 2, "nothing was claimed ahead");
    assert!(claimed <= 7_002, "{claimed} jobs were claimed for two slots");
    world.database.settling_held.send_replace(false);
    world
        .database
        .until(|state| state.count(JobStatus::Completed) == 10_000)
        .await;
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn outcomes_are_kept_while_the_database_is_away() {
    let world = World::new();
    let pipeline = world.pipeline(4, echo());
    world.database.state().away = vec!["settle"];
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("echo"));
    for _ in 0..5 {
        world.pass(Duration::from_secs(5)).await;
    }
    assert_eq!(world.database.state().job(job).status, JobStatus::Processing);
    world.database.state().away.clear();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    assert_eq!(world.database.state().job(job).attempts, 1);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_fails_its_own_job_and_no_other() {
    let world = World::new();
    let pipeline = world.pipeline(100, echo());
    let task = world.task("echo");
    world.database.state().poison = Some("\\u0000");
    let jobs: Vec<_> = (0..21)
        .map(|n| {
            let input = if n == 13 { json!("a\0b") } else { json!(n) };
            world.add(UnifiedJob::new(task, input, world.now()))
        })
        .collect();
    pipeline.start().await.unwrap();
    world
        .database
        .until(|state| state.count(JobStatus::Processing) == 0 && state.count(JobStatus::Queued) == 0)
        .await;
    {
        let state = world.database.state();
        assert_eq!(state.count(JobStatus::Completed), 20);
        assert_eq!(
            state.job(jobs[13]).error.as_deref(),
            Some("the result cannot be stored: the database refused settling jobs: a value cannot be stored")
        );
    }
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn an_error_that_cannot_be_stored_is_replaced_and_the_job_tried_again() {
    let world = World::new();
    let fail = |_| async { Err(TaskError::failed("venom")) };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("fail", fail));
    world.database.state().poison = Some("venom");
    let mut job = UnifiedJob::new(world.task("fail"), Value::Null, world.now());
    job.max_retries = Some(1);
    let job = world.add(job);
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Retrying);
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Failed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_that_is_no_longer_this_process_s_keeps_what_the_other_wrote() {
    let world = World::new();
    let pipeline = world.pipeline(4, echo());
    world.database.settling_held.send_replace(true);
    let task = world.task("echo");
    let (lost, kept) = (world.job_of(task), world.job_of(task));
    pipeline.start().await.unwrap();
    world.quiesce().await;
    {
        let mut state = world.database.state();
        let job = state.jobs.iter_mut().find(|job| job.id == lost).unwrap();
        job.status = JobStatus::Cancelled;
    }
    world.database.settling_held.send_replace(false);
    world
        .database
        .until(|state| state.job(kept).status == JobStatus::Completed)
        .await;
    assert_eq!(world.database.state().job(lost).status, JobStatus::Cancelled);
    pipeline.stop(GRACE).await;
}

/// A job that runs, and one of the same schedule that waits for it to end.
fn one_behind_the_other(world: &World, task: TaskId) -> (JobId, JobId) {
    let schedule_id = Some(ScheduleId::new());
    let first = UnifiedJob {
        schedule_id,
        ..UnifiedJob::new(task, Value::Null, world.now())
    };
    let second = UnifiedJob {
        schedule_id,
        status: JobStatus::Buffered,
        ..UnifiedJob::new(task, Value::Null, world.now())
    };
    (world.add(first), world.add(second))
}

#[tokio::test]
async fn a_job_that_waited_for_another_runs_as_soon_as_that_has_ended() {
    let world = World::new();
    let pipeline = world.pipeline(4, echo());
    pipeline.start().await.unwrap();
    let (first, second) = one_behind_the_other(&world, world.task("echo"));
    world.quiesce().await;
    assert_eq!(world.database.state().job(first).status, JobStatus::Completed);
    assert_eq!(world.database.state().job(second).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_that_was_released_without_an_answer_runs_all_the_same() {
    let world = World::new();
    let pipeline = world.pipeline(4, echo());
    pipeline.start().await.unwrap();
    world.database.state().answers_lost = vec!["settle"];
    let (_, second) = one_behind_the_other(&world, world.task("echo"));
    world.quiesce().await;
    assert_eq!(world.database.state().job(second).attempts, 0);
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(world.database.state().job(second).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_schedule_that_was_paused_after_failures_is_warned_of_once() {
    let world = World::new();
    let warnings = Warnings::listen();
    let pipeline = world.pipeline(4, echo());
    let (schedule, task) = (ScheduleId::new(), world.task("echo"));
    world.database.state().pauses = vec![schedule];
    pipeline.start().await.unwrap();
    for _ in 0..2 {
        world.job_of(task);
        world.quiesce().await;
    }
    assert_eq!(world.database.state().settled, [1, 1]);
    let lines = warnings.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains(&schedule.to_string()) && lines[0].contains("was paused"),
        "{lines:?}"
    );
    pipeline.stop(GRACE).await;
}
