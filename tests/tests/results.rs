//! The real binary is killed again and again while tasks from a folder run and their results leave in every way. Every
//! job must come to an end, and every result arrive.

#![cfg(target_os = "linux")]

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, Delivery, DeliveryStatus, Execution, ExecutionStatus, JobStatus, LogFilter, OutputDestination,
    OutputTarget, OverlapPolicy, PageRequest, RepositoryFactory, SchedulePolicies, UnifiedJob,
    UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::{
    Random, ServerProcess, WebAnswer, WebRequest, WebServer, all_deliveries, all_executions, all_jobs,
    task_named, with_repositories_at, write_task,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const TASKS: [&str; 5] = ["computes", "waits", "asks", "runs", "fails"];
/// How many jobs of each task wait from the beginning.
const QUEUED: usize = 60;
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn after_fifty_kills_on_sqlite_every_job_has_ended_and_every_result_has_arrived() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("ratchet.db").display());
    kill_and_audit(folder.path(), &url, 50);
}

#[test]
fn after_ten_kills_on_postgresql_every_job_has_ended_and_every_result_has_arrived() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(TestDatabase::postgres()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().to_owned();
    kill_and_audit(folder.path(), &url, 10);
}

fn kill_and_audit(folder: &Path, url: &str, kills: u64) {
    let receiver = Arc::new(Receiver::default());
    let web = WebServer::start({
        let receiver = Arc::clone(&receiver);
        move |request| receiver.answer(&request)
    });
    write_tasks(folder, &web);
    // The first server makes the tables and takes in the tasks.
    assert_eq!(start(folder, url).ready().end_by(Signal::TERM).code, Some(0));
    with_repositories_at(url, async |repositories| queue(repositories, &web).await);

    let mut printed = Vec::new();
    let mut random = Random::new(0x0dd_ba11_cafe_d00d);
    for round in 0..kills {
        let server = start(folder, url);
        // Some are killed before they are ready, the others anywhere within a second.
        let mut server = if round % 5 == 4 { server } else { server.ready() };
        let deadline = Instant::now() + Duration::from_micros(random.below(1_000_000));
        server.watch(deadline, |_| false);
        let exit = server.kill();
        assert_eq!(exit.code, None);
        printed.extend(exit.results);
    }
    with_repositories_at(url, disable_schedules);
    let mut last = start(folder, url).ready();
    let deadline = Instant::now() + PATIENCE;
    while let Some(unfinished) = with_repositories_at(url, unfinished) {
        assert!(Instant::now() < deadline, "{unfinished}");
        last.watch(Instant::now() + Duration::from_millis(100), |_| false);
    }
    let exit = last.end_by(Signal::TERM);
    assert_eq!(exit.code, Some(0));
    printed.extend(exit.results);

    let arrived = Arrived {
        printed: executions_in(printed.iter()),
        files: folder.join("output"),
        receiver: &receiver,
    };
    with_repositories_at(url, async |repositories| {
        audit(repositories, &arrived, kills).await
    });
}

fn start(folder: &Path, url: &str) -> ServerProcess {
    let arguments = ["--database", url, "--max-concurrent-jobs", "16"];
    ServerProcess::start(folder, &arguments)
}

/// Tasks of each runtime: they print, wait, ask a server, run a process, and fail once or for good.
fn write_tasks(folder: &Path, web: &WebServer) {
    std::fs::write(
        folder.join("ratchet.toml"),
        "[process]\nenabled = true\nallowed_commands = [\"sh\"]\n\
         [outbound]\nallowed_networks = [\"127.0.0.1\"]\n[server]\nshutdown_grace_seconds = 20\n",
    )
    .unwrap();
    let computes = "(input, context) => { console.log('begins'); let sum = 0; \
                    for (let i = 0; i < 1000; i++) sum += i; console.log('sum', sum); \
                    return {job: context.jobId, sum}; }";
    write_task(folder, "computes", json!({}), &[("main.js", computes)]);
    let waits = "async (input, context) => { console.log('begins'); await sleep(150); \
                 return {job: context.jobId}; }";
    write_task(folder, "waits", json!({}), &[("main.js", waits)]);
    let asks = json!({"url": web.url("/data/{{ context.jobId }}"), "extract": {"job": "/path"}});
    write_task(
        folder,
        "asks",
        json!({"runtime": "http", "retry": {"max_retries": 5, "backoff": {"type": "fixed", "delay_seconds": 0.1}}}),
        &[("request.json", &asks.to_string())],
    );
    let script = "sleep 0.1; printf '{\"job\": \"%s\"}\\n' \"$RATCHET_JOB_ID\"";
    let runs = json!({"command": "sh", "args": ["-c", script]});
    write_task(
        folder,
        "runs",
        json!({"runtime": "process"}),
        &[("process.json", &runs.to_string())],
    );
    let fails = "(input, context) => { console.warn('attempt', context.attempt); \
                 if (input.always || context.attempt === 1) throw new Error('not today'); \
                 return {job: context.jobId}; }";
    let retry = json!({"max_retries": 1, "backoff": {"type": "fixed", "delay_seconds": 0.1}});
    write_task(folder, "fails", json!({"retry": retry}), &[("main.js", fails)]);
}

fn destinations(web: &WebServer) -> Vec<OutputDestination> {
    let destinations = json!([
        {"destinationType": "stdio", "results": "all",
         "stdio": {"stream": "stdout", "format": "JSON", "includeMetadata": true}},
        {"destinationType": "filesystem", "results": "all",
         "filesystem": {"path": "all.jsonl", "format": "JSON", "mode": "append", "includeMetadata": true}},
        {"destinationType": "filesystem", "results": "all",
         "filesystem": {"path": "each/{{ task }}/{{ job }}.json", "format": "JSON", "includeMetadata": true}},
        {"destinationType": "webhook", "results": "all", "webhook": {
            "url": web.url("/hook"), "signingSecret": SECRET, "timeoutSeconds": 10,
            "retryPolicy": {"maxAttempts": 10, "initialDelaySeconds": 0.1, "maxDelaySeconds": 1.0,
                            "backoffMultiplier": 2.0}}}
    ]);
    serde_json::from_value(destinations).unwrap()
}

/// Jobs of each task that wait, and two schedules for each that tick every second or two.
async fn queue(repositories: &dyn RepositoryFactory, web: &WebServer) {
    let now: DateTime<Utc> = SystemClock::new().now();
    for task in TASKS {
        let id = task_named(repositories, task).await;
        let jobs: Vec<_> = (0..QUEUED)
            .map(|number| UnifiedJob {
                output_destinations: destinations(web),
                ..UnifiedJob::new(id, json!({"always": number % 4 == 0}), now)
            })
            .collect();
        repositories.jobs().job_create_many(&jobs, &[]).await.unwrap();
        let schedules = [("* * * * * *", "every second"), ("*/2 * * * * *", "every two")];
        let schedules = schedules.map(|(specification, words)| UnifiedSchedule {
            output_destinations: destinations(web),
            policies: SchedulePolicies {
                overlap: OverlapPolicy::Allow,
                ..SchedulePolicies::default()
            },
            ..UnifiedSchedule::new(format!("{task} {words}"), id, specification, now)
        });
        let stored = repositories.schedules();
        stored.schedule_create_many(&schedules).await.unwrap();
    }
}

async fn disable_schedules(repositories: &dyn RepositoryFactory) {
    let schedules = repositories.schedules();
    for task in TASKS {
        for words in ["every second", "every two"] {
            let found = schedules.schedule_find_by_name(&format!("{task} {words}")).await;
            let schedule = UnifiedSchedule {
                enabled: false,
                ..found.unwrap().unwrap()
            };
            schedules.schedule_update(&schedule).await.unwrap();
        }
    }
}

fn is_final(status: JobStatus) -> bool {
    matches!(
        status,
        JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled
    )
}

/// What is still to be done, in words.
async fn unfinished(repositories: &dyn RepositoryFactory) -> Option<String> {
    let jobs = all_jobs(repositories).await;
    let jobs = jobs.iter().filter(|job| !is_final(job.status)).count();
    let deliveries = all_deliveries(repositories).await;
    let pending = deliveries
        .iter()
        .filter(|delivery| delivery.status == DeliveryStatus::Pending)
        .count();
    (jobs + pending > 0).then(|| format!("{jobs} jobs and {pending} deliveries are unfinished"))
}

/// What was seen outside of the database.
struct Arrived<'a> {
    printed: HashSet<String>,
    files: std::path::PathBuf,
    receiver: &'a Receiver,
}

async fn audit(repositories: &dyn RepositoryFactory, arrived: &Arrived<'_>, kills: u64) {
    let mut executions: HashMap<_, Vec<Execution>> = HashMap::new();
    let all = all_executions(repositories).await;
    let attempts = all.len();
    for execution in all {
        executions.entry(execution.job_id).or_default().push(execution);
    }
    let mut deliveries: HashMap<_, Vec<Delivery>> = HashMap::new();
    for delivery in all_deliveries(repositories).await {
        deliveries.entry(delivery.job_id).or_default().push(delivery);
    }
    let lines = std::fs::read_to_string(arrived.files.join("all.jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("a torn line: {line}")))
        .collect();
    let appended = executions_in(lines.iter());
    let requests = std::mem::take(&mut *arrived.receiver.requests.lock().unwrap());
    assert_eq!(*arrived.receiver.forged.lock().unwrap(), Vec::<String>::new());

    let mut ends: HashMap<JobStatus, usize> = HashMap::new();
    for job in all_jobs(repositories).await {
        if job.output_destinations.len() != 4 {
            // The heartbeat's, which comes with the server.
            continue;
        }
        assert!(is_final(job.status), "{job:#?}");
        *ends.entry(job.status).or_default() += 1;
        let last = audit_executions(&job, executions.remove(&job.id).unwrap());
        let logged = repositories
            .executions()
            .execution_log_list(last.id, &LogFilter::default(), PageRequest::default())
            .await;
        for (place, line) in logged.unwrap().items.iter().enumerate() {
            assert_eq!(
                usize::try_from(line.seq).unwrap(),
                place,
                "a line of the log is missing"
            );
        }
        let deliveries = deliveries.remove(&job.id).unwrap();
        assert_eq!(deliveries.len(), 4, "one for each destination: {deliveries:#?}");
        for delivery in deliveries {
            assert_eq!(delivery.status, DeliveryStatus::Delivered, "{delivery:#?}");
            assert_eq!(delivery.execution_id, last.id);
            let execution = last.id.to_string();
            match &delivery.destination.target {
                OutputTarget::Stdio { .. } => assert!(arrived.printed.contains(&execution), "{delivery:#?}"),
                OutputTarget::Webhook { .. } => {
                    let told = &requests[&delivery.id.to_string()];
                    assert!(told.accepted > 0, "{delivery:#?}");
                    assert_eq!(told.body["execution"], *execution);
                }
                OutputTarget::Filesystem { filesystem } if filesystem.path == "all.jsonl" => {
                    assert!(appended.contains(&execution), "{delivery:#?}");
                }
                OutputTarget::Filesystem { .. } => {
                    let task = delivery.payload.task.as_ref().unwrap();
                    let file = arrived.files.join(format!("each/{task}/{}.json", job.id));
                    let text = std::fs::read_to_string(file).unwrap();
                    let told: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(told["execution"], *execution);
                    assert_eq!(told["status"], job.status.as_str().to_uppercase());
                }
            }
        }
    }
    let ended = |status| ends.get(&status).copied().unwrap_or_default();
    assert_eq!(ended(JobStatus::Cancelled), 0);
    assert!(ended(JobStatus::Failed) >= QUEUED / 4);
    assert!(ended(JobStatus::Completed) >= QUEUED * 4);
    let received: usize = requests.values().map(|told| told.requests).sum();
    println!(
        "{kills} kills: {ends:?} in {attempts} attempts; {} messages in {received} requests; {} lines, {} results",
        requests.len(),
        lines.len(),
        appended.len()
    );
}

/// Returns the execution that ended the job.
fn audit_executions(job: &UnifiedJob, mut executions: Vec<Execution>) -> Execution {
    executions.sort_by_key(|execution| execution.attempt);
    let numbers: Vec<u32> = executions.iter().map(|execution| execution.attempt).collect();
    assert_eq!(numbers, (1..=job.attempts).collect::<Vec<_>>(), "{job:#?}");
    for execution in &executions {
        assert_ne!(execution.status, ExecutionStatus::Running, "{execution:#?}");
        assert!(execution.completed_at.is_some(), "{execution:#?}");
    }
    let last = executions.pop().unwrap();
    assert!(
        executions
            .iter()
            .all(|execution| execution.status != ExecutionStatus::Completed),
        "a job that is done is not run again: {executions:#?}"
    );
    match job.status {
        JobStatus::Completed => assert_eq!(last.status, ExecutionStatus::Completed, "{last:#?}"),
        _ => assert_eq!(last.status, ExecutionStatus::Failed, "{last:#?}"),
    }
    last
}

/// The executions of these envelopes.
fn executions_in<'a>(envelopes: impl Iterator<Item = &'a Value>) -> HashSet<String> {
    envelopes
        .filter_map(|envelope| envelope["execution"].as_str())
        .map(str::to_owned)
        .collect()
}

/// Verifies each message, and takes most of them only when they come again.
#[derive(Default)]
struct Receiver {
    requests: Mutex<HashMap<String, Told>>,
    forged: Mutex<Vec<String>>,
}

/// What was told of one delivery.
struct Told {
    body: Value,
    requests: usize,
    accepted: usize,
}

impl Receiver {
    fn answer(&self, request: &WebRequest) -> WebAnswer {
        let Some(job) = request.path.strip_prefix("/data/") else {
            return self.hook(request);
        };
        WebAnswer::Status(200, json!({"path": job}).to_string())
    }

    fn hook(&self, request: &WebRequest) -> WebAnswer {
        let verifier = Webhook::new(SECRET).unwrap();
        if let Err(error) = verifier.verify(&request.body, &request.headers) {
            let forged = format!("{error}: {request:?}");
            self.forged.lock().unwrap().push(forged);
            return WebAnswer::Status(400, String::new());
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let id = request.headers["webhook-id"].to_str().unwrap();
        let mut requests = self.requests.lock().unwrap();
        let told = requests.entry(id.to_owned()).or_insert_with(|| Told {
            body: body.clone(),
            requests: 0,
            accepted: 0,
        });
        assert_eq!(told.body, body, "the same message in each attempt");
        told.requests += 1;
        // The last digit of an id is random.
        match (id.bytes().last().unwrap() % 4, told.requests) {
            (0, 1) | (1, 1 | 2) => WebAnswer::Status(500, String::new()),
            (2, 1) => WebAnswer::HangUp,
            _ => {
                told.accepted += 1;
                WebAnswer::Status(200, String::new())
            }
        }
    }
}
