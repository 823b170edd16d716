//! Commits whose answer does not arrive: the connection was lost while they were under way.

use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{ExecutionStatus, JobStatus, OutputDestination, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

#[tokio::test]
async fn jobs_that_were_claimed_without_an_answer_are_run_and_those_that_run_are_left_alone() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let door = gate.clone();
    let functions = BuiltinRuntime::new()
        .with("wait", move |_| {
            let door = door.clone();
            async move {
                door.acquire().await.unwrap().forget();
                Ok(Value::Null)
            }
        })
        .with("pass", |_| async { Ok(Value::Null) });
    let pipeline = world.pipeline(4, functions);
    pipeline.start().await.unwrap();
    let running = world.job_of(world.task("wait"));
    world.quiesce().await;
    world.database.state().answers_lost = vec!["claim"];
    let pass = world.task("pass");
    let lost = [world.job_of(pass), world.job_of(pass)];
    world.quiesce().await;
    assert_eq!(world.database.state().count(JobStatus::Processing), 3);
    world.pass(Duration::from_millis(100)).await;
    {
        let state = world.database.state();
        for job in lost {
            assert_eq!(state.job(job).status, JobStatus::Completed);
            assert_eq!((state.job(job).attempts, state.job(job).retry_count), (2, 0));
        }
        assert_eq!(state.job(running).status, JobStatus::Processing);
        assert_eq!(state.job(running).attempts, 1);
    }
    gate.add_permits(1);
    world.quiesce().await;
    assert_eq!(world.database.state().job(running).status, JobStatus::Completed);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_result_that_was_settled_without_an_answer_is_announced_and_looked_up() {
    let world = World::new();
    let pipeline = world.pipeline(4, BuiltinRuntime::new().with("pass", |_| async { Ok(json!(7)) }));
    pipeline.start().await.unwrap();
    world.database.state().answers_lost = vec!["settle"];
    let announced = world.deliveries_available.arm();
    let mut job = UnifiedJob::new(world.task("pass"), Value::Null, world.now());
    job.output_destinations = vec![OutputDestination::stdout_json()];
    let job = world.add(job);
    world.pass(Duration::from_millis(100)).await;
    tokio::time::timeout(Duration::from_secs(20), announced)
        .await
        .unwrap();
    {
        let state = world.database.state();
        assert_eq!(state.job(job).status, JobStatus::Completed);
        assert_eq!(state.deliveries.len(), 1);
        assert!(
            state
                .executions
                .values()
                .all(|execution| execution.status == ExecutionStatus::Completed)
        );
        assert!(state.statements.contains(&"execution"), "{:?}", state.statements);
    }
    pipeline.stop(GRACE).await;
}
