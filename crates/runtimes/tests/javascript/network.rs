use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{StopSource, TaskError, TaskErrorKind, TaskExecutor as _};
use ratchet_outbound::{AddressPolicy, OutboundClient, OutboundError, OutboundRequest, OutboundResponse};
use ratchet_runtimes::Fetch;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{Barrier, Notify};

use crate::harness::{request, runtime_with};

/// Answers by URL, and remembers what was asked.
#[derive(Default)]
struct Mock {
    answers: HashMap<&'static str, (u16, &'static str)>,
    asked: Mutex<Vec<OutboundRequest>>,
}

#[async_trait]
impl Fetch for Mock {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let answer = self.answers.get(request.url.as_str()).copied();
        let url = request.url.clone();
        self.asked.lock().unwrap().push(request);
        let Some((status, body)) = answer else {
            return Err(OutboundError::InvalidRequest {
                field: "URL".into(),
                rule: "it is not mocked".into(),
            });
        };
        Ok(OutboundResponse {
            status,
            url,
            headers: vec![
                ("content-type".into(), "text/plain".into()),
                ("x-a".into(), "1".into()),
                ("x-a".into(), "2".into()),
            ],
            body: body.into(),
        })
    }
}

fn mock(answers: &[(&'static str, u16, &'static str)]) -> Arc<Mock> {
    let answers = answers
        .iter()
        .map(|(url, status, body)| (*url, (*status, *body)))
        .collect();
    Arc::new(Mock {
        answers,
        ..Mock::default()
    })
}

async fn run_with(fetch: Arc<dyn Fetch>, source: &str) -> Result<Value, TaskError> {
    runtime_with(fetch).execute(request(source, json!(null))).await
}

#[tokio::test]
async fn an_answer_has_what_it_has_in_a_browser() {
    let mock = mock(&[("http://a/x", 404, "{\"n\": 1}")]);
    let source = r#"async () => {
        const response = await fetch('http://a/x');
        const again = await fetch('http://a/x');
        const pairs = [];
        response.headers.forEach((value, name) => pairs.push([name, value]));
        const bytes = new Uint8Array(await (await fetch('http://a/x')).arrayBuffer());
        return {
            status: response.status, statusText: response.statusText, ok: response.ok, url: response.url,
            type: response.headers.get('Content-Type'), many: response.headers.get('x-a'),
            has: [response.headers.has('X-A'), response.headers.has('x-b')], missing: response.headers.get('x-b'),
            pairs: pairs.length, entries: [...response.headers.entries()].length,
            text: await response.text(), json: await again.json(), used: response.bodyUsed, bytes: bytes.length,
        };
    }"#;
    assert_eq!(
        run_with(mock, source).await,
        Ok(json!({
            "status": 404, "statusText": "Not Found", "ok": false, "url": "http://a/x",
            "type": "text/plain", "many": "1, 2", "has": [true, false], "missing": null,
            "pairs": 3, "entries": 3, "text": "{\"n\": 1}", "json": {"n": 1}, "used": true, "bytes": 8,
        }))
    );
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_asked_for() {
    let mock = mock(&[("http://a/", 200, "")]);
    let source = r#"async () => {
        await fetch('http://a/', {method: 'post', headers: {'X-Key': 'k'}, body: JSON.stringify({a: 1}), timeout: 1500, redirect: 'manual'});
        await fetch('http://a/', {method: 'PUT', headers: new Headers([['Content-Type', 'x/y']]), body: new Uint8Array([1, 255])});
        await fetch('http://a/', {method: 'POST', body: new URLSearchParams({q: 'ä b'})});
        await fetch(new URL('http://a'));
    }"#;
    assert_eq!(
        run_with(Arc::clone(&mock) as Arc<dyn Fetch>, source).await,
        Ok(json!(null))
    );
    let asked = mock.asked.lock().unwrap();
    let header = |index: usize, name: &str| {
        asked[index]
            .headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(
        (asked[0].method.as_str(), asked[0].body.as_slice()),
        ("POST", br#"{"a":1}"#.as_slice())
    );
    assert_eq!(
        (asked[0].timeout, asked[0].max_redirects),
        (Duration::from_millis(1500), 0)
    );
    assert_eq!(header(0, "x-key").as_deref(), Some("k"));
    assert_eq!(
        header(0, "content-type").as_deref(),
        Some("text/plain;charset=UTF-8")
    );
    assert_eq!(
        (asked[1].body.as_slice(), asked[1].max_redirects),
        ([1, 255].as_slice(), 10)
    );
    assert_eq!(header(1, "content-type").as_deref(), Some("x/y"));
    assert_eq!(asked[2].body, b"q=%C3%A4+b");
    assert!(
        header(2, "content-type")
            .unwrap()
            .starts_with("application/x-www-form-urlencoded")
    );
    assert_eq!(
        (asked[3].method.as_str(), asked[3].timeout),
        ("GET", Duration::from_secs(30))
    );
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_a_rejection() {
    let mock = mock(&[("http://a/", 302, "no json")]);
    for (call, words) in [
        (
            "fetch('http://a/', {redirect: 'never'})",
            "follow, manual and error are allowed",
        ),
        (
            "fetch('http://a/', {timeout: -1})",
            "a number of milliseconds over 0",
        ),
        ("fetch('http://a/', {body: {a: 1}})", "JSON.stringify"),
        (
            "fetch('http://a/', {redirect: 'error'})",
            "the answer is a redirect",
        ),
        (
            "fetch('http://b/')",
            "fetch: URL of the request: it is not mocked",
        ),
        (
            "fetch('http://a/').then((response) => response.json())",
            "the answer of http://a/ (status 302) is no JSON",
        ),
        (
            "fetch('http://a/').then((r) => r.text().then(() => r.text()))",
            "was read before",
        ),
    ] {
        let source =
            format!("async () => {{ try {{ await {call}; }} catch (error) {{ return String(error); }} }}");
        let text = run_with(Arc::clone(&mock) as Arc<dyn Fetch>, &source)
            .await
            .unwrap();
        assert!(text.as_str().unwrap().contains(words), "{call}: {text}");
    }
}

/// Answers when all that are expected have asked.
struct Together(Barrier);

#[async_trait]
impl Fetch for Together {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        self.0.wait().await;
        Ok(OutboundResponse {
            status: 200,
            body: request.url.clone().into_bytes(),
            url: request.url,
            headers: Vec::new(),
        })
    }
}

#[tokio::test]
async fn several_requests_are_under_way_at_once() {
    let source = r#"async () => {
        const urls = [0, 1, 2, 3, 4].map((n) => `http://a/${n}`);
        const responses = await Promise.all(urls.map((url) => fetch(url)));
        return Promise.all(responses.map((response) => response.text()));
    }"#;
    let expected = json!([
        "http://a/0",
        "http://a/1",
        "http://a/2",
        "http://a/3",
        "http://a/4"
    ]);
    assert_eq!(
        run_with(Arc::new(Together(Barrier::new(5))), source).await,
        Ok(expected)
    );
}

#[tokio::test]
async fn a_task_that_asks_without_end_is_refused() {
    let source = "async () => { const all = []; for (;;) all.push(fetch('http://a/')); }";
    let error = runtime_with(Arc::new(Together(Barrier::new(100_000))))
        .execute({
            let mut request = request(
                &source.replace("all.push(", "await Promise.race([0]), all.push("),
                json!(null),
            );
            request.limits.timeout = Duration::from_secs(5);
            request
        })
        .await
        .unwrap_err();
    // The rejections pile up in the task's own memory, or its time is up; never in the server's.
    assert!(
        matches!(error.kind, TaskErrorKind::Memory | TaskErrorKind::Timeout),
        "{error}"
    );
    let source = "() => { const all = []; for (let i = 0; i < 1001; i++) all.push(fetch('http://a/')); return all[1000]; }";
    let error = run_with(Arc::new(Together(Barrier::new(100_000))), source)
        .await
        .unwrap_err();
    assert!(error.message.contains("no more than 1000"), "{error}");
}

/// Never answers, and tells when it is asked and when that is broken off.
#[derive(Default)]
struct Silent {
    asked: Notify,
    dropped: Arc<Notify>,
}

struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[async_trait]
impl Fetch for Silent {
    async fn fetch(&self, _: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let _told = Told(Arc::clone(&self.dropped));
        self.asked.notify_one();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_ends_with_its_run() {
    let silent = Arc::new(Silent::default());
    let runtime = Arc::new(runtime_with(Arc::clone(&silent) as Arc<dyn Fetch>));
    let stop = StopSource::default();
    let mut told = request("() => fetch('http://a/')", json!(null));
    told.stop = stop.token();
    let running = tokio::spawn({
        let runtime = Arc::clone(&runtime);
        async move { runtime.execute(told).await }
    });
    silent.asked.notified().await;
    stop.stop();
    assert_eq!(running.await.unwrap().unwrap_err().kind, TaskErrorKind::Timeout);
    silent.dropped.notified().await;

    let returned = runtime
        .execute(request("() => { fetch('http://a/'); return 1; }", json!(null)))
        .await;
    assert_eq!(returned, Ok(json!(1)));
    // It may have been broken off before it began.
    let mut running = Box::pin(runtime.execute(request("() => fetch('http://a/')", json!(null))));
    tokio::select! {
        outcome = &mut running => panic!("{outcome:?}"),
        () = silent.asked.notified() => {}
    }
    drop(running);
    silent.dropped.notified().await;
}

/// A real server on loopback that answers each connection's first request with these bytes.
async fn server(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.is_ok() && stream.write_all(answer.as_bytes()).await.is_ok()
                {
                    // Until the client hangs up.
                    while matches!(stream.read(&mut buffer).await, Ok(count) if count > 0) {}
                }
            });
        }
    });
    address
}

async fn over_network(policy: &str, source: &str) -> Result<Value, TaskError> {
    let policy: AddressPolicy = policy.parse().unwrap();
    run_with(Arc::new(OutboundClient::new(policy).unwrap()), source).await
}

#[tokio::test]
async fn the_network_is_reached_through_the_guarded_client() {
    let address = server("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue").await;
    let source = format!("async () => (await fetch('http://{address}/')).json()");
    assert_eq!(over_network("127.0.0.1", &source).await, Ok(json!(true)));
    let error = over_network("", &source).await.unwrap_err();
    assert_eq!(
        (error.kind, error.retryable),
        (TaskErrorKind::Permission, false),
        "{error}"
    );
    assert!(
        error
            .message
            .starts_with("TypeError: fetch: 127.0.0.1: its address 127.0.0.1 is not allowed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_that_fails_uncaught_gives_the_failure_its_kind() {
    let redirect =
        server("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n").await;
    let silent = server("").await;
    let large = server("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").await;
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    for (address, options, kind, words) in [
        (
            redirect,
            "{}",
            TaskErrorKind::Permission,
            "10.0.0.1 is not allowed",
        ),
        (
            silent,
            "{timeout: 50}",
            TaskErrorKind::Network,
            "no complete answer within 0.05 s",
        ),
        (large, "{}", TaskErrorKind::Response, "larger than 10485760 bytes"),
        (nobody, "{}", TaskErrorKind::Network, "cannot be reached"),
    ] {
        let source = format!("() => fetch('http://{address}/', {options})");
        let error = over_network("127.0.0.1", &source).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}
