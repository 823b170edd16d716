//! What is refused, and how.
//!
//! What cannot be provoked from outside is missing here: 408, 429 (a server of the tests' own has no limit), 500 and 503.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::{Answer, act, get, patch, post, send, send_as_it_is, send_json, under};
use crate::document::{METHODS, Parameter, operations};
use crate::made::{Made, job_until, path_of, text, unique};
use crate::server::Server;

/// What can be given a body, and must be, with `{id}` for the id of what is there.
fn with_body(task: &Value, schedule: &Value, job: &Value) -> Vec<(&'static str, String)> {
    vec![
        ("POST", "/tasks".to_owned()),
        ("PATCH", path_of("tasks", task, "")),
        ("POST", "/schedules".to_owned()),
        ("PATCH", path_of("schedules", schedule, "")),
        ("POST", path_of("schedules", schedule, "/trigger")),
        ("POST", path_of("schedules", schedule, "/backfill")),
        ("POST", "/schedules/preview".to_owned()),
        ("POST", "/jobs".to_owned()),
        ("PATCH", path_of("jobs", job, "")),
        ("POST", path_of("jobs", job, "/cancel")),
        ("POST", "/executions".to_owned()),
        ("PATCH", path_of("executions", job, "")),
    ]
}

#[test]
pub(crate) fn what_is_no_json_is_a_bad_request_and_what_is_not_sent_as_json_is_of_no_use() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(&task, &json!({}));
    let job = made.waiting_job(&task, &json!({}));
    for (method, path) in with_body(&task, &schedule, &job) {
        let path = under(&path);
        let json = [("content-type", "application/json")];
        for malformed in ["{", "{\"name\": }", "nonsense", "{} {}", "\u{0}"] {
            send(method, &path, &json, Some(malformed)).error(400, "BAD_REQUEST");
        }
        let plain = [("content-type", "text/plain")];
        send(method, &path, &plain, Some("{}")).any_error(415);
        send(method, &path, &[], Some("{}")).any_error(415);
        let with_charset = [("content-type", "application/json; charset=utf-8")];
        let answer = send(method, &path, &with_charset, Some("{"));
        answer.error(400, "BAD_REQUEST");
    }
}

#[test]
pub(crate) fn a_missing_or_mistyped_field_is_unprocessable_and_named() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let id = &task["id"];
    let schedule = made.schedule(&task, &json!({}));
    let schedule = path_of("schedules", &schedule, "");
    let name = unique("never");
    let cases = [
        ("POST", "/tasks", "name", json!({"version": "1.0.0"})),
        ("POST", "/tasks", "version", json!({"name": name})),
        (
            "POST",
            "/tasks",
            "enabled",
            json!({"name": name, "version": "1", "enabled": "yes"}),
        ),
        (
            "POST",
            "/schedules",
            "name",
            json!({"taskId": id, "cronExpression": "* * * * *"}),
        ),
        (
            "POST",
            "/schedules",
            "taskId",
            json!({"name": name, "cronExpression": "* * * * *"}),
        ),
        (
            "POST",
            "/schedules",
            "cronExpression",
            json!({"name": name, "taskId": id}),
        ),
        ("PATCH", &schedule, "enabled", json!({"enabled": 1})),
        ("PATCH", &schedule, "name", json!({"name": ["a"]})),
        ("POST", "/jobs", "taskId", json!({"input": {}})),
        ("POST", "/jobs", "input", json!({"taskId": id})),
        (
            "POST",
            "/jobs",
            "priority",
            json!({"taskId": id, "input": {}, "priority": 7}),
        ),
        (
            "POST",
            "/jobs",
            "maxRetries",
            json!({"taskId": id, "input": {}, "maxRetries": -1}),
        ),
        (
            "POST",
            "/jobs",
            "scheduledFor",
            json!({"taskId": id, "input": {}, "scheduledFor": "soon"}),
        ),
        ("POST", "/executions", "taskId", json!({"input": {}})),
        ("POST", "/schedules/preview", "cronExpression", json!({})),
    ];
    for (method, path, field, body) in &cases {
        let answer = send_json(method, path, &[], body);
        let message = answer.error(422, "VALIDATION_ERROR");
        assert!(message.contains(field), "{body}: {message}");
    }
    for body in [json!([]), json!("text"), json!(7), json!(null)] {
        post("/tasks", &body).any_error(422);
    }
}

#[test]
pub(crate) fn a_value_that_is_not_allowed_is_a_bad_request_that_names_the_field() {
    let made = Made::nothing();
    let task = made.task(&json!({"inputSchema": {"type": "object", "required": ["a"]}}));
    let id = &task["id"];
    let name = unique("never");
    let schedule = |field: &str, value: Value| {
        let mut body = json!({"taskId": id, "name": name, "cronExpression": "* * * * *", "input": {"a": 1}});
        body[field] = value;
        ("/schedules", field.to_owned(), body)
    };
    let cases = [
        (
            "/tasks",
            "name".to_owned(),
            json!({"name": "", "version": "1.0.0"}),
        ),
        (
            "/tasks",
            "inputSchema".to_owned(),
            json!({"name": name, "version": "1", "inputSchema": {"type": 7}}),
        ),
        (
            "/tasks",
            "sourceCode".to_owned(),
            json!({"name": name, "version": "1", "sourceCode": "(input) => {"}),
        ),
        schedule("name", json!("")),
        schedule("cronExpression", json!("99 * * * *")),
        schedule("cronExpression", json!("whenever")),
        schedule("timezone", json!("Mars/Base")),
        schedule("taskId", json!(Uuid::now_v7())),
        schedule("input", json!({})),
        (
            "/jobs",
            "taskId".to_owned(),
            json!({"taskId": Uuid::now_v7(), "input": {}}),
        ),
        ("/jobs", "input".to_owned(), json!({"taskId": id, "input": {}})),
        (
            "/jobs",
            "outputDestinations".to_owned(),
            json!({"taskId": id, "input": {"a": 1}, "outputDestinations": []}),
        ),
        (
            "/executions",
            "taskId".to_owned(),
            json!({"taskId": Uuid::now_v7(), "input": {}}),
        ),
        (
            "/executions",
            "input".to_owned(),
            json!({"taskId": id, "input": {}}),
        ),
    ];
    for (path, field, body) in &cases {
        let answer = post(path, body);
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.contains(&**field), "{body}: {message}");
    }
    assert_eq!(get(&format!("/schedules?name={name}")).expect(200).total(), 0);
    assert_eq!(get(&format!("/tasks?name={name}")).expect(200).total(), 0);
}

#[test]
pub(crate) fn what_does_not_exist_is_not_found_whatever_is_asked_of_it() {
    let nobody = Uuid::now_v7().to_string();
    let mut asked = 0;
    for operation in operations()
        .iter()
        .filter(|operation| operation.path.contains("{id}"))
    {
        let body = operation.needs_body().then(|| match operation.path {
            path if path.ends_with("/backfill") => {
                json!({"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"})
            }
            _ => json!({}),
        });
        let body = body.map(|body| body.to_string());
        let mut query = operation.query();
        query.retain(|parameter| parameter.is_required);
        let query: String = query.iter().map(required).collect();
        let typed = [("content-type", "application/json")];
        let headers = if body.is_some() { &typed[..] } else { &[] };
        for id in [&*nobody, "nonsense", "7"] {
            let path = format!("{}{query}", operation.path.replace("{id}", id));
            let answer = send(operation.method, &path, headers, body.as_deref());
            let message = answer.error(404, "NOT_FOUND");
            assert!(message.contains(id), "{message}");
        }
        asked += 1;
    }
    assert!(asked >= 25, "the document has {asked} routes with an id only");
}

/// The query that has a parameter which must be given: the only one of an operation.
fn required(parameter: &Parameter) -> String {
    assert!(
        parameter.has_format("date-time"),
        "what {} can be is unknown here",
        parameter.name
    );
    format!("?{}=2030-01-01T00:00:00Z", parameter.name)
}

#[test]
pub(crate) fn an_unknown_route_is_not_found_in_the_envelope() {
    for path in [
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v1/nowhere",
        "/api/v2/jobs",
        "/api/v1/jobs/a/b/c",
    ] {
        for method in METHODS {
            send(method, path, &[], None).error(404, "NOT_FOUND");
        }
    }
}

#[test]
pub(crate) fn an_unknown_method_is_refused_in_the_envelope() {
    let known = operations();
    for operation in &known {
        let path = operation.path.replace("{id}", &Uuid::now_v7().to_string());
        let is_known = |method: &str| {
            known
                .iter()
                .any(|other| other.path == operation.path && other.method == method)
        };
        for method in METHODS.into_iter().filter(|method| !is_known(method)) {
            send(method, &path, &[], None).any_error(405);
        }
    }
}

#[test]
pub(crate) fn what_does_not_go_with_what_is_there_is_a_conflict() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let (name, version) = (&task["name"], &task["version"]);
    post("/tasks", &json!({"name": name, "version": version})).error(409, "CONFLICT");
    let schedule = made.schedule(&task, &json!({}));
    let same = json!({"name": schedule["name"], "taskId": task["id"], "cronExpression": "* * * * *"});
    post("/schedules", &same).error(409, "CONFLICT");
    let other = made.schedule(&task, &json!({}));
    let rename = json!({"name": schedule["name"]});
    patch(&path_of("schedules", &other, ""), &rename).error(409, "CONFLICT");

    let job = job_until(&made.job(&task, &json!({})), "COMPLETED");
    act(&path_of("jobs", &job, "/cancel")).error(409, "CONFLICT");
    act(&path_of("jobs", &job, "/retry")).error(409, "CONFLICT");
    patch(&path_of("jobs", &job, ""), &json!({"priority": "LOW"})).error(409, "CONFLICT");
    send("DELETE", &under(&path_of("tasks", &task, "")), &[], None).error(409, "CONFLICT");
}

#[test]
pub(crate) fn a_body_that_is_too_large_is_refused() {
    let body = json!({"name": "a".repeat(2 * 1024 * 1024 + 1), "version": "1.0.0"});
    post("/tasks", &body).any_error(413);
}

#[test]
pub(crate) fn a_token_that_nobody_was_given_is_unauthorized() {
    let ask = |headers: &[(&str, &str)]| -> Answer { send_as_it_is("GET", &under("/jobs"), headers, None) };
    ask(&[("authorization", "Bearer nonsense")]).error(401, "UNAUTHORIZED");
    if Server::get().token().is_some() {
        ask(&[]).error(401, "UNAUTHORIZED");
    }
}

#[test]
pub(crate) fn a_token_of_too_small_a_scope_is_forbidden() {
    if Server::get().token().is_none() {
        // The first token of a server closes it to who has none: that would be the end of all other tests.
        return;
    }
    let token = post("/tokens", &json!({"name": unique("token"), "scope": "READ"})).created();
    let bearer = format!("Bearer {}", text(&token["token"]));
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    send_as_it_is("GET", &under("/jobs"), &headers, None).expect(200);
    let task = json!({"name": unique("never"), "version": "1.0.0"}).to_string();
    send_as_it_is("POST", &under("/tasks"), &headers, Some(&task)).error(403, "FORBIDDEN");
    send("DELETE", &under(&path_of("tokens", &token, "")), &[], None).expect(200);
}
