//! `/api/v1/tasks`, `/executions` and `/workers` of the real server: a task that is created over HTTP runs, one without
//! code says so, and the registries' own tasks are left to them.

use std::time::{Duration, Instant};

use ratchet_tests::{HttpAnswer, ServerProcess};
use serde_json::{Value, json};

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";
const ALL: &str = "/api/v1/tasks";
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

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> HttpAnswer {
        self.server.send(method, path, &[], body)
    }

    fn create(&self, body: &Value) -> (String, Value) {
        let answer = self.send("POST", ALL, Some(body));
        assert_eq!(answer.status, 201, "{answer:?}");
        (answer.headers["location"].clone(), answer.body["data"].clone())
    }

    /// Starts an execution, and reads it by the id that was answered until it has ended.
    fn run(&self, task: &Value, input: &Value) -> Value {
        let body = json!({"taskId": task, "input": input});
        let answer = self.send("POST", "/api/v1/executions", Some(&body));
        assert_eq!(
            (answer.status, &answer.body["data"]["status"]),
            (201, &json!("PENDING")),
            "{answer:?}"
        );
        let path = &answer.headers["location"];
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (status, body) = self.server.get(path);
            assert_eq!(status, 200, "{body}");
            let execution = &body["data"];
            if !["PENDING", "RUNNING"].contains(&execution["status"].as_str().unwrap()) {
                return execution.clone();
            }
            assert!(Instant::now() < deadline, "it does not end: {execution}");
        }
    }
}

fn error(answer: &HttpAnswer, status: u16) -> &str {
    assert_eq!(answer.status, status, "{answer:?}");
    answer.body["error"]["message"].as_str().unwrap()
}

#[test]
fn a_task_of_the_database_lives_from_its_creation_to_its_deletion() {
    let api = Api::start();
    let body = json!({
        "name": "add", "version": "1.0.0", "code": "(input) => ({ sum: input.a + input.b })",
        "inputSchema": {"type": "object", "required": ["a", "b"]}
    });
    let (path, task) = api.create(&body);
    assert_eq!(
        (
            &task["registrySource"],
            &task["runtime"],
            &task["availableVersions"]
        ),
        (&json!("database"), &json!("javascript"), &json!(["1.0.0"]))
    );
    error(&api.send("POST", ALL, Some(&body)), 409);
    let execution = api.run(&task["id"], &json!({"a": 2, "b": 3}));
    assert_eq!(execution["output"], json!({"sum": 5}), "{execution}");

    // A synchronization leaves it alone, and what does not compile is refused.
    let synchronized = api.send("POST", &format!("{ALL}/sync"), None);
    assert_eq!(synchronized.body["data"]["removed"], json!(0), "{synchronized:?}");
    let broken = api.send("PATCH", &path, Some(&json!({"sourceCode": "(input) => {"})));
    assert!(error(&broken, 400).starts_with("sourceCode: "), "{broken:?}");
    let patched = api.send("PATCH", &path, Some(&json!({"sourceCode": "() => 7"})));
    assert_eq!(patched.status, 200, "{patched:?}");
    let execution = api.run(&task["id"], &json!({"a": 1, "b": 1}));
    assert_eq!(execution["output"], json!(7));

    let schedule = json!({"name": "adding", "taskId": task["id"], "cronExpression": "0 0 1 1 *",
                          "input": {"a": 1, "b": 1}});
    let schedule = api.send("POST", "/api/v1/schedules", Some(&schedule));
    assert_eq!(schedule.status, 201, "{schedule:?}");
    assert!(error(&api.send("DELETE", &path, None), 409).contains("\"adding\""));
    let schedule = &schedule.headers["location"];
    assert_eq!(api.send("DELETE", schedule, None).status, 200);
    assert_eq!(api.send("DELETE", &path, None).status, 204);
    error(&api.send("GET", &path, None), 404);
    let (_, executions) = api.server.get("/api/v1/executions");
    let of_task = |execution: &&Value| execution["taskId"] == task["id"];
    assert_eq!(
        executions["data"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_task)
            .count(),
        0
    );
}

#[test]
fn a_task_without_code_can_be_created_and_its_jobs_say_so() {
    let api = Api::start();
    let (_, task) = api.create(&json!({"name": "later", "version": "1"}));
    assert_eq!(
        (&task["runtime"], &task["sourceCode"]),
        (&json!("none"), &json!(null))
    );
    let execution = api.run(&task["id"], &json!({}));
    assert_eq!(
        (&execution["status"], &execution["errorKind"]),
        (&json!("FAILED"), &json!("DEFINITION"))
    );
    let message = execution["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("no registry has code for task later 1"),
        "{message}"
    );
}

#[test]
fn a_task_that_comes_with_the_server_is_enabled_and_disabled_and_not_changed() {
    let api = Api::start();
    let path = format!("{ALL}/{HEARTBEAT}");
    let (_, shown) = api.server.get(&path);
    assert_eq!(
        (&shown["data"]["inSync"], &shown["data"]["registrySource"]),
        (&json!(true), &json!("embedded"))
    );
    error(
        &api.send("PATCH", &path, Some(&json!({"description": "mine"}))),
        409,
    );
    error(&api.send("DELETE", &path, None), 409);
    let disabled = api.send("POST", &format!("{path}/disable"), None);
    assert_eq!(disabled.body["data"]["enabled"], json!(false), "{disabled:?}");
    let stale = api.server.send(
        "PATCH",
        &path,
        &[("If-Match", "\"1\"")],
        Some(&json!({"enabled": true})),
    );
    error(&stale, 412);
    let (_, stats) = api.server.get(&format!("{ALL}/stats"));
    assert_eq!(
        (
            &stats["stats"]["disabledTasks"],
            &stats["stats"]["validationErrors"]
        ),
        (&json!(1), &json!(0))
    );
    let (_, workers) = api.server.get("/api/v1/workers");
    assert_eq!(workers["meta"]["pagination"]["total"], json!(1), "{workers}");
}
