use std::sync::Arc;
use std::time::Duration;

use ratchet_executor::ExecutorError;
use ratchet_interfaces::{JobStatus, NodeId, UnifiedJob};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::world::World;

fn gated(gate: &Arc<Semaphore>) -> BuiltinRuntime {
    let gate = gate.clone();
    BuiltinRuntime::new().with("wait", move |_| {
        let gate = gate.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(Value::Null)
        }
    })
}

#[tokio::test]
async fn a_start_recovers_the_jobs_of_a_process_that_died() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(1));
    let mut job = UnifiedJob::new(world.task("wait"), Value::Null, world.now());
    job.status = JobStatus::Processing;
    job.lease_owner = Some(NodeId::new());
    let job = world.add(job);
    let pipeline = world.pipeline(4, gated(&gate));
    pipeline.start().await.unwrap();
    world
        .database
        .until(|state| state.job(job).status == JobStatus::Completed)
        .await;
    assert_eq!(
        world.database.state().job(job).error.as_deref(),
        Some("the process that ran it died")
    );
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_start_without_a_database_fails_and_may_be_repeated() {
    let world = World::new();
    let pipeline = world.pipeline(4, BuiltinRuntime::new());
    world.database.state().away = vec!["recover"];
    let refused = pipeline.start().await;
    assert!(matches!(refused, Err(ExecutorError::RecoverOrphans { .. })));
    pipeline.stop(Duration::ZERO).await;
    world.database.state().away.clear();
    pipeline.start().await.unwrap();
    pipeline.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_job_that_ends_within_the_grace_is_completed_and_none_is_begun() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = Arc::new(world.pipeline(1, gated(&gate)));
    pipeline.start().await.unwrap();
    let task = world.task("wait");
    let (running, waiting) = (world.job_of(task), world.job_of(task));
    world.quiesce().await;
    let stopping = pipeline.clone();
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(60)).await });
    world.pass(Duration::from_secs(5)).await;
    assert!(!stop.is_finished());
    gate.add_permits(2);
    stop.await.unwrap();
    let state = world.database.state();
    assert_eq!(state.job(running).status, JobStatus::Completed);
    assert_eq!(state.job(waiting).status, JobStatus::Queued);
    assert_eq!(state.job(waiting).attempts, 0);
}

#[tokio::test]
async fn a_job_that_outlasts_the_grace_is_handed_back() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = Arc::new(world.pipeline(4, gated(&gate)));
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("wait"));
    world.quiesce().await;
    let stopping = pipeline.clone();
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(3)).await });
    world.pass(Duration::from_secs(2)).await;
    assert!(!stop.is_finished());
    world.pass(Duration::from_secs(1)).await;
    stop.await.unwrap();
    let state = world.database.state();
    assert_eq!(state.job(job).status, JobStatus::Queued);
    assert_eq!(
        state.job(job).error.as_deref(),
        Some("the server stopped while it ran")
    );
}

#[tokio::test]
async fn a_stop_returns_although_the_database_never_takes_the_outcomes() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(1));
    let pipeline = Arc::new(world.pipeline(4, gated(&gate)));
    pipeline.start().await.unwrap();
    world.database.state().away = vec!["settle"];
    let job = world.job_of(world.task("wait"));
    world.quiesce().await;
    let stopping = pipeline.clone();
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(3)).await });
    world.pass(Duration::from_secs(3)).await;
    world.pass(Duration::from_millis(9_999)).await;
    assert!(!stop.is_finished());
    world.pass(Duration::from_millis(1)).await;
    stop.await.unwrap();
    assert_eq!(world.database.state().job(job).status, JobStatus::Processing);
}

#[tokio::test]
async fn a_stop_that_was_given_up_can_be_taken_up_again() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let pipeline = world.pipeline(4, gated(&gate));
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("wait"));
    world.quiesce().await;
    {
        let stop = pipeline.stop(Duration::from_secs(3_600));
        tokio::select! {
            biased;
            () = stop => panic!("the job still ran"),
            () = world.quiesce() => {}
        }
    }
    assert_eq!(world.database.state().job(job).status, JobStatus::Processing);
    pipeline.stop(Duration::ZERO).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Queued);
}
