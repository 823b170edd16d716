//! What tasks print and how far they say that they are.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratchet_interfaces::{JobStatus, LogLevel, Progress, TaskMonitor, TaskRequest};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::fake_database::State;
use crate::world::World;

const GRACE: Duration = Duration::from_secs(1);

fn log(state: &State) -> Vec<(u32, String)> {
    state
        .log
        .iter()
        .map(|line| (line.seq, line.message.clone()))
        .collect()
}

fn line(seq: u32, message: &str) -> (u32, String) {
    (seq, message.to_owned())
}

#[tokio::test]
async fn what_a_task_says_is_written_while_it_runs_and_what_it_says_last_with_its_outcome() {
    let world = World::new();
    let door = Arc::new(Semaphore::new(0));
    let entrance = Arc::clone(&door);
    let talk = move |request: TaskRequest| {
        let door = Arc::clone(&entrance);
        async move {
            request.monitor.log(LogLevel::Info, "first");
            door.acquire().await.unwrap().forget();
            request.monitor.log(LogLevel::Info, "second");
            request.monitor.progress(Progress {
                percent: 50.0,
                message: None,
            });
            door.acquire().await.unwrap().forget();
            request.monitor.log(LogLevel::Info, "last");
            Ok(Value::Null)
        }
    };
    let pipeline = world.pipeline(1, BuiltinRuntime::new().with("talk", talk));
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("talk"));
    world.quiesce().await;
    assert_eq!(log(&world.database.state()), [], "most tasks are over by then");
    world.pass(Duration::from_millis(250)).await;
    assert_eq!(log(&world.database.state()), [line(0, "first")]);
    door.add_permits(1);
    world.quiesce().await;
    {
        let state = world.database.state();
        assert_eq!(log(&state), [line(0, "first"), line(1, "second")]);
        let progress = state.executions.values().next().unwrap().progress.clone();
        assert_eq!(progress.unwrap().percent, 50.0);
    }
    door.add_permits(1);
    let done = |state: &State| state.job(job).status == JobStatus::Completed;
    world.database.until(done).await;
    pipeline.stop(GRACE).await;
    let written = log(&world.database.state());
    assert_eq!(written, [line(0, "first"), line(1, "second"), line(2, "last")]);
}

#[tokio::test]
async fn a_task_that_was_left_behind_and_could_still_say_something_holds_up_no_stop() {
    let world = World::new();
    let left: Arc<Mutex<Vec<Arc<dyn TaskMonitor>>>> = Arc::default();
    let leaves = Arc::clone(&left);
    let leave = move |request: TaskRequest| {
        leaves.lock().unwrap().push(request.monitor);
        async { Ok(Value::Null) }
    };
    let pipeline = world.pipeline(1, BuiltinRuntime::new().with("leave", leave));
    pipeline.start().await.unwrap();
    let job = world.job_of(world.task("leave"));
    let done = |state: &State| state.job(job).status == JobStatus::Completed;
    world.database.until(done).await;
    tokio::time::timeout(Duration::from_secs(30), pipeline.stop(GRACE))
        .await
        .expect("the pipeline stops");
    let monitor = left.lock().unwrap().pop().unwrap();
    monitor.log(LogLevel::Info, "nobody listens any more");
    assert_eq!(log(&world.database.state()), []);
}
