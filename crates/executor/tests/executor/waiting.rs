use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{JobStatus, TaskError, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;

use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

fn passing() -> BuiltinRuntime {
    BuiltinRuntime::new().with("pass", |_| async { Ok(Value::Null) })
}

#[tokio::test]
async fn an_idle_pipeline_executes_no_statement_and_a_spurious_wake_up_costs_two() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["recover", "forward", "claim", "next"]);
    for _ in 0..24 {
        world.pass(Duration::from_secs(3_600)).await;
    }
    assert_eq!(world.take_statements(), [""; 0]);
    for _ in 0..5 {
        world.jobs_available.raise();
    }
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["claim", "next"]);
    pipeline.stop(GRACE).await;
    assert_eq!(world.take_statements(), [""; 0]);
}

#[tokio::test]
async fn a_signal_from_before_the_claim_causes_no_second_claim() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    world.jobs_available.raise();
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["recover", "forward", "claim", "next"]);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_for_later_runs_when_its_time_comes_and_not_before() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    pipeline.start().await.unwrap();
    let later = world.now() + TimeDelta::hours(2);
    let mut job = UnifiedJob::new(world.task("pass"), Value::Null, world.now());
    job.run_after = later;
    let job = world.add(job);
    world.quiesce().await;
    assert_eq!(world.clock.earliest_waiter(), Some(later));
    world.take_statements();
    world.pass(Duration::from_secs(7_199)).await;
    assert_eq!(world.take_statements(), [""; 0]);
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_step_of_the_clock_makes_the_pipeline_look_again() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    pipeline.start().await.unwrap();
    let mut job = UnifiedJob::new(world.task("pass"), Value::Null, world.now());
    job.run_after = world.now() + TimeDelta::hours(2);
    let job = world.add(job);
    world.quiesce().await;
    world.take_statements();
    world.clock.step_to(world.now() - TimeDelta::days(1));
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["forward", "claim", "next"]);
    world.clock.step_to(world.now() + TimeDelta::days(2));
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_due_job_that_another_process_has_locked_is_not_asked_for_in_a_loop() {
    let world = World::new();
    world.database.state().locked = true;
    let pipeline = world.pipeline(4, passing());
    let job = world.job_of(world.task("pass"));
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["recover", "forward", "claim", "next"]);
    world.pass(Duration::from_millis(10)).await;
    assert_eq!(world.take_statements(), ["claim", "next"]);
    world.pass(Duration::from_millis(19)).await;
    assert_eq!(world.take_statements(), [""; 0]);
    world.database.state().locked = false;
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn while_the_database_is_away_the_pipeline_tries_ever_less_often_and_then_goes_on() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    pipeline.start().await.unwrap();
    world.quiesce().await;
    world.database.state().away = vec!["claim"];
    let job = world.job_of(world.task("pass"));
    world.quiesce().await;
    world.take_statements();
    for milliseconds in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
        world.pass(Duration::from_millis(milliseconds - 1)).await;
        assert_eq!(world.take_statements(), [""; 0]);
        world.pass(Duration::from_millis(1)).await;
        assert_eq!(world.take_statements(), ["recover claims", "claim"]);
    }
    world.database.state().away.clear();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_task_that_cannot_be_looked_up_keeps_its_claimed_job_waiting() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    world.database.state().away = vec!["task"];
    let job = world.job_of(world.task("pass"));
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Processing);
    world.database.state().away.clear();
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_job_that_was_queued_under_a_clock_that_was_ahead_runs_when_the_clock_was_set_back() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    pipeline.start().await.unwrap();
    world.quiesce().await;
    world.clock.step_to(world.now() + TimeDelta::hours(1));
    world.jobs_available.raise();
    world.quiesce().await;
    let job = UnifiedJob::new(world.task("pass"), Value::Null, world.now());
    let planned = UnifiedJob {
        run_after: world.now() + TimeDelta::hours(1),
        ..UnifiedJob::new(job.task_id, Value::Null, world.now())
    };
    world.clock.step_to(world.now() - TimeDelta::hours(1));
    let (job, planned) = (world.add(job), world.add(planned));
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    assert_eq!(world.database.state().job(planned).status, JobStatus::Queued);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_retry_waits_for_its_longest_backoff_at_the_most_when_the_clock_was_set_back() {
    let world = World::new();
    let fail = |_| async { Err(TaskError::failed("no")) };
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("fail", fail));
    pipeline.start().await.unwrap();
    let mut job = UnifiedJob::new(world.task("fail"), Value::Null, world.now());
    job.max_retries = Some(1);
    let job = world.add(job);
    world.quiesce().await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Retrying);
    world.clock.step_to(world.now() - TimeDelta::days(1));
    world.pass(Duration::from_secs(299)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Retrying);
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Failed);
    pipeline.stop(GRACE).await;
}
