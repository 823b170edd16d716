//! How many JavaScript runs a second the runtime alone makes, and what waiting ones cost:
//! `cargo run --release -p ratchet-runtimes --example javascript_speed`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ratchet_interfaces::{
    ExecutionId, JobId, LogLevel, Progress, RunLimits, StopSource, StopToken, TaskContext, TaskDefinition,
    TaskExecutor as _, TaskId, TaskMonitor, TaskRequest,
};
use ratchet_outbound::{OutboundError, OutboundRequest, OutboundResponse};
use ratchet_runtimes::{Fetch, JavaScriptConfig, JavaScriptRuntime};
use serde_json::json;

struct NoNetwork;

#[async_trait]
impl Fetch for NoNetwork {
    async fn fetch(&self, _: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        std::future::pending().await
    }
}

#[derive(Default)]
struct Lines(AtomicUsize);

impl TaskMonitor for Lines {
    fn log(&self, _: LogLevel, _: &str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn progress(&self, _: Progress) {}
}

fn request(source: &str, monitor: Arc<dyn TaskMonitor>, stop: StopToken) -> TaskRequest {
    let task = TaskDefinition {
        source: Some(source.to_owned()),
        ..TaskDefinition::new(TaskId::new(), "a-task", "1.0.0", JavaScriptRuntime::NAME)
    };
    TaskRequest {
        context: TaskContext {
            execution_id: ExecutionId::new(),
            job_id: JobId::new(),
            task_id: task.id,
            task_version: task.version.clone(),
            scheduled_for: None,
            attempt: 1,
        },
        task: Arc::new(task),
        input: json!({"n": 1}),
        limits: RunLimits {
            timeout: Duration::from_secs(3600),
            memory_bytes: None,
        },
        monitor,
        stop,
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

async fn speed(runtime: &Arc<JavaScriptRuntime>, what: &str, source: &'static str, concurrency: usize) {
    const RUNS: usize = 20_000;
    let (left, began) = (Arc::new(AtomicUsize::new(RUNS)), Instant::now());
    let workers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (runtime, left) = (Arc::clone(runtime), Arc::clone(&left));
            let request = request(source, Arc::new(Lines::default()), StopToken::never());
            tokio::spawn(async move {
                while left
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                    .is_ok()
                {
                    if let Err(error) = runtime.execute(request.clone()).await {
                        eprintln!("{error}");
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        if let Err(error) = worker.await {
            eprintln!("{error}");
        }
    }
    println!(
        "{what}, {concurrency} at once: {:.0} runs/s",
        RUNS as f64 / began.elapsed().as_secs_f64()
    );
}

async fn waiting(runtime: &Arc<JavaScriptRuntime>, what: &str, source: &str, runs: usize) {
    let (lines, stop) = (Arc::new(Lines::default()), StopSource::default());
    let before = resident_kib();
    let waiting: Vec<_> = (0..runs)
        .map(|_| {
            let request = request(source, Arc::clone(&lines) as Arc<dyn TaskMonitor>, stop.token());
            let runtime = Arc::clone(runtime);
            tokio::spawn(async move { runtime.execute(request).await })
        })
        .collect();
    while lines.0.load(Ordering::Relaxed) < runs {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let grown = resident_kib().saturating_sub(before);
    println!(
        "{what}, {runs} waiting: {grown} KiB more, {} KiB each",
        grown / runs as u64
    );
    stop.stop();
    for run in waiting {
        if let Ok(Ok(output)) = run.await {
            eprintln!("it ended by itself: {output}");
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Arc::new(JavaScriptRuntime::new(
        JavaScriptConfig::default(),
        Arc::new(NoNetwork),
    )?);
    let trivial = "(function(input, context) { return {ok: true, n: input.n + 1}; })";
    for concurrency in [1, 2, 10, 100] {
        speed(&runtime, "trivial", trivial, concurrency).await;
    }
    speed(
        &runtime,
        "async",
        "async (input) => { await null; return input.n + 1; }",
        10,
    )
    .await;
    speed(
        &runtime,
        "console",
        "(input) => { console.log('n', input.n); return input.n; }",
        10,
    )
    .await;
    speed(
        &runtime,
        "typed arrays",
        "(input) => new Uint8Array(input.n).length",
        10,
    )
    .await;
    for runs in [100, 1000] {
        waiting(
            &runtime,
            "sleep",
            "async () => { console.log('w'); await sleep(1e9); }",
            runs,
        )
        .await;
        waiting(
            &runtime,
            "fetch",
            "async () => { console.log('w'); await fetch('http://a/'); }",
            runs,
        )
        .await;
    }
    Ok(())
}
