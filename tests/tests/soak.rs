//! The real binary works for ten minutes, and uses no more at the end than after the first two.
//!
//! It is left out of ordinary runs; CONTRIBUTING.md says how it is started.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ratchet_interfaces::{
    Choice, Clock, DeliveryCondition, DeliveryFilter, DeliverySort, DeliveryStatus, JobCondition, JobFilter,
    JobSort, JobStatus, OutputDestination, OverlapPolicy, PageRequest, RepositoryFactory, SchedulePolicies,
    UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::{
    ServerProcess, WebAnswer, WebServer, memory_peak, memory_resident, open_files, task_named, threads,
    with_repositories_at, write_task,
};
use rustix::process::Signal;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;

/// How many schedules tick every second for each task.
const SCHEDULES: usize = 10;
const TASKS: [&str; 4] = ["computes", "fetches", "asks", "runs"];
const STEP: Duration = Duration::from_secs(10);
/// How long what is under way at the end may take to be done and let go.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long pools, caches and allocators may fill up.
const WARM_UP: Duration = Duration::from_secs(120);
/// A pool of ten, whose connections are opened when they are needed and stay, and the one that holds the lock.
const CONNECTIONS: u64 = 11;

/// What the server uses at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    resident_kib: u64,
    files: u64,
    threads: u64,
    connections: u64,
}

#[test]
#[ignore = "it takes ten minutes"]
fn ten_minutes_on_sqlite_leave_no_growth() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("ratchet.db").display());
    soak(folder.path(), &url, || 0);
}

#[test]
#[ignore = "it takes ten minutes"]
fn ten_minutes_on_postgresql_leave_no_growth() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(TestDatabase::postgres()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().to_owned();
    let watch = runtime.block_on(sea_orm::Database::connect(&url)).unwrap();
    soak(folder.path(), &url, || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
        let row = watch.query_one_raw(Statement::from_string(DbBackend::Postgres, count));
        let row = runtime.block_on(row).unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap().unsigned_abs()
    });
}

fn soak(folder: &Path, url: &str, connections: impl Fn() -> u64) {
    let seconds = std::env::var("RATCHET_TEST_SOAK_SECONDS").map_or(600, |text| text.parse().unwrap());
    let whole = Duration::from_secs(seconds);
    assert!(
        whole >= 3 * WARM_UP,
        "RATCHET_TEST_SOAK_SECONDS is {seconds}: it takes 360 at least"
    );
    let requests = Arc::new(AtomicU64::new(0));
    let web = WebServer::start({
        let requests = Arc::clone(&requests);
        move |_| {
            let number = requests.fetch_add(1, Ordering::Relaxed);
            match number % 50 {
                0 => WebAnswer::Status(503, String::new()),
                1 => WebAnswer::HangUp,
                _ => WebAnswer::Status(200, json!({"number": number}).to_string()),
            }
        }
    });
    write_tasks(folder, &web);
    let server = start(folder, url);
    let (idle_files, idle_threads) = (open_files(server.id()) as u64, threads(server.id()));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories_at(url, async |repositories| {
        schedule(repositories, &web, seconds).await
    });

    let own = connections();
    let database = url.split(':').next().unwrap();
    let mut server = start(folder, url);
    let began = Instant::now();
    let mut samples = Vec::new();
    while began.elapsed() < whole {
        server.watch(Instant::now() + STEP, |_| false);
        let sample = Sample {
            at: began.elapsed(),
            resident_kib: memory_resident(server.id()),
            files: open_files(server.id()) as u64,
            threads: threads(server.id()),
            connections: connections() - own,
        };
        let Sample {
            at,
            resident_kib,
            files,
            threads,
            connections,
        } = sample;
        println!(
            "{database} {:4} s: {resident_kib} KiB, {files} files, {threads} threads, {connections} connections",
            at.as_secs()
        );
        samples.push(sample);
    }
    // How many threads there are is how many jobs and writes once fell together, as long as there is work every second.
    // Without work they end, and the handles are closed; the connections of a pool stay.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (files, threads) = (open_files(server.id()) as u64, threads(server.id()));
        if files <= idle_files + CONNECTIONS && threads <= idle_threads + 2 {
            println!("without work: {files} files, {threads} threads; at first {idle_files}, {idle_threads}");
            break;
        }
        assert!(
            Instant::now() < deadline,
            "{files} files and {threads} threads stay; at first {idle_files}, {idle_threads}"
        );
        server.watch(Instant::now() + Duration::from_millis(500), |_| false);
    }
    let peak = memory_peak(server.id());
    assert_eq!(server.get("/health/detailed").1["status"], "healthy");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let (jobs, deliveries) = with_repositories_at(url, audit);
    println!(
        "{jobs} jobs, {deliveries} deliveries, {} requests, {peak} KiB at the most",
        requests.load(Ordering::Relaxed)
    );
    assert!(jobs > seconds * TASKS.len() as u64, "it had nothing to do");

    // The two minutes after the first two against the last two. What is open at a moment depends on what runs just then,
    // so that their lowest numbers count. The allocators keep a little of what was freed.
    let window = samples
        .iter()
        .filter(|sample| sample.at > WARM_UP && sample.at <= 2 * WARM_UP);
    let early: Vec<_> = window.copied().collect();
    let window = samples
        .iter()
        .filter(|sample| sample.at > whole.saturating_sub(WARM_UP));
    let late: Vec<_> = window.copied().collect();
    let grew = |what: fn(&Sample) -> u64, tolerance: u64| {
        let least = |samples: &[Sample]| samples.iter().map(what).min().unwrap();
        (least(&late) > least(&early) + tolerance).then(|| (least(&early), least(&late)))
    };
    let tenth = early[0].resident_kib / 10;
    assert_eq!(grew(|sample| sample.resident_kib, tenth + 4_096), None, "memory");
    assert_eq!(grew(|sample| sample.files, 10), None, "open files");
    let connections = samples.iter().map(|sample| sample.connections).max().unwrap();
    assert!(connections <= CONNECTIONS, "{connections} connections");
}

fn start(folder: &Path, url: &str) -> ServerProcess {
    ServerProcess::start(
        folder,
        &["--database", url, "--log-level", "error,ratchet_server=info"],
    )
    .ready()
}

fn write_tasks(folder: &Path, web: &WebServer) {
    std::fs::write(
        folder.join("ratchet.toml"),
        "[process]\nenabled = true\nallowed_commands = [\"sh\"]\n\
         [outbound]\nallowed_networks = [\"127.0.0.1\"]\n",
    )
    .unwrap();
    let computes = "(input, context) => { const all = []; for (let i = 0; i < 10000; i++) all.push({i}); \
                    console.log('made', all.length); return {job: context.jobId, count: all.length}; }";
    write_task(folder, "computes", json!({}), &[("main.js", computes)]);
    let fetches = "async (input) => (await fetch(input.url)).status";
    let retry = json!({"max_retries": 5, "backoff": {"type": "fixed", "delay_seconds": 0.2}});
    write_task(
        folder,
        "fetches",
        json!({"retry": retry}),
        &[("main.js", fetches)],
    );
    let asks = json!({"url": web.url("/"), "extract": {"number": "/number"}}).to_string();
    write_task(
        folder,
        "asks",
        json!({"runtime": "http", "retry": retry}),
        &[("request.json", &asks)],
    );
    let runs =
        json!({"command": "sh", "args": ["-c", "echo \"$RATCHET_JOB_ID\"; echo told >&2"]}).to_string();
    write_task(
        folder,
        "runs",
        json!({"runtime": "process"}),
        &[("process.json", &runs)],
    );
}

/// Makes schedules that tick every second, so many times.
async fn schedule(repositories: &dyn RepositoryFactory, web: &WebServer, ticks: u64) {
    let destinations: Vec<OutputDestination> = serde_json::from_value(json!([
        {"destinationType": "stdio", "stdio": {"stream": "stdout", "format": "JSON"}},
        {"destinationType": "filesystem",
         "filesystem": {"path": "{{ task }}.jsonl", "mode": "append", "includeMetadata": true}},
        {"destinationType": "filesystem", "filesystem": {"path": "last/{{ task }}.json.gz", "compression": "GZIP"}},
        {"destinationType": "webhook", "results": "all", "webhook": {
            "url": web.url("/hook"), "signingSecret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "retryPolicy": {"maxAttempts": 10, "initialDelaySeconds": 0.2}}}
    ]))
    .unwrap();
    for task in TASKS {
        let id = task_named(repositories, task).await;
        let now = SystemClock::new().now();
        let schedules: Vec<_> = (0..SCHEDULES)
            .map(|number| UnifiedSchedule {
                input: json!({"url": web.url("/")}),
                output_destinations: destinations.clone(),
                policies: SchedulePolicies {
                    overlap: OverlapPolicy::Allow,
                    max_runs: Some(ticks),
                    ..SchedulePolicies::default()
                },
                ..UnifiedSchedule::new(format!("{task} {number}"), id, "* * * * * *", now)
            })
            .collect();
        let stored = repositories.schedules();
        stored.schedule_create_many(&schedules).await.unwrap();
    }
}

/// Finds that no job is stuck or failed and no delivery was given up, and counts both.
async fn audit(repositories: &dyn RepositoryFactory) -> (u64, u64) {
    let jobs = async |filter: JobFilter| {
        let jobs = repositories.jobs();
        let page = jobs.job_list(&filter, JobSort::default(), PageRequest::default());
        page.await.unwrap()
    };
    let deliveries = async |status: Option<DeliveryStatus>| {
        let filter = DeliveryFilter::of(status.map(|status| DeliveryCondition::Status(Choice::Is(status))));
        let deliveries = repositories.deliveries();
        let page = deliveries.delivery_list(&filter, DeliverySort::default(), PageRequest::default());
        page.await.unwrap()
    };
    // What was not done when the server was told to stop may wait for the next.
    let wrong = vec![JobStatus::Processing, JobStatus::Failed];
    let wrong = jobs(JobFilter::of([JobCondition::Status(Choice::IsOneOf(wrong))])).await;
    assert_eq!(wrong.total, 0, "{:#?}", wrong.items);
    let given_up = deliveries(Some(DeliveryStatus::Failed)).await;
    assert_eq!(given_up.total, 0, "{:#?}", given_up.items);
    (
        jobs(JobFilter::default()).await.total,
        deliveries(None).await.total,
    )
}
