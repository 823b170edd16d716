use ratchet_interfaces::{TaskContext, TaskErrorKind, TaskExecutor as _, TaskRequest};
use ratchet_runtimes::{JavaScriptConfig, JavaScriptRuntime};
use serde_json::json;

use crate::harness::{NoNetwork, failure, request, run, runtime, task};

#[tokio::test]
async fn every_form_of_a_main_js_is_run() {
    for source in [
        "(function(input, context) { return input.n + 1; })",
        "(function(input) { return input.n + 1; });",
        "(input) => input.n + 1",
        "async (input) => { return input.n + 1; };",
        "function(input, context) { return input.n + 1; }",
        "// a comment\nfunction (input) { return input.n + 1; };\n",
        "async function(input) { return (await input.n) + 1; }",
        "function main(input) { return input.n + 1; }",
        "async function main(input) { return input.n + 1; }",
        "const one = 1; const main = (input) => input.n + one;",
        "'use strict'; let main = async (input) => input.n + 1;",
        "var main; main = function(input) { return input.n + 1; }",
        "function main(input) { return add(input.n); }\nadd = function (n) { return n + 1; }",
        "globalThis.main = (input) => Promise.resolve(input.n).then((n) => n + 1);",
    ] {
        let outcome = runtime().execute(request(source, json!({"n": 1}))).await;
        assert_eq!(outcome, Ok(json!(2)), "{source}");
        assert_eq!(runtime().check(&task(source)), None, "{source}");
    }
}

#[tokio::test]
async fn a_main_js_without_a_function_is_named_as_such() {
    for source in ["", "42", "const helper = () => 1;", "const main = 42;"] {
        let error = failure(source).await;
        assert_eq!(error.kind, TaskErrorKind::Definition, "{source}");
        assert!(
            error.message.contains("defines none with the name main"),
            "{}",
            error.message
        );
    }
}

#[tokio::test]
async fn a_task_knows_its_run() {
    let request = request("(input, context) => context", json!(null));
    let scheduled_for = "2026-03-01T12:00:00Z".parse().unwrap();
    let context = TaskContext {
        scheduled_for: Some(scheduled_for),
        attempt: 3,
        ..request.context
    };
    let expected = json!({
        "executionId": context.execution_id.to_string(),
        "jobId": context.job_id.to_string(),
        "taskId": context.task_id.to_string(),
        "taskVersion": "1.2.3",
        "scheduledFor": "2026-03-01T12:00:00Z",
        "attempt": 3,
    });
    assert_eq!(
        runtime().execute(TaskRequest { context, ..request }).await,
        Ok(expected)
    );
    assert_eq!(
        run("(input, context) => context.scheduledFor").await,
        Ok(json!(null))
    );
}

#[tokio::test]
async fn a_result_is_what_json_makes_of_it() {
    for (source, expected) in [
        ("() => undefined", json!(null)),
        ("() => {}", json!(null)),
        ("() => null", json!(null)),
        (
            "() => ({a: undefined, b: [undefined, NaN], c: new Date(0)})",
            json!({"b": [null, null], "c": "1970-01-01T00:00:00.000Z"}),
        ),
        ("() => 'ä€😀\\u0000'", json!("ä€😀\u{0}")),
        ("() => 9007199254740991", json!(9_007_199_254_740_991_i64)),
        ("() => 0.1", json!(0.1)),
        ("() => ({toJSON() { return 7; }})", json!(7)),
        ("() => main\nfunction main() { return () => 1; }", json!(null)),
        ("async () => ({then(resolve) { resolve(5); }})", json!(5)),
    ] {
        assert_eq!(run(source).await, Ok(expected), "{source}");
    }
    let input = json!({"a": ["ä\u{0}", 1.5, null, true, {"b": -3}]});
    assert_eq!(
        runtime()
            .execute(request("(input) => input", input.clone()))
            .await,
        Ok(input)
    );
}

#[tokio::test]
async fn a_result_that_is_no_json_is_an_error_of_the_output() {
    for (source, words) in [
        ("() => { const a = {}; a.a = a; return a; }", "circular"),
        ("() => 1n", "BigInt"),
        ("() => '\\ud800'", "the result is no JSON"),
        (
            "() => { let a = []; for (let i = 0; i < 1000; i++) a = [a]; return a; }",
            "the result is no JSON",
        ),
        ("() => ({get a() { throw new Error('mine'); }})", "mine"),
    ] {
        let error = failure(source).await;
        assert_eq!(error.kind, TaskErrorKind::Output, "{source}: {error}");
        assert!(error.message.contains(words), "{source}: {error}");
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_is_an_error_of_the_output() {
    let config = JavaScriptConfig {
        max_output_mb: 1,
        ..JavaScriptConfig::default()
    };
    let runtime = JavaScriptRuntime::new(config, std::sync::Arc::new(NoNetwork)).unwrap();
    let fits = runtime
        .execute(request("() => 'x'.repeat(1048574)", json!(null)))
        .await;
    assert!(fits.is_ok());
    for source in ["() => 'x'.repeat(1048575)", "() => 'ä'.repeat(600000)"] {
        let error = runtime.execute(request(source, json!(null))).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retryable),
            (TaskErrorKind::Output, false),
            "{error}"
        );
        assert!(error.message.contains("at most 1048576 are allowed"), "{error}");
    }
    // A hundred megabytes are stopped before they are copied, by one of the two limits.
    let error = failure("() => 'x'.repeat(100 * 1024 * 1024)").await;
    assert!(
        matches!(error.kind, TaskErrorKind::Output | TaskErrorKind::Memory),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_of_a_run_is_there_in_the_next() {
    let runtime = runtime();
    let leave = "function main() { globalThis.left = 1; Array.prototype.left = 1; main.left = 1; return 1; }";
    let look = "() => [typeof left, typeof [].left, typeof main].concat(Object.keys(globalThis))";
    for _ in 0..3 {
        assert_eq!(runtime.execute(request(leave, json!(null))).await, Ok(json!(1)));
        let seen = runtime.execute(request(look, json!(null))).await;
        assert_eq!(seen, Ok(json!(["undefined", "undefined", "undefined"])));
    }
}

#[test]
fn a_source_is_checked_without_being_run() {
    let check = |source| runtime().check(&task(source));
    assert_eq!(check("while (true) {}"), None);
    let error = check("function main() {\n  return [1,;\n}").unwrap();
    assert!(error.starts_with("main.js:2:"), "{error}");
    let without = ratchet_interfaces::TaskDefinition {
        source: None,
        ..task("")
    };
    assert!(runtime().check(&without).unwrap().contains("main.js"));
}
