//! `/api/v1/jobs` and `/api/v1/executions` of the real server: what is created over HTTP runs, what is called off does
//! not, and what became of it is shown.

use std::time::{Duration, Instant};

use ratchet_tests::{HttpAnswer, ServerProcess, task_named, with_repositories, write_task};
use rustix::process::Signal;
use serde_json::{Value, json};

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";
const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const ALL: &str = "/api/v1/jobs";
/// It never comes while a test runs.
const FAR: &str = "2090-01-01T00:00:00Z";
const PATIENCE: Duration = Duration::from_secs(60);

struct Api {
    server: ServerProcess,
    _folder: tempfile::TempDir,
}

impl Api {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerProcess::start(folder.path(), &[]).ready();
        Self {
            server,
            _folder: folder,
        }
    }

    fn post(&self, path: &str, body: &Value) -> HttpAnswer {
        self.server.send("POST", path, &[], Some(body))
    }

    fn do_it(&self, path: &str) -> HttpAnswer {
        self.server.send("POST", path, &[], None)
    }

    /// Creates a job of the task `wait`, and returns its path and what was answered.
    fn create(&self, input: &Value, more: &Value) -> (String, Value) {
        let mut body = json!({"taskId": WAIT, "input": input});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self.post(ALL, &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        (answer.headers["location"].clone(), answer.body["data"].clone())
    }

    fn job(&self, path: &str) -> Value {
        let (status, body) = self.server.get(path);
        assert_eq!(status, 200, "{body}");
        body["data"].clone()
    }

    /// Reads the job until it has this status.
    fn until(&self, path: &str, status: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let job = self.job(path);
            if job["status"] == status {
                return job;
            }
            assert!(Instant::now() < deadline, "it is not {status}: {job}");
        }
    }
}

fn error(answer: &HttpAnswer, status: u16, code: &str) -> String {
    let error = &answer.body["error"];
    assert_eq!(
        (answer.status, &error["code"], &error["status"]),
        (status, &json!(code), &json!(status)),
        "{answer:?}"
    );
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_job_runs_to_its_end_and_its_result_goes_where_it_was_asked_to_go() {
    let mut api = Api::start();
    let heartbeat = api.post(ALL, &json!({"taskId": HEARTBEAT, "input": {}}));
    assert_eq!(heartbeat.status, 201, "{heartbeat:?}");
    api.until(&heartbeat.headers["location"], "COMPLETED");

    let to_stdout =
        json!([{"destinationType": "stdio", "stdio": {"format": "JSON", "includeMetadata": true}}]);
    let (path, created) = api.create(
        &json!({"seconds": 0.001}),
        &json!({"priority": "critical", "outputDestinations": to_stdout}),
    );
    assert_eq!(created["priority"], "CRITICAL");
    let completed = api.until(&path, "COMPLETED");
    assert_eq!(completed["attempts"], 1, "{completed}");
    let id = created["id"].clone();
    let result = api.server.wait_for_result(PATIENCE, |result| result["job"] == id);
    assert_eq!(result["output"]["waitedSeconds"], 0.001, "{result}");

    let ended = api.do_it(&format!("{path}/cancel"));
    assert!(error(&ended, 409, "CONFLICT").contains("COMPLETED"));
    let (_, list) = api
        .server
        .get(&format!("{ALL}?taskId={WAIT}&status=completed&_sort=priority"));
    assert_eq!(list["meta"]["pagination"]["total"], 1, "{list}");
    assert_eq!(api.server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_waiting_job_is_cancelled_and_a_running_one_is_asked_to_stop_or_taken_away() {
    let api = Api::start();
    let (path, waiting) = api.create(&json!({"seconds": 0}), &json!({"scheduledFor": FAR}));
    assert_eq!(
        (&waiting["status"], &waiting["runAfter"]),
        (&json!("QUEUED"), &json!(FAR))
    );
    let cancelled = api.post(&format!("{path}/cancel"), &json!({"reason": "no need"}));
    let job = &cancelled.body["data"]["job"];
    assert_eq!(
        (cancelled.status, &job["status"], &job["errorMessage"]),
        (200, &json!("CANCELLED"), &json!("no need")),
        "{cancelled:?}"
    );

    let long = json!({"seconds": 3600});
    for body in [json!({}), json!({"terminate": true})] {
        let (path, _) = api.create(&long, &json!({}));
        api.until(&path, "PROCESSING");
        let asked = api.post(&format!("{path}/cancel"), &body);
        assert_eq!(asked.status, 200, "{asked:?}");
        api.until(&path, "CANCELLED");
    }
    let missing = api.do_it(&format!("{ALL}/{HEARTBEAT}/cancel"));
    error(&missing, 404, "NOT_FOUND");
    assert_eq!(api.server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn failed_jobs_are_retried_alone_or_together() {
    let api = Api::start();
    let fails = json!({"seconds": 0, "fail": true});
    let (path, _) = api.create(&fails, &json!({"maxRetries": 0}));
    api.until(&path, "FAILED");
    let retried = api.do_it(&format!("{path}/retry"));
    assert_eq!(retried.status, 200, "{retried:?}");
    let failed = api.until(&path, "FAILED");
    assert_eq!(failed["attempts"], 2, "{failed}");

    let together = api.post(&format!("{ALL}/retry"), &json!({"taskId": WAIT}));
    assert_eq!(
        together.body["data"],
        json!({"retried": 1, "jobIds": [failed["id"]]}),
        "{together:?}"
    );
    assert_eq!(api.until(&path, "FAILED")["attempts"], 3);
    let (path, _) = api.create(&json!({"seconds": 0}), &json!({}));
    api.until(&path, "COMPLETED");
    let refused = api.do_it(&format!("{path}/retry"));
    assert!(error(&refused, 409, "CONFLICT").contains("COMPLETED"));
}

#[test]
fn a_job_waits_for_those_that_it_is_after() {
    let api = Api::start();
    let now = json!({"seconds": 0});
    let (first_path, first) = api.create(&now, &json!({"scheduledFor": FAR}));
    let after = |condition: &str| json!({"after": {"condition": condition, "jobIds": [first["id"]]}});
    let (path, blocked) = api.create(&now, &after("ALL_FINISHED"));
    assert_eq!(blocked["status"], "BLOCKED", "{blocked}");
    assert_eq!(blocked["after"]["jobIds"], json!([first["id"]]));
    let (on_success, _) = api.create(&now, &after("ALL_SUCCEEDED"));
    assert_eq!(api.do_it(&format!("{first_path}/cancel")).status, 200);
    api.until(&path, "COMPLETED");
    assert_eq!(api.job(&on_success)["status"], "CANCELLED");
    let (_, too_late) = api.create(&now, &after("ALL_SUCCEEDED"));
    assert_eq!(too_late["status"], "CANCELLED", "{too_late}");
}

#[test]
fn each_attempt_is_shown_with_what_its_task_said() {
    let folder = tempfile::tempdir().unwrap();
    let script = "(input, context) => { console.log('begins'); console.warn('attempt', context.attempt); \
                  if (context.attempt === 1) throw new Error('not today'); return 'done'; }";
    let retry = json!({"max_retries": 1, "backoff": {"type": "fixed", "delay_seconds": 0.01}});
    write_task(
        folder.path(),
        "talks",
        json!({"retry": retry}),
        &[("main.js", script)],
    );
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let task = with_repositories(folder.path(), async |repositories| {
        task_named(repositories, "talks").await.to_string()
    });
    let api = Api {
        server,
        _folder: folder,
    };
    let file = json!([{"destinationType": "filesystem", "filesystem": {"path": "x.json", "format": "JSON"}}]);
    let created = api.post(
        ALL,
        &json!({"taskId": task, "input": {}, "outputDestinations": file}),
    );
    assert_eq!(created.status, 201, "{created:?}");
    let path = &created.headers["location"];
    let job = api.until(path, "COMPLETED");
    let id = job["id"].as_str().unwrap();

    let (_, attempts) = api.server.get(&format!("/api/v1/executions?jobId={id}"));
    assert_eq!(attempts["meta"]["pagination"]["total"], 2, "{attempts}");
    let (last, first) = (&attempts["data"][0], &attempts["data"][1]);
    assert_eq!(
        (
            &last["attempt"],
            &last["status"],
            &last["output"],
            &last["taskId"]
        ),
        (&json!(2), &json!("COMPLETED"), &json!("done"), &json!(task))
    );
    assert_eq!(
        (&first["attempt"], &first["status"]),
        (&json!(1), &json!("FAILED"))
    );
    assert!(
        first["errorMessage"].as_str().unwrap().contains("not today"),
        "{first}"
    );
    let (_, failed) = api
        .server
        .get(&format!("/api/v1/executions?job_id={id}&status=failed"));
    assert_eq!(failed["data"], json!([first]));

    let path_of_last = format!("/api/v1/executions/{}", last["id"].as_str().unwrap());
    assert_eq!(&api.job(&path_of_last), last);
    let (_, log) = api.server.get(&format!("{path_of_last}/logs?_start=1&_end=2"));
    assert_eq!(log["meta"]["pagination"]["total"], 2, "{log}");
    let line = &log["data"][0];
    assert_eq!(
        (&line["seq"], &line["level"], &line["message"]),
        (&json!(1), &json!("WARN"), &json!("attempt 2"))
    );
    let (_, deliveries) = api.server.get(&format!("{path}/deliveries"));
    let delivery = &deliveries["data"][0];
    assert_eq!(
        (
            &delivery["executionId"],
            &delivery["destination"]["destinationType"]
        ),
        (&last["id"], &json!("filesystem")),
        "{deliveries}"
    );
    // The id of the job leads to its last execution.
    let last = api
        .server
        .send("GET", &format!("/api/v1/executions/{id}"), &[], None);
    assert_eq!(last.body["data"]["attempt"], json!(2), "{last:?}");
    let missing = api
        .server
        .send("GET", &format!("/api/v1/executions/{HEARTBEAT}"), &[], None);
    error(&missing, 404, "NOT_FOUND");
    assert_eq!(api.server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn what_is_wrong_is_refused_with_the_field_and_nothing_is_stored() {
    let api = Api::start();
    let new = |field: &str, value: Value| {
        let mut body = json!({"taskId": WAIT, "input": {"seconds": 0}, "scheduledFor": FAR});
        body[field] = value;
        api.post(ALL, &body)
    };
    let unknown = "00000000-0000-0000-0000-0000000000ff";
    for (field, value, begins) in [
        ("taskId", json!(unknown), "taskId: "),
        ("input", json!({"seconds": "many"}), "input: "),
        ("input", json!({}), "input: "),
        ("timeoutSeconds", json!(0), "timeoutSeconds: "),
        ("uniqueKey", json!(""), "uniqueKey: "),
        (
            "after",
            json!({"jobIds": [unknown]}),
            "after.jobIds: job 00000000-0000-0000-0000-0000000000ff",
        ),
        ("outputDestinations", json!([]), "outputDestinations: "),
        (
            "outputDestinations",
            json!([{"destinationType": "filesystem", "filesystem": {"path": "../x", "format": "JSON"}}]),
            "outputDestinations[0]: ",
        ),
    ] {
        let message = error(&new(field, value.clone()), 400, "VALIDATION_ERROR");
        assert!(message.starts_with(begins), "{field} {value}: {message}");
    }
    let missing = api.post(ALL, &json!({"taskId": WAIT}));
    assert!(error(&missing, 422, "VALIDATION_ERROR").contains("input"));
    let of_wait = format!("{ALL}?taskId={WAIT}");
    assert_eq!(api.server.get(&of_wait).1["meta"]["pagination"]["total"], 0);

    let first = new("uniqueKey", json!("import"));
    let second = new("uniqueKey", json!("import"));
    let message = error(&second, 409, "CONFLICT");
    assert!(
        message.contains(first.body["data"]["id"].as_str().unwrap()),
        "{message}"
    );
    let refused = api.server.send("GET", &format!("{ALL}?status=tired"), &[], None);
    error(&refused, 400, "BAD_REQUEST");
}
