use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::JobStatus;
use ratchet_runtimes::BuiltinRuntime;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_heartbeat_tells_how_the_server_is_at_this_moment() {
    let world = World::new();
    let functions = BuiltinRuntime::standard(world.clock.clone(), world.status.clone());
    let hang = |_| std::future::pending();
    let pipeline = world.pipeline(4, functions.with("hang", hang));
    pipeline.start().await.unwrap();
    world.job_of(world.task("hang"));
    world.pass(Duration::from_secs(5)).await;
    let job = world.job_of(world.task("heartbeat"));
    world
        .database
        .until(|state| state.job(job).status == JobStatus::Completed)
        .await;
    assert_eq!(
        world.database.state().outputs[&job],
        json!({
            "status": "ok",
            "timestamp": "2026-01-01T00:00:05.000000Z",
            "message": "the server is alive",
            "system_info": {"version": "9.8.7", "uptime_seconds": 5, "active_jobs": 2},
        })
    );
    pipeline.stop(Duration::ZERO).await;
    assert_eq!(Arc::strong_count(&world.status), 3);
}
