//! `/api/v1/schedules` of the real server: what is written over HTTP is in the database and in the running engine.

use std::time::Duration;

use ratchet_tests::{HttpAnswer, ServerProcess};
use rustix::process::Signal;
use serde_json::{Value, json};

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";
const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const ALL: &str = "/api/v1/schedules";
/// It never comes while a test runs.
const FAR: &str = "0 0 1 1 *";
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

    /// Creates a schedule of the task `wait`, and returns its path and what was answered.
    fn create(&self, name: &str, cron_expression: &str, more: &Value) -> (String, Value) {
        let mut body = json!({
            "taskId": WAIT, "name": name, "cronExpression": cron_expression, "input": {"seconds": 0},
            "outputDestinations": [{
                "destinationType": "stdio",
                "stdio": {"stream": "stdout", "format": "JSON", "includeMetadata": true, "lineBuffered": true},
            }],
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self.post(ALL, &body);
        assert_eq!(answer.status, 201, "{answer:?}");
        (answer.headers["location"].clone(), answer.body["data"].clone())
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
fn a_schedule_fires_from_its_creation_on_and_no_longer_once_it_is_disabled() {
    let mut api = Api::start();
    let (path, created) = api.create("each second", "* * * * * *", &json!({}));
    assert!(created["nextRun"].is_string(), "{created}");
    let id = created["id"].clone();
    let result = api
        .server
        .wait_for_result(PATIENCE, |result| result["schedule"] == id);
    assert_eq!(result["status"], "COMPLETED", "{result}");

    let disabled = api.server.send("POST", &format!("{path}/disable"), &[], None);
    assert_eq!(
        (disabled.status, &disabled.body["data"]["enabled"]),
        (200, &json!(false))
    );
    assert_eq!(disabled.body["data"]["nextRun"], Value::Null);
    let runs = disabled.body["data"]["runCount"].as_u64().unwrap();
    assert!(runs >= 1, "{disabled:?}");
    let (_, ticks) = api
        .server
        .get(&format!("{path}/ticks?outcome_in=FIRED,BUFFERED&limit=1"));
    assert_eq!(ticks["meta"]["pagination"]["total"], json!(runs), "{ticks}");

    let enabled = api.server.send("POST", &format!("{path}/enable"), &[], None);
    assert!(enabled.body["data"]["nextRun"].is_string(), "{enabled:?}");
    let deleted = api.server.send("DELETE", &path, &[], None);
    assert_eq!((deleted.status, &deleted.body["success"]), (200, &json!(true)));
    error(&api.server.send("GET", &path, &[], None), 404, "NOT_FOUND");
    error(&api.server.send("DELETE", &path, &[], None), 404, "NOT_FOUND");
    assert_eq!(api.server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn an_edit_moves_the_next_run_is_told_by_the_tag_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let new =
        json!({"taskId": HEARTBEAT, "name": "yearly", "cronExpression": FAR, "timezone": "Europe/Berlin"});
    let created = server.send("POST", ALL, &[], Some(&new));
    assert_eq!(created.headers["etag"], "\"1\"");
    let path = created.headers["location"].clone();
    let if_match = [("if-match", "\"1\"")];
    let change = json!({"cronExpression": "every weekday at 9am", "description": "at work"});
    let patched = server.send("PATCH", &path, &if_match, Some(&change));
    assert_eq!(
        (patched.status, patched.headers["etag"].as_str()),
        (200, "\"2\""),
        "{patched:?}"
    );
    assert_eq!(patched.body["data"]["cronExpression"], "0 9 * * 1-5");
    assert_ne!(patched.body["data"]["nextRun"], created.body["data"]["nextRun"]);
    let stale = server.send("PATCH", &path, &if_match, Some(&json!({"name": "other"})));
    error(&stale, 412, "PRECONDITION_FAILED");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let server = ServerProcess::start(folder.path(), &[]).ready();
    let (status, found) = server.get(&path);
    assert_eq!((status, &found["data"]), (200, &patched.body["data"]));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn what_is_wrong_is_refused_with_the_field_and_nothing_is_stored() {
    let api = Api::start();
    let new = |field: &str, value: Value| {
        let mut body = json!({"taskId": WAIT, "name": "new", "cronExpression": FAR, "input": {"seconds": 0}});
        body[field] = value;
        api.post(ALL, &body)
    };
    let webhook = |more: Value| {
        let mut webhook = json!({"url": "https://example.org"});
        webhook
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([{"destinationType": "webhook", "webhook": webhook}])
    };
    let stdio = json!({"destinationType": "stdio", "stdio": {}});
    for (field, value, begins) in [
        (
            "cronExpression",
            json!("99 * * * *"),
            "cronExpression: \"99 * * * *\"",
        ),
        ("cronExpression", json!(""), "cronExpression: "),
        ("timezone", json!("Mars/Base"), "timezone: \"Mars/Base\""),
        ("name", json!(" "), "name: "),
        (
            "taskId",
            json!("00000000-0000-0000-0000-0000000000ff"),
            "taskId: ",
        ),
        ("input", json!({"seconds": "many"}), "input: "),
        ("input", json!({}), "input: "),
        ("policies", json!({"catchUpMax": 0}), "policies.catchUpMax: "),
        (
            "policies",
            json!({"spreadSeconds": 1e9}),
            "policies.spreadSeconds: ",
        ),
        ("timeoutSeconds", json!(0), "timeoutSeconds: "),
        ("outputDestinations", json!([]), "outputDestinations: "),
        (
            "outputDestinations",
            json!(vec![stdio; 11]),
            "outputDestinations: ",
        ),
        (
            "outputDestinations",
            webhook(json!({"url": "ftp://a"})),
            "outputDestinations[0]: ",
        ),
        (
            "outputDestinations",
            webhook(json!({"timeoutSeconds": 301})),
            "outputDestinations[0]: ",
        ),
        (
            "outputDestinations",
            webhook(json!({"url": format!("https://example.org/{}", "a".repeat(2_048))})),
            "outputDestinations[0]: ",
        ),
        (
            "outputDestinations",
            webhook(json!({"retryPolicy": {"maxAttempts": 11}})),
            "outputDestinations[0]: ",
        ),
        (
            "outputDestinations",
            webhook(json!({"retryPolicy": {"initialDelaySeconds": 9, "maxDelaySeconds": 1}})),
            "outputDestinations[0]: ",
        ),
        (
            "outputDestinations",
            json!([{"destinationType": "filesystem", "filesystem": {"path": "../x", "format": "JSON"}}]),
            "outputDestinations[0]: ",
        ),
    ] {
        let message = error(&new(field, value.clone()), 400, "VALIDATION_ERROR");
        assert!(message.starts_with(begins), "{field} {value}: {message}");
    }
    error(&new("name", json!("system_heartbeat")), 409, "CONFLICT");
    let send = |content_type, body| {
        let headers = [("content-type", content_type)];
        api.server.send_text("POST", ALL, &headers, body)
    };
    error(&send("application/json", "{"), 400, "BAD_REQUEST");
    error(&send("application/json", "{}"), 422, "VALIDATION_ERROR");
    error(&send("text/plain", "{}"), 415, "UNSUPPORTED_MEDIA_TYPE");
    let large = " ".repeat(3 * 1024 * 1024);
    error(&send("application/json", &large), 413, "PAYLOAD_TOO_LARGE");
    error(&api.server.send("PUT", ALL, &[], None), 405, "METHOD_NOT_ALLOWED");
    let foreign = [("host", "example.org")];
    error(&api.server.send("GET", ALL, &foreign, None), 403, "FORBIDDEN");
    let (_, list) = api.server.get(ALL);
    assert_eq!(list["meta"]["pagination"]["total"], 1, "{list}");
}

#[test]
fn five_six_and_seven_fields_are_cron() {
    let api = Api::start();
    for (name, expression) in [
        ("five", "30 2 * * mon"),
        ("six", "15 30 2 * * mon"),
        ("seven", "15 30 2 * * mon 2090"),
    ] {
        let (path, created) = api.create(name, expression, &json!({"timezone": "America/New_York"}));
        let (_, next) = api.server.get(&format!("{path}/next?count=1"));
        let first = &next["data"]["instants"][0];
        assert_eq!(first["utc"], created["nextRun"], "{next}");
        let seconds = if name == "five" { "02:30:00" } else { "02:30:15" };
        assert!(first["local"].as_str().unwrap().contains(seconds), "{next}");
    }
}

#[test]
fn a_list_is_filtered_sorted_and_paged() {
    let api = Api::start();
    for (name, expression) in [("b", "0 0 2 1 *"), ("a", "0 0 3 1 *"), ("c", "0 0 1 1 *")] {
        api.create(name, expression, &json!({"enabled": name != "c"}));
    }
    let names = |query: &str| {
        let answer = api.server.send("GET", &format!("{ALL}?{query}"), &[], None);
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        let rows = answer.body["data"].as_array().unwrap().clone();
        let names: Vec<String> = rows
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        (names.join(" "), answer.headers["content-range"].clone())
    };
    let of_wait = format!("task_id={WAIT}");
    assert_eq!(
        names(&of_wait),
        ("a b c".to_owned(), "schedules 0-2/3".to_owned())
    );
    assert_eq!(
        names(&format!("{of_wait}&_sort=createdAt&_order=DESC")).0,
        "c a b"
    );
    assert_eq!(names(&format!("{of_wait}&enabled=true&_sort=next_run")).0, "b a");
    assert_eq!(names(&format!("{of_wait}&enabled=false")).0, "c");
    assert_eq!(
        names(&format!("{of_wait}&_start=1&_end=2")),
        ("b".to_owned(), "schedules 1-1/3".to_owned())
    );
    assert_eq!(names("name_like=HEART").0, "system_heartbeat");
    let refused = api.server.send("GET", &format!("{ALL}?state=tired"), &[], None);
    error(&refused, 400, "BAD_REQUEST");
    let (_, stats) = api.server.get("/api/v1/schedules/stats");
    assert_eq!(stats["stats"]["totalSchedules"], 4, "{stats}");
    assert_eq!(stats["stats"]["disabledSchedules"], 1, "{stats}");
}

#[test]
fn a_disabled_schedule_is_triggered_with_an_input_of_its_own() {
    let mut api = Api::start();
    let (path, _) = api.create("by hand", FAR, &json!({"enabled": false}));
    let triggered = api.post(&format!("{path}/trigger"), &json!({"input": {"seconds": 0.001}}));
    assert_eq!(triggered.status, 200, "{triggered:?}");
    let job = &triggered.body["data"]["job"];
    assert_eq!(
        (&job["input"]["seconds"], &job["origin"]),
        (&json!(0.001), &json!("TRIGGER"))
    );
    let id = job["id"].clone();
    let result = api.server.wait_for_result(PATIENCE, |result| result["job"] == id);
    assert_eq!(result["output"]["waitedSeconds"], 0.001, "{result}");
    let without_body = api.server.send("POST", &format!("{path}/trigger"), &[], None);
    assert_eq!(without_body.body["data"]["job"]["input"]["seconds"], 0);
    let refused = api.post(&format!("{path}/trigger"), &json!({"input": {"seconds": "many"}}));
    error(&refused, 400, "VALIDATION_ERROR");
}

#[test]
fn past_ticks_are_made_up_for_and_stand_in_the_ledger() {
    let api = Api::start();
    let (path, _) = api.create("daily", "@daily", &json!({"enabled": false}));
    let body =
        json!({"from": "2026-01-01T00:00:00Z", "to": "2026-01-04T00:00:00Z", "note": "the disk was full"});
    let made = api.post(&format!("{path}/backfill"), &body);
    let report = &made.body["data"];
    assert_eq!((made.status, &report["jobs"]), (200, &json!(3)), "{made:?}");
    assert_eq!(report["last"], "2026-01-03T00:00:00Z");
    let (_, ticks) = api.server.get(&format!(
        "{path}/ticks?byHand=true&scheduledFor_lte=2026-01-02T00:00:00Z"
    ));
    assert_eq!(ticks["meta"]["pagination"]["total"], 2, "{ticks}");
    assert_eq!(ticks["data"][0]["outcome"], "BACKFILLED");
    assert!(
        ticks["data"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("the disk was full")
    );
    let future = json!({"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"});
    let message = error(
        &api.post(&format!("{path}/backfill"), &future),
        400,
        "VALIDATION_ERROR",
    );
    assert!(message.starts_with("to: "), "{message}");
}

#[test]
fn secrets_come_in_and_never_go_out() {
    let api = Api::start();
    let webhook = |token: &str| {
        json!([{"destinationType": "webhook", "webhook": {
            "url": "https://example.org/hook",
            "authentication": {"authType": "bearer", "bearer": {"token": token}},
        }}])
    };
    let (path, created) = api.create("hook", FAR, &json!({"outputDestinations": webhook("s3cret")}));
    let (_, listed) = api.server.get(ALL);
    for shown in [&created, &listed] {
        assert!(!shown.to_string().contains("s3cret"), "{shown}");
    }
    let masked = json!({"outputDestinations": created["outputDestinations"]});
    let refused = api.server.send("PATCH", &path, &[], Some(&masked));
    assert!(error(&refused, 400, "VALIDATION_ERROR").starts_with("outputDestinations[0]: a secret"));
}
