use std::time::Duration;

use ratchet_interfaces::{TaskErrorKind, TaskExecutor as _};
use serde_json::json;

use crate::harness::{failure, request, runtime};

#[tokio::test]
async fn an_error_has_its_message_and_the_lines_of_main_js() {
    let source = "function main() {\n  inner();\n}\nfunction inner() {\n  throw new RangeError('oh');\n}";
    let error = failure(source).await;
    assert_eq!(
        (error.kind, error.retryable, error.retry_after),
        (TaskErrorKind::Task, true, None)
    );
    let lines: Vec<&str> = error.message.lines().map(str::trim).collect();
    assert_eq!(lines[0], "RangeError: oh");
    assert!(lines[1].starts_with("at inner (main.js:5:"), "{error}");
    assert!(lines[2].starts_with("at main (main.js:2:"), "{error}");
    let error = failure("async () => {\n  await null;\n  undefined.x;\n}").await;
    assert!(
        error.message.starts_with("TypeError: ") && error.message.contains("main.js:3:"),
        "{error}"
    );
    let error = failure("function() { throw new Error('oh'); }").await;
    assert!(error.message.contains("main.js:1:24"), "{error}");
}

#[tokio::test]
async fn whatever_is_thrown_is_told() {
    for (source, message) in [
        ("() => { throw 'a text'; }", "a text"),
        ("() => { throw 42; }", "42 was thrown"),
        ("() => { throw {a: 1}; }", "{\"a\":1} was thrown"),
        ("() => { throw {message: 'like an error'}; }", "like an error"),
        ("() => { throw undefined; }", "undefined was thrown"),
        ("() => { throw null; }", "null was thrown"),
        ("() => Promise.reject('no')", "no"),
        ("() => { throw Symbol('s'); }", "symbol was thrown"),
    ] {
        let error = failure(source).await;
        assert_eq!(
            (error.kind, error.message.as_str()),
            (TaskErrorKind::Task, message),
            "{source}"
        );
    }
    let error = failure("() => { throw new Error('outer', {cause: new TypeError('inner')}); }").await;
    assert!(error.message.starts_with("Error: outer\n"), "{error}");
    assert!(error.message.contains("\ncaused by TypeError: inner"), "{error}");
}

#[tokio::test]
async fn an_error_may_say_whether_and_when_to_try_again_and_of_what_kind_it_is() {
    let error = failure("() => { throw Object.assign(new Error('x'), {retryable: false}); }").await;
    assert!(!error.retryable);
    let error = failure("() => { throw Object.assign(new Error('x'), {retryAfter: 1.5}); }").await;
    assert_eq!(
        (error.retryable, error.retry_after),
        (true, Some(Duration::from_millis(1500)))
    );
    let error = failure("() => { throw Object.assign(new Error('x'), {kind: 'input'}); }").await;
    assert_eq!((error.kind, error.retryable), (TaskErrorKind::Input, false));
    let error = failure("() => { throw {message: 'x', kind: 'permission', retryable: true}; }").await;
    assert_eq!((error.kind, error.retryable), (TaskErrorKind::Permission, true));
    for nonsense in [
        "kind: 'timeout'",
        "kind: 'nonsense'",
        "kind: 3",
        "retryable: 'no'",
        "retryAfter: -1",
    ] {
        let error = failure(&format!("() => {{ throw {{message: 'x', {nonsense}}}; }}")).await;
        assert_eq!(
            (error.kind, error.retryable, error.retry_after),
            (TaskErrorKind::Task, true, None),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn the_words_of_an_error_are_bounded() {
    let error = failure("() => { throw new Error('ä'.repeat(1000000)); }").await;
    assert!(
        error.message.len() < 9000 && error.message.ends_with('…'),
        "{}",
        error.message.len()
    );
}

#[tokio::test]
async fn a_hostile_error_is_told_all_the_same() {
    for source in [
        "() => { const e = new Error('x'); Object.defineProperty(e, 'message', {get() { throw e; }}); throw e; }",
        "() => { throw new Proxy({}, {get() { throw 1; }}); }",
        "() => { throw {get message() { throw 1; }, toJSON() { throw 2; }}; }",
        "() => { const e = new Error('x'); e.cause = e; throw e; }",
        "() => { throw '\\ud800'; }",
    ] {
        let error = failure(source).await;
        assert_eq!(error.kind, TaskErrorKind::Task, "{source}");
        assert!(!error.message.is_empty(), "{source}");
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_compiled_is_an_error_of_the_definition() {
    let error = failure("function main( {").await;
    assert_eq!((error.kind, error.retryable), (TaskErrorKind::Definition, false));
    assert!(
        error.message.starts_with("SyntaxError: ") && error.message.contains("main.js:1:"),
        "{error}"
    );
    let mut without = request("", json!(null));
    without.task = std::sync::Arc::new(ratchet_interfaces::TaskDefinition {
        source: None,
        ..(*without.task).clone()
    });
    let error = runtime().execute(without).await.unwrap_err();
    assert_eq!(error.kind, TaskErrorKind::Definition);
}
