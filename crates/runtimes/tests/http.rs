//! The runtime `http` as the pipeline sees it: over real sockets of the loopback, and over answers of a test's own.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use ratchet_interfaces::{
    ExecutionId, JobId, LogLevel, ManualClock, Progress, RunLimits, StopSource, TaskContext, TaskDefinition,
    TaskError, TaskErrorKind, TaskExecutor, TaskId, TaskMonitor, TaskRequest,
};
use ratchet_outbound::{AddressPolicy, OutboundClient, OutboundError, OutboundRequest, OutboundResponse};
use ratchet_runtimes::{Fetch, HttpRuntime};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[derive(Default)]
struct Kept(Mutex<Vec<(LogLevel, String)>>);

impl TaskMonitor for Kept {
    fn log(&self, level: LogLevel, message: &str) {
        self.0.lock().unwrap().push((level, message.to_owned()));
    }

    fn progress(&self, _: Progress) {}
}

/// A server that answers each connection with the next of its texts, and keeps what it was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn answering(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            for answer in answers {
                let (mut socket, _) = listener.accept().await?;
                let asked = whole_request(&mut socket).await?;
                kept.lock().unwrap().push(asked);
                socket.write_all(answer.as_bytes()).await?;
                if answer.is_empty() {
                    // It never answers.
                    std::future::pending::<()>().await;
                }
            }
            io::Result::Ok(())
        });
        Self { address, asked }
    }
}

/// A request's text, as far as its `Content-Length` says.
async fn whole_request(socket: &mut tokio::net::TcpStream) -> io::Result<String> {
    let mut text = String::new();
    let mut chunk = [0; 4096];
    loop {
        let length = socket.read(&mut chunk).await?;
        text.push_str(std::str::from_utf8(&chunk[..length]).unwrap());
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text);
            }
        }
        assert!(length > 0, "it broke off: {text}");
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn local() -> OutboundClient {
    OutboundClient::new(AddressPolicy::allowing(["127.0.0.0/8"]).unwrap()).unwrap()
}

struct World {
    runtime: HttpRuntime,
    monitor: Arc<Kept>,
    stop: StopSource,
}

impl World {
    fn new(fetch: impl Fetch + 'static) -> Self {
        let clock = ManualClock::at("2026-03-01T12:00:00Z".parse::<DateTime<_>>().unwrap());
        Self {
            runtime: HttpRuntime::new(Arc::new(fetch), Arc::new(clock)),
            monitor: Arc::default(),
            stop: StopSource::default(),
        }
    }

    async fn run(&self, source: &Value, input: Value) -> Result<Value, TaskError> {
        let id = TaskId::new();
        let mut task = TaskDefinition::new(id, "ask", "1", "http");
        task.source = Some(source.to_string());
        let request = TaskRequest {
            task: Arc::new(task),
            input,
            context: TaskContext {
                execution_id: ExecutionId::new(),
                job_id: JobId::new(),
                task_id: id,
                task_version: "1".to_owned(),
                scheduled_for: None,
                attempt: 3,
            },
            limits: RunLimits {
                timeout: Duration::from_secs(60),
                memory_bytes: None,
            },
            monitor: self.monitor.clone(),
            stop: self.stop.token(),
        };
        self.runtime.execute(request).await
    }

    fn said(&self) -> String {
        format!("{:?}", self.monitor.0.lock().unwrap())
    }
}

#[tokio::test]
async fn a_request_is_made_of_the_input_and_its_answer_is_the_result() {
    let server = Server::answering(&[&answer(
        "201 Created",
        "Content-Type: application/json\r\nETag: \"7\"\r\n",
        "{\"id\": 7}",
    )])
    .await;
    let world = World::new(local());
    let source = json!({
        "method": "POST",
        "url": format!("http://{}/users/{{{{ input.user }}}}", server.address),
        "query": {"q": "{{ input.user }}"},
        "headers": {"Authorization": "Bearer {{ input.token }}", "X-Attempt": "{{ context.attempt }}"},
        "body": {"name": "{{ input.user }}", "list": ["{{ context.attempt }}", 1, null]},
        "expected_status": [201],
    });
    let input = json!({"user": "a/b ü", "token": "secret"});
    let output = world.run(&source, input).await.unwrap();
    assert_eq!(
        (&output["status"], &output["body"]),
        (&json!(201), &json!({"id": 7}))
    );
    assert_eq!(output["headers"]["etag"], json!("\"7\""));
    let asked = server.asked.lock().unwrap()[0].clone();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /users/a%2Fb%20%C3%BC?q=a%2Fb+%C3%BC HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_ascii_lowercase();
    for line in [
        "authorization: bearer secret",
        "x-attempt: 3",
        "content-type: application/json",
    ] {
        assert!(head.lines().any(|own| own == line), "{head}");
    }
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body, json!({"name": "a/b ü", "list": ["3", 1, null]}));
    assert!(
        world.said().contains("POST 127.0.0.1: status 201, 9 bytes"),
        "{}",
        world.said()
    );
    assert!(!world.said().contains("secret"));
}

#[tokio::test]
async fn a_text_is_sent_as_it_is_rendered_and_parts_of_the_answer_are_extracted() {
    let server = Server::answering(&[&answer(
        "200 OK",
        "X-Left: 4\r\n",
        "{\"items\": [{\"id\": 1}, {\"id\": 2}]}",
    )])
    .await;
    let world = World::new(local());
    let source = json!({
        "method": "PUT",
        "url": format!("http://{}/", server.address),
        "headers": {"content-type": "text/csv"},
        "body": "a;{{ input | tojson }}",
        "extract": {"second": "/items/1/id", "left": "header:x-left"},
    });
    let output = world.run(&source, json!({"x": "y"})).await;
    assert_eq!(output, Ok(json!({"second": 2, "left": "4"})));
    let asked = server.asked.lock().unwrap()[0].clone();
    assert!(asked.ends_with("\r\n\r\na;{\"x\":\"y\"}"), "{asked}");
    assert_eq!(
        asked.to_ascii_lowercase().matches("content-type").count(),
        1,
        "{asked}"
    );
}

#[tokio::test]
async fn an_unexpected_status_fails_and_says_whether_another_try_may_succeed() {
    for (status, headers, retryable, retry_after) in [
        ("500 Oh", "", true, None),
        ("503 Busy", "Retry-After: 120\r\n", true, Some(120)),
        (
            "429 Slow",
            "Retry-After: Sun, 01 Mar 2026 12:01:30 GMT\r\n",
            true,
            Some(90),
        ),
        ("500 Oh", "Retry-After: 120\r\n", true, None),
        ("408 Late", "", true, None),
        ("404 None", "", false, None),
        ("401 Who", "", false, None),
    ] {
        let server = Server::answering(&[&answer(status, headers, "the reason")]).await;
        let world = World::new(local());
        let source = json!({"url": format!("http://{}/secret?key=secret", server.address)});
        let failure = world.run(&source, Value::Null).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.retryable),
            (TaskErrorKind::Response, retryable),
            "{status}"
        );
        assert_eq!(
            failure.retry_after,
            retry_after.map(Duration::from_secs),
            "{status}"
        );
        let told = format!(
            "127.0.0.1 answered with status {}; expected is 200-299",
            &status[..3]
        );
        assert_eq!(failure.message, told);
        assert!(world.said().contains("the reason") && !world.said().contains("secret"));
    }
}

#[tokio::test]
async fn what_is_no_answer_fails_by_its_kind() {
    let run = async |client: OutboundClient, source: Value| {
        World::new(client).run(&source, Value::Null).await.unwrap_err()
    };
    let guarded = || OutboundClient::new(AddressPolicy::default()).unwrap();

    let server = Server::answering(&[]).await;
    let url = format!("http://{}/", server.address);
    let failure = run(guarded(), json!({"url": url})).await;
    assert_eq!(
        (failure.kind, failure.retryable),
        (TaskErrorKind::Permission, false),
        "{failure}"
    );

    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let failure = run(local(), json!({"url": format!("http://{closed}/")})).await;
    assert_eq!(
        (failure.kind, failure.retryable),
        (TaskErrorKind::Network, true),
        "{failure}"
    );

    let server = Server::answering(&[""]).await;
    let failure = run(
        local(),
        json!({"url": format!("http://{}/", server.address), "timeout_seconds": 1}),
    )
    .await;
    assert_eq!(
        (failure.kind, failure.retryable),
        (TaskErrorKind::Timeout, true),
        "{failure}"
    );

    let server = Server::answering(&[&answer("200 OK", "", &"x".repeat(1_000))]).await;
    let failure = run(
        local(),
        json!({"url": format!("http://{}/", server.address), "max_body_bytes": 999}),
    )
    .await;
    assert_eq!(failure.kind, TaskErrorKind::Response, "{failure}");

    let metadata = "Location: http://169.254.169.254/latest\r\n";
    let server = Server::answering(&[&answer("302 Found", metadata, "")]).await;
    let failure = run(local(), json!({"url": format!("http://{}/", server.address)})).await;
    assert_eq!(failure.kind, TaskErrorKind::Permission, "{failure}");

    let server = Server::answering(&[&answer("302 Found", metadata, "")]).await;
    let source =
        json!({"url": format!("http://{}/", server.address), "max_redirects": 0, "expected_status": ["3xx"]});
    let output = World::new(local()).run(&source, Value::Null).await.unwrap();
    assert_eq!(
        output["headers"]["location"],
        json!("http://169.254.169.254/latest")
    );
}

/// Answers every request without sending it, and keeps it.
#[derive(Clone, Default)]
struct Mock(Arc<Mutex<Vec<OutboundRequest>>>);

#[async_trait]
impl Fetch for Mock {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        self.0.lock().unwrap().push(request);
        Ok(OutboundResponse {
            status: 200,
            url: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }
}

#[tokio::test]
async fn a_value_makes_neither_a_header_nor_another_host() {
    let world = World::new(local());
    let server = Server::answering(&[]).await;
    let source = json!({"url": format!("http://{}/", server.address), "headers": {"X-Name": "{{ input }}"}});
    let failure = world
        .run(&source, json!("secret\r\nX-Admin: 1"))
        .await
        .unwrap_err();
    assert_eq!((failure.kind, failure.retryable), (TaskErrorKind::Input, false));
    assert!(
        failure.message.contains("header \"X-Name\"") && !failure.message.contains("secret"),
        "{failure}"
    );

    let mock = Mock::default();
    let world = World::new(mock.clone());
    let source = json!({"url": "https://api.example/v1/{{ input }}"});
    let asked = async |input: &str| {
        let outcome = world.run(&source, json!(input)).await;
        outcome.map(|_| mock.0.lock().unwrap().pop().unwrap().url)
    };
    assert_eq!(
        asked("@evil.example/").await.unwrap(),
        "https://api.example/v1/%40evil.example%2F"
    );
    let failure = asked("..").await.unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Input);
}

#[tokio::test]
async fn a_field_that_the_input_does_not_have_is_named() {
    let world = World::new(Mock::default());
    let source = json!({"url": "https://a.example/", "body": {"user": {"name": "{{ input.name }}"}}});
    let failure = world.run(&source, json!({})).await.unwrap_err();
    assert_eq!(failure.kind, TaskErrorKind::Input);
    let told = "request.json: template body.user.name, line 1, column 4: undefined value: ";
    assert!(failure.message.starts_with(told), "{failure}");
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_breaks_its_request_off() {
    let server = Server::answering(&[""]).await;
    let world = World::new(local());
    let source = json!({"url": format!("http://{}/", server.address)});
    let (outcome, ()) = tokio::join!(world.run(&source, Value::Null), async {
        while server.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        world.stop.stop();
    });
    assert_eq!(outcome, Err(TaskError::failed("it was told to stop")));
}
