use std::time::Duration;

use ratchet_interfaces::{JobStatus, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_wait_takes_as_long_as_it_is_told_and_fails_if_it_is_told_to() {
    let world = World::new();
    let functions = BuiltinRuntime::standard(world.clock.clone(), world.status.clone());
    let pipeline = world.pipeline(4, functions);
    pipeline.start().await.unwrap();
    let task = world.task("wait");
    let job = |input| world.add(UnifiedJob::new(task, input, world.now()));
    let waits = job(json!({"seconds": 2.5}));
    let fails = job(json!({"seconds": 2, "fail": true}));
    world.pass(Duration::from_millis(2_499)).await;
    assert_eq!(world.database.state().job(waits).status, JobStatus::Processing);
    world.pass(Duration::from_millis(1)).await;
    {
        let state = world.database.state();
        assert_eq!(state.outputs[&waits], json!({"waitedSeconds": 2.5}));
        assert_eq!(
            state.job(fails).error.as_deref(),
            Some("it was asked to fail after 2 s")
        );
    }
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_wait_of_nonsense_fails_for_good_with_the_field_and_the_rule() {
    let world = World::new();
    let functions = BuiltinRuntime::standard(world.clock.clone(), world.status.clone());
    let pipeline = world.pipeline(4, functions);
    pipeline.start().await.unwrap();
    let task = world.task("wait");
    let rule = "a number from 0 to 86400 is allowed";
    for (input, told) in [
        (json!({}), format!("seconds is null: {rule}")),
        (json!({"seconds": -0.5}), format!("seconds is -0.5: {rule}")),
        (json!({"seconds": 86_401}), format!("seconds is 86401: {rule}")),
        (
            json!({"seconds": 0, "fail": 1}),
            "fail is 1: true or false is allowed".to_owned(),
        ),
    ] {
        let job = world.add(UnifiedJob {
            max_retries: Some(3),
            ..UnifiedJob::new(task, input, world.now())
        });
        world.quiesce().await;
        let state = world.database.state();
        assert_eq!(state.job(job).status, JobStatus::Failed);
        assert_eq!(state.job(job).error.as_deref(), Some(told.as_str()));
    }
    pipeline.stop(Duration::ZERO).await;
}
