use ratchet_interfaces::{LogLevel, TaskError, TaskErrorKind};
use serde_json::{Value, json};

use crate::world::{World, shell};

#[tokio::test]
async fn a_process_gets_the_input_on_stdin_and_as_a_file_and_its_last_line_is_the_result() {
    let world = World::new();
    let source = shell("cat; echo; echo working >&2; cat \"$RATCHET_INPUT_FILE\"; echo");
    let output = world.run(&source, json!({"x": [1, "ü"]})).await.unwrap();
    assert_eq!(output, json!({"x": [1, "ü"]}));
    let line = "{\"x\":[1,\"ü\"]}";
    assert_eq!(world.monitor.of(LogLevel::Info), [line, line]);
    assert_eq!(world.monitor.of(LogLevel::Warn), ["working"]);
}

#[tokio::test]
async fn an_argument_is_one_argument_whatever_it_says() {
    let world = World::new();
    let nasty = "$(touch pwned); 'a' \"b\" \\ * | & > x\n-y";
    let source = json!({
        "command": "sh",
        "args": ["-c", "printf '%s\\n' \"$#\" \"$1\"", "sh", "{{ input.name }}", "{{ context.attempt }}"],
        "output": "text",
    });
    let output = world.run(&source, json!({"name": nasty})).await.unwrap();
    assert_eq!(output, json!(format!("2\n{nasty}")));
}

#[tokio::test]
async fn what_becomes_the_result_is_chosen() {
    let world = World::new();
    let run = async |output: &str, script: &str| {
        let mut source = shell(script);
        source["output"] = json!(output);
        world.run(&source, Value::Null).await
    };
    assert_eq!(
        run("last_line", "echo 1; echo two words; echo").await,
        Ok(json!("two words"))
    );
    assert_eq!(
        run("text", "echo 1; echo two words").await,
        Ok(json!("1\ntwo words"))
    );
    assert_eq!(
        run("json", "echo '{'; echo '\"a\": 1}'").await,
        Ok(json!({"a": 1}))
    );
    assert_eq!(run("none", "echo 1").await, Ok(Value::Null));
    let failure = run("json", "echo so").await.unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Output);
    assert!(
        failure
            .message
            .starts_with("standard output is not one JSON value: ")
    );
}

#[tokio::test]
async fn stdin_may_be_nothing_or_a_text_of_the_task() {
    let world = World::new();
    let source = |stdin: &str| json!({"command": "/bin/cat", "stdin": stdin, "output": "text"});
    let input = json!({"name": "Ada"});
    assert_eq!(world.run(&source("none"), input.clone()).await, Ok(json!("")));
    assert_eq!(
        world.run(&source("dear {{ input.name }},\nhello\n"), input).await,
        Ok(json!("dear Ada,\nhello"))
    );
}

#[tokio::test]
async fn a_template_over_what_the_input_does_not_have_is_the_input_s_fault() {
    let world = World::new();
    let source = json!({"command": "/bin/echo", "args": ["{{ input.name }}"]});
    let failure = world.run(&source, json!({"nam": 1})).await.unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Input);
    let told = "process.json: template args[0], line 1, column 4: undefined value: ";
    assert!(failure.message.starts_with(told), "{failure}");
    let failure = world.run(&source, json!({"name": "a\0b"})).await.unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Input);
    assert!(
        failure
            .message
            .starts_with("process.json: args[0] has a zero byte"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_failed_process_tells_its_exit_code_and_its_last_complaint() {
    let world = World::new();
    let failure = world.script("echo the disk is full >&2; echo >&2; exit 3").await;
    assert_eq!(failure, Err(TaskError::failed("exit code 3: the disk is full")));
    let failure = world.script("kill -SEGV $$").await.unwrap_err();
    assert_eq!(failure, TaskError::failed("killed by SIGSEGV"));
}

#[tokio::test]
async fn exit_codes_of_success_and_of_another_try_are_the_task_s_to_say() {
    let world = World::new();
    let source = |code: u8| {
        let mut source = shell(&format!("echo '\"done\"'; exit {code}"));
        source["success_codes"] = json!([0, 24]);
        source["retry_codes"] = json!([75]);
        source
    };
    assert_eq!(world.run(&source(24), Value::Null).await, Ok(json!("done")));
    assert!(world.monitor.has("exit code 24"));
    assert!(world.run(&source(75), Value::Null).await.unwrap_err().retryable);
    assert!(!world.run(&source(1), Value::Null).await.unwrap_err().retryable);
}

#[tokio::test]
async fn what_a_shell_does_not_find_or_may_not_run_is_told_as_such() {
    let world = World::new();
    let failure = world.script("/no/such/program").await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.retryable),
        (TaskErrorKind::Definition, false)
    );
    assert!(
        failure
            .message
            .starts_with("exit code 127, by which a shell says"),
        "{failure}"
    );
    let failure = world.script("/etc/passwd").await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.retryable),
        (TaskErrorKind::Permission, false)
    );
    assert!(
        failure
            .message
            .starts_with("exit code 126, by which a shell says"),
        "{failure}"
    );
}
