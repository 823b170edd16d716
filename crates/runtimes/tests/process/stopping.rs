use std::process::Command;
use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{TaskError, TaskExecutor};
use serde_json::Value;

use crate::world::{World, line_of, runs, shell, until};

#[tokio::test]
async fn a_run_that_is_told_to_stop_may_end_in_order() {
    let world = World::new();
    let ready = world.file("ready");
    // It starts no other process: one that is just being started could miss the signal, and hold the output open.
    let script = format!("trap 'echo tidying; exit 0' TERM; echo ready > {ready}; while :; do :; done");
    let run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let (output, ()) = tokio::join!(run, async {
        line_of(&ready).await;
        world.stop.stop();
    });
    // Nobody can tell whether a program that ends with 0 when it is told to had done its work.
    assert_eq!(
        output,
        Err(TaskError::failed("it was told to stop (SIGTERM): exit code 0"))
    );
    assert!(world.monitor.has("tidying"));
}

#[tokio::test]
async fn a_run_that_was_told_to_stop_before_it_began_ends_at_once() {
    let world = World::new();
    world.stop.stop();
    let failure = world.script("while :; do sleep 1000; done").await.unwrap_err();
    assert_eq!(
        failure.message,
        "it was told to stop (SIGTERM): killed by SIGTERM"
    );
}

#[tokio::test]
async fn a_run_that_does_not_stop_is_killed_after_the_grace_with_all_its_children() {
    let world = World::with(|config| config.stop_grace_seconds = 7);
    assert!(world.runtime.stop_grace() > Duration::from_secs(7));
    let (pid, child, told) = (world.file("pid"), world.file("child"), world.file("told"));
    let script = format!(
        "trap 'echo told > {told}' TERM; sh -c 'trap \"\" TERM; echo $$ > {child}; while :; do sleep 1000; done' & \
         echo $$ > {pid}; while :; do wait; done"
    );
    let run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let (output, ()) = tokio::join!(run, async {
        let (pid, child) = (line_of(&pid).await, line_of(&child).await);
        world.stop.stop();
        line_of(&told).await;
        world.clock.advance(TimeDelta::milliseconds(6_999));
        assert!(runs(&pid) && runs(&child));
        world.clock.advance(TimeDelta::milliseconds(1));
        until("the end of both", || !runs(&pid) && !runs(&child)).await;
    });
    let told = "it was told to stop (SIGTERM), did not within process.stop_grace_seconds, and was killed";
    assert_eq!(output, Err(TaskError::failed(told)));
}

#[tokio::test]
async fn a_process_that_is_suspended_is_killed_as_well() {
    let world = World::with(|config| config.stop_grace_seconds = 0);
    let pid = world.file("pid");
    let script = format!("echo $$ > {pid}; while :; do sleep 1000; done");
    let run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let (output, ()) = tokio::join!(run, async {
        let pid = line_of(&pid).await;
        assert!(
            Command::new("kill")
                .args(["-STOP", &pid])
                .status()
                .unwrap()
                .success()
        );
        world.stop.stop();
    });
    assert!(output.unwrap_err().message.ends_with("and was killed"));
}
