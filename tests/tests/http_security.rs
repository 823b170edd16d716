//! Tokens, the audit log and idempotency keys of the real server, with the command line beside it.

use std::path::Path;
use std::process::{Command, Output};

use ratchet_tests::{HttpAnswer, ServerProcess, ratchet_binary};
use rustix::process::Signal;
use serde_json::{Value, json};

const WAIT: &str = "00000000-0000-0000-0000-000000000002";
const JOBS: &str = "/api/v1/jobs";

fn ratchet(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(ratchet_binary().canonicalize().unwrap())
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = ratchet(folder, arguments);
    assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn read(folder: &Path, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.extend(["-o", "json"]);
    serde_json::from_str(&told(folder, &arguments)).unwrap()
}

/// Makes a token, and returns what a request shows.
fn token(folder: &Path, name: &str, scope: &str) -> String {
    let made = read(folder, &["token", "create", name, "--scope", scope]);
    format!("Bearer {}", made["token"].as_str().unwrap())
}

fn code(answer: &HttpAnswer) -> (u16, &str) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or(""))
}

fn job() -> Value {
    json!({"taskId": WAIT, "input": {"seconds": 0}, "scheduledFor": "2090-01-01T00:00:00Z"})
}

#[test]
fn a_running_server_takes_and_refuses_tokens_from_the_next_request_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = ServerProcess::start(folder, &[]).ready();
    let get = |token: Option<&str>| {
        let headers: Vec<_> = token.map(|token| ("authorization", token)).into_iter().collect();
        server.send("GET", JOBS, &headers, None)
    };
    assert_eq!(get(None).status, 200);

    let admin = token(folder, "admin", "admin");
    let reader = token(folder, "reader", "read");
    let closed = get(None);
    assert_eq!(code(&closed), (401, "UNAUTHORIZED"));
    assert!(
        closed.headers["www-authenticate"].starts_with("Bearer"),
        "{closed:?}"
    );
    assert_eq!(get(Some(&reader)).status, 200);
    let refused = server.send("POST", JOBS, &[("authorization", &reader)], Some(&job()));
    assert_eq!(code(&refused), (403, "FORBIDDEN"));
    assert_eq!(server.get("/health").0, 200);
    assert_eq!(server.get("/api-docs/openapi.json").0, 200);

    // One that is made over HTTP, and its end.
    let body = json!({"name": "ci", "scope": "WRITE"});
    let made = server.send(
        "POST",
        "/api/v1/tokens",
        &[("authorization", &admin)],
        Some(&body),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let writer = format!("Bearer {}", made.body["data"]["token"].as_str().unwrap());
    let host = [("authorization", writer.as_str()), ("host", "jobs.example.org")];
    assert_eq!(server.send("POST", JOBS, &host, Some(&job())).status, 201);
    let path = &made.headers["location"];
    assert_eq!(
        server
            .send("DELETE", path, &[("authorization", &admin)], None)
            .status,
        200
    );
    assert_eq!(code(&get(Some(&writer))), (401, "UNAUTHORIZED"));
    told(folder, &["token", "revoke", "reader", "--yes"]);
    assert_eq!(code(&get(Some(&reader))), (401, "UNAUTHORIZED"));

    let list = read(folder, &["token", "list", "--all"]);
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|token| &token["name"])
        .collect();
    assert_eq!(names, ["ci", "reader", "admin"]);

    let log = read(folder, &["audit"]);
    let entries: Vec<_> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["actor"].as_str().unwrap(),
                entry["action"].as_str().unwrap(),
                &entry["status"],
            )
        })
        .collect();
    let expected = [
        ("command line", "tokens_revoke", &json!(200)),
        ("admin", "tokens_revoke", &json!(200)),
        ("ci", "jobs_create", &json!(201)),
        ("admin", "tokens_create", &json!(201)),
        ("reader", "jobs_create", &json!(403)),
        ("command line", "tokens_create", &json!(201)),
        ("command line", "tokens_create", &json!(201)),
    ];
    assert_eq!(entries, expected);
    assert_eq!(log[2]["peer"], "127.0.0.1");
    assert_eq!(log[2]["fields"], json!(["input", "scheduledFor", "taskId"]));
    let over_http = server.send(
        "GET",
        "/api/v1/audit?actor=ci",
        &[("authorization", &admin)],
        None,
    );
    assert_eq!(over_http.body["data"], json!([log[2]]));

    // The same over the server, with a token of its own.
    let url = format!("http://{}", server.address().unwrap());
    let over_server = |arguments: &[&str]| {
        Command::new(ratchet_binary().canonicalize().unwrap())
            .current_dir(folder)
            .args(arguments)
            .args(["--server", &url, "-o", "json"])
            .env("RATCHET_TOKEN", admin.trim_start_matches("Bearer "))
            .output()
            .unwrap()
    };
    let refused = over_server(&["audit", "--status", "403"]);
    let refused: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(refused, json!([log[4]]));
    let made = over_server(&["token", "create", "second", "--scope", "read"]);
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let revoked = over_server(&["token", "revoke", "second", "--yes"]);
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    let taken = over_server(&["token", "create", " ", "--scope", "read"]);
    assert_eq!(taken.status.code(), Some(2), "{taken:?}");

    told(folder, &["token", "revoke", "admin", "--yes"]);
    assert_eq!(get(None).status, 200);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn every_operation_that_declares_a_scope_is_refused_without_a_token_of_it() {
    const SCOPES: [&str; 3] = ["read", "write", "admin"];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let tokens = SCOPES.map(|scope| token(folder, scope, scope));
    let server = ServerProcess::start(folder, &[]).ready();
    let (_, document) = server.get("/api-docs/openapi.json");
    let mut guarded = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let send = |token: Option<&String>| {
                let headers: Vec<_> = token
                    .map(|token| ("authorization", token.as_str()))
                    .into_iter()
                    .collect();
                server.send(&method, &path.replace("{id}", WAIT), &headers, None)
            };
            let Some(scope) = operation["security"][0]["bearer"][0].as_str() else {
                let open = send(None);
                assert_eq!(open.status, 200, "{method} {path}: {open:?}");
                continue;
            };
            assert_eq!(code(&send(None)), (401, "UNAUTHORIZED"), "{method} {path}");
            let needed = SCOPES.iter().position(|known| *known == scope).unwrap();
            for token in &tokens[..needed] {
                assert_eq!(code(&send(Some(token))), (403, "FORBIDDEN"), "{method} {path}");
            }
            guarded.push(format!("{method} {path}"));
        }
    }
    for route in ["GET /metrics", "GET /metrics/prometheus", "POST /api/v1/jobs"] {
        assert!(
            guarded.iter().any(|known| known == route),
            "{route} is open: {guarded:?}"
        );
    }
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn an_address_that_others_can_reach_takes_a_token_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = ratchet(folder, &["serve", "--bind", "0.0.0.0:0"]);
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(
        words.contains("ratchet token create") && words.contains("loopback"),
        "{words}"
    );

    let admin = token(folder, "admin", "admin");
    let server = ServerProcess::start(folder, &["--bind", "0.0.0.0:0"]).ready();
    assert_eq!(
        server
            .send("GET", JOBS, &[("authorization", &admin)], None)
            .status,
        200
    );
    // The door stays closed also when the last token is gone.
    told(folder, &["token", "revoke", "admin", "--yes"]);
    let closed = server.send("GET", JOBS, &[], None);
    assert_eq!(code(&closed), (401, "UNAUTHORIZED"));
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}

#[test]
fn a_request_that_is_repeated_after_a_restart_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let send = |server: &ServerProcess, body: &Value| {
        server.send("POST", JOBS, &[("idempotency-key", "import-7")], Some(body))
    };
    let server = ServerProcess::start(folder.path(), &[]).ready();
    let first = send(&server, &job());
    assert_eq!(first.status, 201, "{first:?}");
    server.kill();

    let server = ServerProcess::start(folder.path(), &[]).ready();
    let again = send(&server, &job());
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["location"], first.headers["location"]);
    let mut other = job();
    other["priority"] = json!("HIGH");
    assert_eq!(code(&send(&server, &other)), (422, "VALIDATION_ERROR"));
    let (_, list) = server.get(&format!("{JOBS}?taskId={WAIT}"));
    assert_eq!(list["meta"]["pagination"]["total"], 1, "{list}");
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
}
