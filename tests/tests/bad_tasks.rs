//! Tasks on bad days, in the real server: they run for ever, say too much, disappear, are broken or get the wrong input.

#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use ratchet_interfaces::{
    Clock, Execution, JobId, JobStatus, LogFilter, OutputDestination, OverlapPolicy, PageRequest,
    ResultFilter, SchedulePolicies, TaskErrorKind, UnifiedJob, UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_tests::{
    ServerProcess, WebAnswer, WebServer, all_executions, all_jobs, memory_peak, task_named,
    with_repositories, write_task,
};
use rustix::process::Signal;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with settings that allow what the tasks here do.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("ratchet.toml"),
            "[process]\nenabled = true\nallowed_commands = [\"sh\"]\n\
             [outbound]\nallowed_networks = [\"127.0.0.1\"]\n",
        )
        .unwrap();
        Self { folder }
    }

    fn task(&self, name: &str, metadata: Value, files: &[(&str, &str)]) {
        write_task(self.folder.path(), name, metadata, files);
    }

    fn javascript(&self, name: &str, metadata: Value, main: &str) {
        self.task(name, metadata, &[("main.js", main)]);
    }

    fn start(&self) -> ServerProcess {
        ServerProcess::start(self.folder.path(), &[]).ready()
    }

    /// Has a server take in what is in the folder.
    fn take_in(&self) {
        assert_eq!(self.start().end_by(Signal::TERM).code, Some(0));
    }

    fn queue(&self, task: &str, input: Value) -> JobId {
        self.queue_as(task, input, |_| {})
    }

    fn queue_as(&self, task: &str, input: Value, change: impl FnOnce(&mut UnifiedJob)) -> JobId {
        with_repositories(self.folder.path(), async |repositories| {
            let now = SystemClock::new().now();
            let task = task_named(repositories, task).await;
            let mut job = UnifiedJob {
                output_destinations: vec![everything_to_stdout()],
                ..UnifiedJob::new(task, input, now)
            };
            change(&mut job);
            let jobs = repositories.jobs();
            jobs.job_create_many(std::slice::from_ref(&job), &[])
                .await
                .unwrap();
            job.id
        })
    }

    /// Makes a schedule that ticks every second.
    fn every_second(&self, task: &str, input: Value) {
        with_repositories(self.folder.path(), async |repositories| {
            let now = SystemClock::new().now();
            let id = task_named(repositories, task).await;
            let schedule = UnifiedSchedule {
                input,
                output_destinations: vec![everything_to_stdout()],
                policies: SchedulePolicies {
                    overlap: OverlapPolicy::Allow,
                    ..SchedulePolicies::default()
                },
                ..UnifiedSchedule::new(task, id, "* * * * * *", now)
            };
            let schedules = repositories.schedules();
            schedules.schedule_create_many(&[schedule]).await.unwrap();
        });
    }

    fn job(&self, id: JobId) -> UnifiedJob {
        with_repositories(self.folder.path(), async |repositories| {
            repositories.jobs().job_find(id).await.unwrap().unwrap()
        })
    }

    /// In the order of their attempts.
    fn executions(&self, id: JobId) -> Vec<Execution> {
        let all = with_repositories(self.folder.path(), all_executions);
        let mut own: Vec<_> = all
            .into_iter()
            .filter(|execution| execution.job_id == id)
            .collect();
        own.sort_by_key(|execution| execution.attempt);
        own
    }

    /// Finds that a job failed for good after so many attempts, each for a reason of this kind. Returns the last.
    fn has_failed(&self, id: JobId, kind: TaskErrorKind, attempts: usize) -> String {
        let (job, executions) = (self.job(id), self.executions(id));
        assert_eq!(job.status, JobStatus::Failed, "{job:#?}");
        assert_eq!(job.error_kind, Some(kind), "{job:#?}");
        assert_eq!(executions.len(), attempts, "{executions:#?}");
        for execution in &executions {
            assert_eq!(execution.error_kind, Some(kind), "{execution:#?}");
        }
        executions.last().unwrap().error.clone().unwrap()
    }
}

fn everything_to_stdout() -> OutputDestination {
    let destination =
        json!({"destinationType": "stdio", "results": "all", "stdio": {"includeMetadata": true}});
    let destination: OutputDestination = serde_json::from_value(destination).unwrap();
    assert_eq!(destination.results, ResultFilter::All);
    destination
}

/// Waits until these jobs have ended.
fn end(server: &mut ServerProcess, jobs: &[JobId]) {
    for job in jobs {
        let job = job.to_string();
        server.wait_for_result(PATIENCE, |result| result["job"] == *job);
    }
}

#[test]
fn tasks_without_end_fail_with_their_kind_while_others_go_on_and_the_server_is_well() {
    let world = World::new();
    let limits = json!({"timeout": 6, "memory_limit": "16MB"});
    let endless = [
        ("loops", "() => { for (;;) {} }", TaskErrorKind::Timeout),
        (
            "catches",
            "() => { for (;;) { try { for (;;) {} } catch {} finally { continue; } } }",
            TaskErrorKind::Timeout,
        ),
        (
            "awaits",
            "async () => { for (;;) await null; }",
            TaskErrorKind::Timeout,
        ),
        (
            "sleeps",
            "() => new Promise(() => setInterval(() => {}, 1))",
            TaskErrorKind::Timeout,
        ),
        // A promise that there is no memory for is a rejection that nobody hears of, so the time ends it.
        (
            "promises",
            "() => { const more = () => { Promise.resolve().then(more); Promise.resolve().then(more); }; \
             more(); return new Promise(() => {}); }",
            TaskErrorKind::Timeout,
        ),
        (
            "allocates",
            "() => { const all = []; for (;;) all.push(new Array(1000).fill({})); }",
            TaskErrorKind::Memory,
        ),
        (
            "buffers",
            "() => { const all = []; for (;;) all.push(new Uint8Array(1 << 20)); }",
            TaskErrorKind::Memory,
        ),
    ];
    for (name, main, _) in endless {
        world.javascript(name, limits.clone(), main);
    }
    let script = json!({"command": "sh", "args": ["-c", "while :; do :; done"]}).to_string();
    let process = json!({"runtime": "process", "timeout": 6});
    world.task("spins", process, &[("process.json", &script)]);
    world.javascript("good", json!({}), "() => 'good'");
    world.take_in();
    let bad: Vec<_> = endless
        .iter()
        .map(|(name, _, kind)| (*name, *kind))
        .chain([("spins", TaskErrorKind::Timeout)])
        .map(|(name, kind)| (world.queue(name, json!({})), kind))
        .collect();
    let good: Vec<_> = (0..20).map(|_| world.queue("good", json!({}))).collect();

    let mut server = world.start();
    end(&mut server, &good);
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(server.get("/health/detailed").1["status"], "healthy");
    let ids: Vec<_> = bad.iter().map(|(id, _)| *id).collect();
    end(&mut server, &ids);
    assert_eq!(server.get("/health/detailed").1["status"], "healthy");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let good = good.iter().map(|id| world.job(*id));
    let last_good = good
        .inspect(|job| assert_eq!(job.status, JobStatus::Completed, "{job:#?}"))
        .map(|job| job.completed_at.unwrap())
        .max()
        .unwrap();
    for (id, kind) in bad {
        world.has_failed(id, kind, 1);
        if kind == TaskErrorKind::Timeout {
            assert!(
                last_good < world.job(id).completed_at.unwrap(),
                "they went on meanwhile"
            );
        }
    }
}

#[test]
fn a_hundred_megabytes_of_output_fail_the_job_and_a_log_of_them_is_cut() {
    let world = World::new();
    let web = WebServer::start(|_| WebAnswer::Status(200, format!("\"{}\"", "x".repeat(100 << 20))));
    world.javascript(
        "returns",
        json!({"memory_limit": "1GB"}),
        "() => 'x'.repeat(100 << 20)",
    );
    world.javascript(
        "prints",
        json!({}),
        "() => { const line = 'x'.repeat(65000); for (let i = 0; i < 1600; i++) console.log(line); return 'done'; }",
    );
    let script = "head -c 104857600 /dev/zero | tr '\\0' x";
    for (name, output) in [("writes", "text"), ("ends", "last_line")] {
        let process = json!({"command": "sh", "args": ["-c", script], "output": output});
        world.task(
            name,
            json!({"runtime": "process"}),
            &[("process.json", &process.to_string())],
        );
    }
    let request = json!({"url": web.url("/")}).to_string();
    world.task("reads", json!({"runtime": "http"}), &[("request.json", &request)]);
    world.take_in();
    let [prints, writes, ends, reads] =
        ["prints", "writes", "ends", "reads"].map(|name| world.queue(name, json!({})));

    let mut server = world.start();
    end(&mut server, &[prints, writes, ends, reads]);
    let peak = memory_peak(server.id());
    assert!(peak < 150 << 10, "what a task says is not collected: {peak} KiB");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    world.has_failed(writes, TaskErrorKind::Output, 1);
    world.has_failed(ends, TaskErrorKind::Output, 1);
    world.has_failed(reads, TaskErrorKind::Response, 1);
    assert_eq!(world.job(prints).status, JobStatus::Completed);
    for job in [prints, writes, ends, reads] {
        let execution = world.executions(job).remove(0).id;
        let log = with_repositories(world.folder.path(), async |repositories| {
            let executions = repositories.executions();
            let page = PageRequest::new(0, PageRequest::MAX_LIMIT).unwrap();
            executions
                .execution_log_list(execution, &LogFilter::default(), page)
                .await
                .unwrap()
        });
        let bytes: usize = log.items.iter().map(|line| line.message.len()).sum();
        assert!(bytes < 2 << 20, "{bytes} bytes in {} lines", log.total);
    }

    let returns = world.queue("returns", json!({}));
    let mut server = world.start();
    end(&mut server, &[returns]);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let error = world.has_failed(returns, TaskErrorKind::Output, 1);
    assert!(error.contains("104857602 bytes"), "{error}");
}

#[test]
fn a_task_whose_folder_is_deleted_while_it_runs_comes_to_its_end_and_later_jobs_fail() {
    let world = World::new();
    let (asked, is_asked) = channel();
    let (gate, opened) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let web = WebServer::start({
        let (gate, opened, asked) = (Arc::clone(&gate), Arc::clone(&opened), Mutex::new(asked));
        move |_| {
            // The first is held until the task is gone; those that come between are not.
            if !opened.swap(true, Ordering::AcqRel) {
                asked.lock().unwrap().send(()).unwrap();
                gate.wait();
            }
            WebAnswer::Status(200, "\"here\"".to_owned())
        }
    });
    world.javascript(
        "asks",
        json!({}),
        "async (input) => (await fetch(input.url)).json()",
    );
    world.take_in();
    let first = world.queue("asks", json!({"url": web.url("/")}));
    world.every_second("asks", json!({"url": web.url("/")}));

    let mut server = world.start();
    is_asked.recv_timeout(PATIENCE).unwrap();
    std::fs::remove_dir_all(world.folder.path().join("tasks/asks")).unwrap();
    let failed = server.wait_for_result(PATIENCE, |result| result["status"] == "FAILED");
    gate.wait();
    end(&mut server, &[first]);
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let job = world.job(first);
    let why = failed["error"].as_str().unwrap();
    assert!(why.contains("removed"), "{failed}");
    let removed_at = with_repositories(world.folder.path(), async |repositories| {
        let task = repositories
            .tasks()
            .task_find(job.task_id)
            .await
            .unwrap()
            .unwrap();
        task.removed_at.unwrap()
    });
    for job in with_repositories(world.folder.path(), all_jobs) {
        let expected = if job.queued_at < removed_at {
            JobStatus::Completed
        } else {
            JobStatus::Failed
        };
        assert_eq!(job.status, expected, "removed at {removed_at}: {job:#?}");
    }
}

#[test]
fn a_task_that_is_edited_while_the_server_runs_is_new_in_the_next_job_and_stays_when_it_is_broken() {
    let world = World::new();
    world.javascript("says", json!({}), "() => 'old'");
    world.take_in();
    world.every_second("says", json!({}));
    let mut server = world.start();
    server.wait_for_result(PATIENCE, |result| result["output"] == "old");
    world.javascript("says", json!({}), "() => 'new'");
    server.wait_for_result(PATIENCE, |result| result["output"] == "new");
    let old = |result: &&Value| result["output"] == "old";
    let before = server.results().iter().filter(old).count();

    world.javascript("says", json!({}), "() => { return 'broken; }");
    let message = "a task is not in order: ";
    let deadline = Instant::now() + PATIENCE;
    while !server.log().iter().any(|line| tells(line, message)) {
        assert!(Instant::now() < deadline, "{:#?}", server.log());
        server.watch(Instant::now() + Duration::from_millis(50), |_| false);
    }
    let known = server.results().len();
    server.watch(deadline, |results| results.len() > known + 1);
    let exit = server.end_by(Signal::TERM);
    assert_eq!(exit.code, Some(0));
    assert_eq!(exit.results.iter().filter(old).count(), before, "never again");
    let last = exit.results.last().unwrap();
    assert_eq!(last["output"], "new", "{last}");
}

fn tells(line: &Value, beginning: &str) -> bool {
    line["message"]
        .as_str()
        .is_some_and(|message| message.starts_with(beginning))
}

#[test]
fn broken_folders_are_told_with_file_and_reason_and_good_ones_run() {
    let world = World::new();
    world.javascript("good", json!({}), "() => 'good'");
    world.task(
        "schemaless",
        json!({}),
        &[
            ("main.js", "() => 1"),
            ("input.schema.json", "{\"type\": \"sting\"}"),
        ],
    );
    world.javascript("timeless", json!({"timeout": "soon"}), "() => 1");
    world.task("empty", json!({}), &[]);
    let garbled = world.folder.path().join("tasks/garbled");
    std::fs::create_dir_all(&garbled).unwrap();
    std::fs::write(garbled.join("metadata.json"), [0xff, 0xfe, 0x00]).unwrap();
    world.take_in();
    let good = world.queue("good", json!({}));
    let mut server = world.start();
    end(&mut server, &[good]);
    assert_eq!(server.get("/health").0, 200);
    let exit = server.end_by(Signal::TERM);
    assert_eq!(exit.code, Some(0));
    let told: Vec<_> = exit
        .log
        .iter()
        .filter(|line| tells(line, "a task is not in order: "))
        .map(|line| {
            format!(
                "{} {}",
                line["task"].as_str().unwrap(),
                line["field"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "tasks/empty main.js",
        "tasks/garbled metadata.json",
        "tasks/timeless metadata.json: timeout",
        "schemaless input.schema.json",
    ];
    assert_eq!(told, expected);
    with_repositories(world.folder.path(), async |repositories| {
        for broken in ["schemaless", "timeless", "empty", "garbled"] {
            let found = repositories.tasks().task_find_latest(broken).await.unwrap();
            assert!(found.is_none(), "{found:#?}");
        }
    });
}

#[test]
fn input_and_output_that_do_not_suit_their_schemas_fail_the_job_each_in_its_way() {
    let world = World::new();
    let retry = json!({"retry": {"max_retries": 2, "backoff": {"type": "fixed", "delay_seconds": 0.05}}});
    let number =
        "{\"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, \"required\": [\"n\"]}";
    world.task(
        "takes",
        retry.clone(),
        &[("main.js", "(input) => input.n"), ("input.schema.json", number)],
    );
    world.task(
        "gives",
        retry,
        &[("main.js", "() => ({n: 'many'})"), ("output.schema.json", number)],
    );
    world.take_in();
    let wrong = world.queue("takes", json!({"n": "one"}));
    let missing = world.queue("takes", json!({}));
    let right = world.queue("takes", json!({"n": 1}));
    let gives = world.queue("gives", json!({}));
    let mut server = world.start();
    end(&mut server, &[wrong, missing, right, gives]);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let error = world.has_failed(wrong, TaskErrorKind::Input, 1);
    assert!(error.contains("/n") && error.contains("integer"), "{error}");
    let error = world.has_failed(missing, TaskErrorKind::Input, 1);
    assert!(error.contains("\"n\" is a required property"), "{error}");
    assert_eq!(world.job(right).status, JobStatus::Completed);
    let error = world.has_failed(gives, TaskErrorKind::Output, 3);
    assert!(error.contains("/n"), "{error}");
}

#[test]
fn a_task_is_tried_again_as_its_metadata_says_and_not_after_failures_that_it_excludes() {
    let world = World::new();
    let fixed = json!({"type": "fixed", "delay_seconds": 0.7});
    world.javascript(
        "fails",
        json!({"retry": {"max_retries": 2, "backoff": fixed}}),
        "() => { throw new Error('never'); }",
    );
    let request = {
        // Nobody listens on this port any more.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        json!({"url": format!("http://{address}/")}).to_string()
    };
    for (name, never_on) in [("unreached", json!(["network"])), ("insists", json!(["timeout"]))] {
        let retry = json!({"max_retries": 2, "backoff": fixed, "never_on": never_on});
        world.task(
            name,
            json!({"runtime": "http", "retry": retry}),
            &[("request.json", &request)],
        );
    }
    let retry = json!({"max_retries": 1, "backoff": fixed, "retry_on": ["memory"]});
    world.javascript(
        "swells",
        json!({"memory_limit": "2MB", "retry": retry}),
        "() => 'x'.repeat(1 << 24)",
    );
    world.take_in();
    let fails = world.queue("fails", json!({}));
    let once = world.queue_as("fails", json!({}), |job| job.max_retries = Some(0));
    let unreached = world.queue("unreached", json!({}));
    let insists = world.queue("insists", json!({}));
    let swells = world.queue("swells", json!({}));
    let mut server = world.start();
    end(&mut server, &[fails, once, unreached, insists, swells]);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    world.has_failed(fails, TaskErrorKind::Task, 3);
    world.has_failed(once, TaskErrorKind::Task, 1);
    world.has_failed(unreached, TaskErrorKind::Network, 1);
    world.has_failed(insists, TaskErrorKind::Network, 3);
    world.has_failed(swells, TaskErrorKind::Memory, 2);
    for pair in world.executions(fails).windows(2) {
        let waited = pair[1].started_at - pair[0].completed_at.unwrap();
        assert!(waited >= TimeDelta::milliseconds(700), "{waited}");
        assert!(waited < TimeDelta::seconds(10), "{waited}");
    }
}
