//! `/api/v1/events` and `/metrics` of the real server: what happens is told as it happens, and the numbers are those of
//! the API.

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use ratchet_tests::{EventWatcher as Watcher, ServerProcess, ToldEvent as Told, WebAnswer, WebServer};
use rustix::process::Signal;
use serde_json::{Value, json};

const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const PATIENCE: Duration = Duration::from_secs(60);

fn start(folder: &Path) -> ServerProcess {
    ServerProcess::start(folder, &[]).ready()
}

fn create(server: &ServerProcess) -> String {
    let body = json!({"taskId": WAIT, "input": {"seconds": 0}});
    let answer = server.send("POST", "/api/v1/jobs", &[], Some(&body));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["data"]["id"].as_str().unwrap().to_owned()
}

fn has_completed(told: &Told) -> bool {
    told.name == "job" && told.data["status"] == "COMPLETED"
}

/// A schedule that fires every second.
fn every_second(server: &ServerProcess) -> String {
    let body = json!({"taskId": WAIT, "name": "ticking", "cronExpression": "* * * * * *",
        "input": {"seconds": 0}, "policies": {"overlap": "ALLOW"}});
    let answer = server.send("POST", "/api/v1/schedules", &[], Some(&body));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["data"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_a_schedule_brings_about_is_told_in_order_and_filters_leave_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let mut all = Watcher::of(&server, "", None);
    let mut ticks = Watcher::of(&server, "?types=tick&status=FIRED", None);
    let schedule = every_second(&server);
    let is_ours = |told: &Told| told.data["scheduleId"] == json!(schedule);
    let seen = all.until(|told| has_completed(told) && is_ours(told));
    let job = &seen.last().unwrap().data["jobId"];
    let of_job: Vec<_> = seen
        .iter()
        .filter(|told| &told.data["jobId"] == job)
        .map(|told| {
            let what = told.data.get("status").or(told.data.get("outcome")).unwrap();
            format!("{} {}", told.name, what.as_str().unwrap())
        })
        .collect();
    assert_eq!(
        of_job,
        [
            "tick FIRED",
            "job QUEUED",
            "job PROCESSING",
            "execution RUNNING",
            "execution COMPLETED",
            "job COMPLETED"
        ]
    );
    assert!(
        seen.iter()
            .any(|told| told.name == "schedule" && told.data["change"] == "CREATED")
    );
    for told in ticks.until(is_ours) {
        assert_eq!((&*told.name, &told.data["outcome"]), ("tick", &json!("FIRED")));
    }
    let pause = server.send(
        "POST",
        &format!("/api/v1/schedules/{schedule}/disable"),
        &[],
        None,
    );
    assert_eq!(pause.status, 200);
    all.until(|told| told.name == "schedule" && told.data["change"] == "DISABLED");
    // A stop waits for nobody who watches, and ends the streams.
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    while all.next().is_some() {}
    while ticks.next().is_some() {}
}

#[test]
fn a_client_that_comes_back_sees_each_event_once_and_is_told_of_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let query = "?types=job&status=COMPLETED";
    let mut watcher = Watcher::of(&server, query, None);
    let first = create(&server);
    let seen = watcher.next().unwrap();
    assert_eq!(seen.data["jobId"], json!(first));
    drop(watcher);
    let mut missed = vec![create(&server), create(&server)];
    let mut back = Watcher::of(&server, query, Some(&seen.id));
    missed.push(create(&server));
    let mut told: Vec<_> = (0..3).map(|_| back.next().unwrap()).collect();
    let last = told.last().unwrap().id.clone();
    let mut ids: Vec<_> = told
        .drain(..)
        .map(|told| told.data["jobId"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    missed.sort_unstable();
    assert_eq!(ids, missed, "each once");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let server = start(folder.path());
    let mut back = Watcher::of(&server, query, Some(&last));
    let gap = back.next().unwrap();
    assert_eq!((&*gap.name, &gap.data["reason"]), ("gap", &json!("RESTARTED")));
    let job = create(&server);
    assert_eq!(back.next().unwrap().data["jobId"], json!(job));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn what_is_deleted_is_told_once_it_is_gone_and_what_is_refused_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let send = |method: &str, path: &str, body: Option<&Value>| {
        let answer = server.send(method, &format!("/api/v1{path}"), &[], body);
        (answer.status, answer.body)
    };
    let code = json!({"name": "add", "version": "1.0.0", "sourceCode": "(input) => ({ sum: input.a })"});
    let (status, task) = send("POST", "/tasks", Some(&code));
    assert_eq!(status, 201, "{task}");
    let task = &task["data"]["id"];
    let mut all = Watcher::of(&server, "?types=job,execution,deletion", None);
    let mut of_task = Watcher::of(
        &server,
        &format!("?status=DELETED&taskId={}", task.as_str().unwrap()),
        None,
    );
    let (mut jobs, mut executions) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (status, job) = send("POST", "/jobs", Some(&json!({"taskId": task, "input": {"a": 1}})));
        assert_eq!(status, 201, "{job}");
        let seen = all.until(has_completed);
        jobs.push(job["data"]["id"].clone());
        let execution = seen.iter().find(|told| told.name == "execution").unwrap();
        executions.push(execution.data["executionId"].clone());
    }
    let path = |resource: &str, id: &Value| format!("/{resource}/{}", id.as_str().unwrap());
    assert_eq!(send("DELETE", &path("executions", &executions[0]), None).0, 200);
    assert_eq!(send("DELETE", &path("jobs", &jobs[1]), None).0, 200);
    assert_eq!(send("DELETE", &path("jobs", &jobs[1]), None).0, 404);
    assert_eq!(send("DELETE", &path("tasks", task), None).0, 204);
    let expected = [
        json!({"deleted": "EXECUTION", "count": 1, "jobId": jobs[0], "executionId": executions[0]}),
        json!({"deleted": "JOB", "count": 1, "jobId": jobs[1], "executionId": null}),
        json!({"deleted": "JOBS_OF_TASK", "count": 2, "jobId": null, "executionId": null}),
    ];
    for watcher in [&mut all, &mut of_task] {
        for expected in &expected {
            let told = watcher.next().unwrap();
            assert_eq!(told.name, "deletion", "{told:?}");
            for (field, value) in expected.as_object().unwrap() {
                assert_eq!(&told.data[field], value, "{field} of {told:?}");
            }
            assert_eq!(
                (&told.data["taskId"], &told.data["scheduleId"]),
                (task, &Value::Null)
            );
        }
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

/// The value of a metric with these labels among its own, all together.
fn metric(metrics: &Value, name: &str, labels: &[(&str, &str)]) -> f64 {
    let all = metrics["metrics"].as_array().unwrap().iter();
    let samples = all.flat_map(|metric| metric["samples"].as_array().unwrap());
    samples
        .filter(|sample| sample["name"] == name)
        .filter(|sample| {
            labels
                .iter()
                .all(|(label, value)| sample["labels"][label] == *value)
        })
        .map(|sample| sample["value"].as_f64().unwrap())
        .sum()
}

#[test]
fn the_numbers_of_the_metrics_are_those_of_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let schedule = every_second(&server);
    let total = |path: &str| {
        server.get(path).1["meta"]["pagination"]["total"]
            .as_u64()
            .unwrap()
    };
    let fired = format!("/api/v1/schedules/{schedule}/ticks?outcome=FIRED");
    let deadline = Instant::now() + PATIENCE;
    while total(&fired) < 2 {
        assert!(Instant::now() < deadline, "it does not fire");
    }
    let disabled = server.send(
        "POST",
        &format!("/api/v1/schedules/{schedule}/disable"),
        &[],
        None,
    );
    assert_eq!(disabled.status, 200);
    let completed = format!("/api/v1/jobs?scheduleId={schedule}&status=COMPLETED");
    while total(&completed) < total(&fired) {
        assert!(Instant::now() < deadline, "its jobs do not end");
    }
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let (fired, completed) = (total(&fired) as f64, total(&completed) as f64);
    // That a job has ended can be read a moment before it is told.
    let metrics = loop {
        let (status, metrics) = server.get("/metrics");
        assert_eq!(status, 200, "{metrics}");
        let ended = metric(
            &metrics,
            "ratchet_jobs_ended_total",
            &[("task", "wait"), ("status", "completed")],
        );
        if ended >= completed {
            break metrics;
        }
        assert!(Instant::now() < deadline, "{metrics}");
    };
    let value = |name: &str, labels: &[(&str, &str)]| metric(&metrics, name, labels);
    let of_wait = [("task", "wait"), ("status", "completed")];
    assert_eq!(value("ratchet_jobs_ended_total", &of_wait), completed);
    // The schedule that comes with the binary may have fired as well.
    let all_ticks = value("ratchet_ticks_total", &[("outcome", "fired")]);
    let all_jobs = value("ratchet_jobs_ended_total", &[("status", "completed")]);
    assert!(all_ticks >= fired && all_ticks <= fired + 1.0, "{metrics}");
    assert!(all_jobs >= completed && value("ratchet_executions_total", &[]) >= all_jobs);
    assert_eq!(value("ratchet_tick_lateness_seconds_count", &[]), all_ticks);
    assert_eq!(
        value("ratchet_tick_handler_lateness_seconds_count", &[]),
        all_ticks
    );
    assert!(value("ratchet_timer_lag_seconds_count", &[]) >= 1.0);
    assert!(
        value(
            "ratchet_http_requests_total",
            &[("route", "/api/v1/schedules/{id}/ticks")]
        ) >= 1.0
    );
    assert!(value("process_resident_memory_bytes", &[]) > 1_000_000.0);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

/// Whether the bytes contain these.
fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

#[test]
fn a_collector_is_sent_the_trace_of_a_job_under_the_jobs_id() {
    let (sender, sent) = channel();
    let collector = WebServer::start(move |request| {
        sender.send((request.path, request.body)).unwrap();
        WebAnswer::Status(200, String::new())
    });
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("[telemetry]\notlp_endpoint = \"{}\"\n", collector.url(""));
    std::fs::write(folder.path().join("ratchet.toml"), settings).unwrap();
    let server = start(folder.path());
    let mut watcher = Watcher::of(&server, "", None);
    let job = create(&server);
    watcher.until(has_completed);
    // What is gathered is sent at the latest when the server stops.
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    let sent: Vec<_> = sent.try_iter().collect();
    assert!(sent.iter().all(|(path, _)| path == "/v1/traces"), "{sent:?}");
    let bodies: Vec<u8> = sent.into_iter().flat_map(|(_, body)| body).collect();
    let trace = uuid::Uuid::parse_str(&job).unwrap();
    for wanted in [
        trace.as_bytes().as_slice(),
        b"queue wait",
        b"execution",
        b"service.name",
    ] {
        assert!(contains(&bodies, wanted), "{wanted:?}");
    }
}
