use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{JobStatus, MockOutputDelivery};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;

use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

fn passing() -> BuiltinRuntime {
    BuiltinRuntime::new().with("pass", |_| async { Ok(Value::Null) })
}

#[tokio::test]
async fn an_outage_is_told_with_its_beginning_until_it_is_over() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    assert_eq!(pipeline.stall(), None);
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(pipeline.stall(), None);
    world.database.state().away = vec!["claim"];
    let job = world.job_of(world.task("pass"));
    for _ in 0..5 {
        world.pass(Duration::from_secs(5)).await;
    }
    assert_eq!(
        pipeline.stall().as_deref(),
        Some(
            "claiming jobs has failed since 2026-01-01T00:00:00Z: the database is unavailable while claim: it is away"
        )
    );
    world.database.state().away.clear();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    assert_eq!(pipeline.stall(), None);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_refusal_is_told_as_one_and_tried_again() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    world.database.state().refused = vec!["claim"];
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("pass"));
    world.quiesce().await;
    let told = pipeline.stall().unwrap();
    assert!(
        told.contains("the database refused claim: no such table"),
        "{told}"
    );
    world.database.state().refused.clear();
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(world.database.state().job(job).status, JobStatus::Completed);
    assert_eq!(
        world
            .take_statements()
            .iter()
            .filter(|verb| **verb == "recover claims")
            .count(),
        0,
        "a refused claim took nothing"
    );
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_stall_of_the_settling_is_told_beside_one_of_the_claiming() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    world.database.state().away = vec!["settle"];
    pipeline.start().await.unwrap();
    world.job_of(world.task("pass"));
    world.quiesce().await;
    world.database.state().away.push("claim");
    world.jobs_available.raise();
    world.quiesce().await;
    let told = pipeline.stall().unwrap();
    assert!(
        told.contains("claiming jobs") && told.contains("settling jobs"),
        "{told}"
    );
    world.database.state().away.clear();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(pipeline.stall(), None);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn a_claim_loop_that_panics_is_told() {
    let world = World::new();
    let pipeline = world.pipeline(4, passing());
    world.database.state().panics = Some("claim");
    pipeline.start().await.unwrap();
    world.quiesce().await;
    let told = pipeline.stall().unwrap();
    assert!(told.contains("has ended"), "{told}");
    pipeline.stop(GRACE).await;
    world.database.state().panics = None;
    pipeline.start().await.unwrap();
    world.quiesce().await;
    assert_eq!(pipeline.stall(), None);
    pipeline.stop(GRACE).await;
}

#[tokio::test]
async fn an_outbox_that_cannot_be_read_is_told() {
    let world = World::new();
    let worker = world.delivery_worker(Arc::new(MockOutputDelivery::new()));
    world.database.state().away = vec!["due"];
    worker.start().await;
    world.quiesce().await;
    let told = worker.stall().unwrap();
    assert!(told.starts_with("reading the outbox has failed since"), "{told}");
    world.database.state().away.clear();
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(worker.stall(), None);
    worker.stop(GRACE).await;
}
