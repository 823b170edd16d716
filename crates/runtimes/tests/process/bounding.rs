use ratchet_interfaces::{LogLevel, TaskErrorKind};
use serde_json::{Value, json};

use crate::world::{World, shell};

#[tokio::test]
async fn a_hundred_megabytes_of_output_are_read_and_only_a_part_is_kept() {
    let world = World::new();
    let script = "yes 'a line of some length, as lines are' | head -c 100000000; echo; echo '{\"ok\": true}'";
    assert_eq!(world.script(script).await, Ok(json!({"ok": true})));
    let bytes: usize = world.monitor.all().iter().map(|(_, line)| line.len()).sum();
    assert!(bytes < 1_100_000, "{bytes}");
    assert!(
        world
            .monitor
            .has("the process has printed 1048576 bytes: the rest is not kept")
    );
}

#[tokio::test]
async fn a_result_that_is_too_large_ends_the_process_and_fails() {
    let world = World::with(|config| config.max_output_bytes = 1_000);
    for output in ["text", "json"] {
        let mut source = shell("yes 1");
        source["output"] = json!(output);
        let failure = world.run(&source, Value::Null).await.unwrap_err();
        assert_eq!(failure.kind, TaskErrorKind::Output);
        assert_eq!(
            failure.message,
            "standard output is larger than process.max_output_bytes, 1000 bytes"
        );
    }
    let failure = world
        .script("head -c 5000 /dev/zero | tr '\\0' x")
        .await
        .unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Output);
}

#[tokio::test]
async fn a_line_without_end_and_bytes_that_are_no_text_do_no_harm() {
    let world = World::new();
    let script =
        "head -c 20000000 /dev/zero; printf '\\377\\376\\n'; head -c 20000000 /dev/zero >&2; echo ok";
    assert_eq!(world.script(script).await, Ok(json!("ok")));
    let lines = world.monitor.of(LogLevel::Info);
    assert!(lines[0].ends_with("… (20000002 bytes in all)"));
    assert!(world.monitor.of(LogLevel::Warn)[0].ends_with("… (20000000 bytes in all)"));
}

#[tokio::test]
async fn an_input_that_is_not_read_holds_nothing_up() {
    let world = World::new();
    let big = json!({"text": "x".repeat(8 << 20)});
    let not_read = world.run(&shell("echo ok"), big.clone()).await;
    assert_eq!(not_read, Ok(json!("ok")));
    let closed = world.run(&shell("exec <&-; echo closed"), big.clone()).await;
    assert_eq!(closed, Ok(json!("closed")));
    let in_part = world.run(&shell("head -c 3; echo; echo part"), big.clone()).await;
    assert_eq!(in_part, Ok(json!("part")));
    let whole = world.run(&shell("wc -c"), big.clone()).await;
    assert_eq!(whole, Ok(json!(big.to_string().len())));
}

#[tokio::test]
async fn arguments_that_are_too_long_for_the_system_are_the_input_s_fault() {
    let world = World::new();
    let source = json!({"command": "/bin/echo", "args": ["{{ input.text }}"]});
    let failure = world
        .run(&source, json!({"text": "x".repeat(4 << 20)}))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Input);
    assert!(
        failure.message.contains("longer than the system allows"),
        "{failure}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_memory_of_a_process_and_of_its_children_is_limited() {
    let mut world = World::new();
    // It waits for its input, so that it is limited before it starts what has the limit from it.
    let script =
        "cat > /dev/null; sh -c 'ulimit -v'; head -c 200000000 /dev/zero | tail -c 199999999 | wc -c";
    assert_eq!(world.script(script).await, Ok(json!(199_999_999)));
    world.limits.memory_bytes = Some(64 << 20);
    assert_eq!(world.script(script).await, Ok(json!(0)));
    assert!(world.monitor.has("65536"));
    assert!(!world.monitor.of(LogLevel::Warn).is_empty());
}

#[tokio::test]
async fn many_processes_at_once_all_come_to_their_end() {
    let world = World::new();
    let source = shell("read -r n; echo \"$n\"");
    let runs = (0..50).map(|n| world.run(&source, json!(n)));
    let outputs = futures_util::future::join_all(runs).await;
    let expected: Vec<_> = (0..50).map(|n| Ok(json!(n))).collect();
    assert_eq!(outputs, expected);
}
