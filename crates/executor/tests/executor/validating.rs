use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ratchet_interfaces::{JobId, JobStatus, TaskRequest, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::{Value, json};

use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

/// A job, to be retried often, of a task that returns its input and promises an object.
fn job_with(world: &World, input: Value) -> JobId {
    let task = world.task("echo");
    let object = json!({"type": "object"});
    if let Some(task) = world.database.state().tasks.get_mut(&task) {
        task.definition.output_schema = Some(object);
    }
    let mut job = UnifiedJob::new(task, input, world.now());
    job.max_retries = Some(5);
    world.add(job)
}

#[tokio::test]
async fn a_job_whose_input_does_not_suit_its_task_fails_for_good_and_is_not_run() {
    let world = World::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let functions = BuiltinRuntime::new().with("echo", move |request: TaskRequest| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { Ok(request.input) }
    });
    let pipeline = world.pipeline(4, functions);
    let job = job_with(&world, json!(7));
    for task in world.database.state().tasks.values_mut() {
        task.definition.input_schema = Some(json!({"type": "object"}));
    }
    pipeline.start().await.unwrap();
    world
        .database
        .until(|state| state.job(job).status == JobStatus::Failed)
        .await;
    assert_eq!(
        world.database.state().job(job).error.as_deref(),
        Some("the input does not suit the task: /input: it is not of type \"object\"")
    );
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn an_attempt_whose_output_is_not_what_the_task_promises_has_failed_and_is_repeated() {
    let world = World::new();
    let functions =
        BuiltinRuntime::new().with("echo", |request: TaskRequest| async move { Ok(request.input) });
    let pipeline = world.pipeline(4, functions);
    let (wrong, right) = (job_with(&world, json!(7)), job_with(&world, json!({})));
    pipeline.start().await.unwrap();
    world
        .database
        .until(|state| state.job(wrong).status == JobStatus::Retrying)
        .await;
    assert_eq!(
        world.database.state().job(wrong).error.as_deref(),
        Some("the output is not what the task promises: /output: it is not of type \"object\"")
    );
    world
        .database
        .until(|state| state.job(right).status == JobStatus::Completed)
        .await;
    pipeline.stop(GRACE).await;
}
