use std::sync::Arc;
use std::time::{Duration, Instant};

use ratchet_interfaces::{RunLimits, StopSource, TaskErrorKind, TaskExecutor as _, TaskMonitor, TaskRequest};
use ratchet_runtimes::JavaScriptRuntime;
use serde_json::json;

use crate::harness::{Heard, failure, request, runtime};

/// Tasks that do not end by themselves, each with a line in the log when it is about to go on without end.
const ENDLESS: [&str; 12] = [
    "() => { console.log('on'); while (true) {} }",
    "() => { console.log('on'); for (;;) { try { while (true) {} } catch {} finally { continue; } } }",
    "async () => { console.log('on'); for (;;) { try { for (;;) await null; } catch {} } }",
    "() => { console.log('on'); (function again() { Promise.resolve().then(again); })(); return new Promise(() => {}); }",
    "() => { console.log('on'); return new Promise(() => { const f = () => Promise.resolve().then(f); f(); f(); }); }",
    "() => { console.log('on'); /(a+)+$/.test('a'.repeat(60) + 'b'); }",
    "() => { console.log('on'); return {toJSON() { while (true) {} }}; }",
    "() => { console.log('on'); throw {get message() { while (true) {} }}; }",
    "() => { console.log('on'); Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1); }",
    "() => { console.log('on'); new Proxy({}, {get: (t, k, r) => { while (true) {} }}).x; }",
    "async () => { console.log('on'); await sleep(3600000); }",
    "async () => { console.log('on'); setInterval(() => {}, 0); await new Promise(() => {}); }",
];

/// A request, and where its first line is heard.
fn endless(source: &str) -> (TaskRequest, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let request = TaskRequest {
        monitor: Arc::clone(&heard) as Arc<dyn TaskMonitor>,
        ..request(source, json!(null))
    };
    (request, heard)
}

async fn assert_goes_on(runtime: &JavaScriptRuntime) {
    assert_eq!(
        runtime.execute(request("() => 'next'", json!(null))).await,
        Ok(json!("next"))
    );
}

#[tokio::test]
async fn a_run_without_end_stops_when_it_is_told_to_and_the_next_one_runs() {
    let runtime = Arc::new(runtime());
    for source in ENDLESS {
        let (mut request, heard) = endless(source);
        let stop = StopSource::default();
        request.stop = stop.token();
        let running = tokio::spawn({
            let runtime = Arc::clone(&runtime);
            async move { runtime.execute(request).await }
        });
        heard.line.notified().await;
        stop.stop();
        let error = running.await.unwrap().unwrap_err();
        assert_eq!(error.kind, TaskErrorKind::Timeout, "{source}: {error}");
        assert!(error.message.contains("told to stop"), "{source}: {error}");
        assert_eq!(heard.texts().len(), 1, "{source}");
        assert_goes_on(&runtime).await;
    }
}

#[tokio::test]
async fn a_run_without_end_stops_by_its_timeout() {
    let runtime = runtime();
    for source in ENDLESS {
        let (mut request, _) = endless(source);
        request.limits.timeout = Duration::from_millis(50);
        let error = runtime.execute(request).await.unwrap_err();
        assert_eq!(error.kind, TaskErrorKind::Timeout, "{source}: {error}");
        assert_eq!(error.message, "the run took longer than 0.05 s", "{source}");
    }
    assert_goes_on(&runtime).await;
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_stops() {
    let runtime = runtime();
    for source in ENDLESS {
        let (request, heard) = endless(source);
        let monitor = Arc::downgrade(&heard);
        let mut running = Box::pin(runtime.execute(request));
        tokio::select! {
            outcome = &mut running => panic!("{source}: {outcome:?}"),
            () = heard.line.notified() => {}
        }
        drop(running);
        drop(heard);
        // The run holds the monitor as long as it goes on.
        let patience = Instant::now() + Duration::from_secs(30);
        while monitor.strong_count() > 0 {
            assert!(Instant::now() < patience, "{source}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_run_that_allocates_without_end_is_stopped() {
    let runtime = runtime();
    for source in [
        "() => { const a = []; while (true) a.push({}); }",
        "() => { let s = 'x'; while (true) s = (s + s).toUpperCase(); }",
        "() => { let a = null; while (true) a = {a}; }",
        "() => { globalThis.a = []; while (true) a.push(new Array(1000).fill(0)); }",
        "() => { globalThis.a = []; while (true) a.push(new Uint8Array(100000)); }",
        "() => new ArrayBuffer(1e9)",
        "async () => { globalThis.a = []; const f = async (n) => { a.push({n}); await null; await Promise.all([f(n + 1), f(n + 1)]); }; await f(0); }",
        "async () => { globalThis.a = []; for (;;) a.push(new Promise(() => {})); }",
        "async () => { for (;;) setTimeout(() => {}, 1e9); }",
        "() => { globalThis.a = []; for (;;) a.push(Symbol('x'.repeat(1000))); }",
    ] {
        let (mut request, _) = endless(source);
        request.limits.memory_bytes = Some(8 * 1024 * 1024);
        request.limits.timeout = Duration::from_secs(120);
        let error = runtime.execute(request).await.unwrap_err();
        assert_eq!(
            (error.kind, error.retryable),
            (TaskErrorKind::Memory, false),
            "{source}: {error}"
        );
    }
    assert_goes_on(&runtime).await;
}

#[tokio::test]
async fn a_task_has_the_memory_that_it_is_given() {
    let source = "() => { const a = new Array(300000).fill(0).map((_, i) => ({i})); return a.length; }";
    let with = |memory_bytes| {
        let request = request(source, json!(null));
        TaskRequest {
            limits: RunLimits {
                memory_bytes,
                ..request.limits
            },
            ..request
        }
    };
    assert_eq!(runtime().execute(with(None)).await, Ok(json!(300_000)));
    let error = runtime().execute(with(Some(4 * 1024 * 1024))).await.unwrap_err();
    assert_eq!(error.kind, TaskErrorKind::Memory, "{error}");
    let error = runtime().execute(with(Some(1))).await.unwrap_err();
    assert_eq!(error.kind, TaskErrorKind::Memory, "{error}");
}

#[tokio::test]
async fn a_recursion_without_end_is_an_error_of_the_task() {
    for source in [
        "function main() { return main(); }",
        "async function main() { return await main(); }",
        "() => { const f = () => [1].map(f); f(); }",
        "() => { const o = {get a() { return this.a; }}; o.a; }",
        "() => { const o = {toString() { return `${this}`; }}; return `${o}`; }",
        "() => { const p = new Proxy({}, {get: (t, k, r) => r[k]}); p.x; }",
        "() => JSON.parse('['.repeat(1000000))",
        "() => eval('('.repeat(1000000))",
        "() => new RegExp('('.repeat(1000000))",
        "() => { 'x'.replace(/x/, function again() { return 'x'.replace(/x/, again); }); }",
    ] {
        let error = failure(source).await;
        assert_eq!(error.kind, TaskErrorKind::Task, "{source}: {error}");
    }
}

#[tokio::test]
async fn a_long_chain_of_objects_is_freed_and_written_within_the_stack() {
    let source = "() => { let a = null; for (let i = 0; i < 200000; i++) a = {a}; return 1; }";
    assert_eq!(crate::harness::run(source).await, Ok(json!(1)));
    let error = failure("() => { let a = null; for (let i = 0; i < 200000; i++) a = {a}; return a; }").await;
    assert_eq!(error.kind, TaskErrorKind::Output, "{error}");
}

#[tokio::test]
async fn a_thousand_runs_wait_at_once() {
    const RUNS: usize = 1000;
    let runtime = Arc::new(runtime());
    let heard = Arc::new(Heard::default());
    let stop = StopSource::default();
    let runs: Vec<_> = (0..RUNS)
        .map(|index| {
            let mut request = request(
                "async (n) => { console.log('waits'); await sleep(3600000); }",
                json!(index),
            );
            request.monitor = Arc::clone(&heard) as Arc<dyn TaskMonitor>;
            request.stop = stop.token();
            request.limits.timeout = Duration::from_secs(3600);
            let runtime = Arc::clone(&runtime);
            tokio::spawn(async move { runtime.execute(request).await })
        })
        .collect();
    while heard.lines.lock().unwrap().len() < RUNS {
        heard.line.notified().await;
    }
    assert_goes_on(&runtime).await;
    stop.stop();
    for run in runs {
        assert_eq!(run.await.unwrap().unwrap_err().kind, TaskErrorKind::Timeout);
    }
}

#[tokio::test]
async fn runs_that_compute_delay_neither_each_other_nor_their_callers() {
    // This runtime of tokio has one thread: were a task on it, nothing would go on.
    let runtime = Arc::new(runtime());
    let stop = StopSource::default();
    let mut runs = Vec::new();
    for _ in 0..8 {
        let (mut request, heard) = endless(ENDLESS[0]);
        request.stop = stop.token();
        let runtime = Arc::clone(&runtime);
        runs.push(tokio::spawn(async move { runtime.execute(request).await }));
        heard.line.notified().await;
    }
    assert_goes_on(&runtime).await;
    stop.stop();
    for run in runs {
        assert!(run.await.unwrap().is_err());
    }
}
