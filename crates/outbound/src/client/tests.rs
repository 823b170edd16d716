use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A server on loopback that answers each request with what a function makes of its head and body.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => text.push_str(str::from_utf8(&buffer[..count]).unwrap()),
        }
    }
}

impl Server {
    async fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    while let Some(request) = read_request(&mut stream).await {
                        let bytes = answer(&request);
                        seen.lock().unwrap().push(request);
                        if stream.write_all(bytes.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn request(&self, index: usize) -> String {
        self.requests.lock().unwrap()[index].clone()
    }

    fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Accepts connections, and hands each over.
async fn listener() -> (SocketAddr, mpsc::UnboundedReceiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if sender.send(stream).is_err() {
                return;
            }
        }
    });
    (address, receiver)
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn redirect_to(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn client(policy: &str) -> OutboundClient {
    OutboundClient::new(policy.parse().unwrap()).unwrap()
}

fn local() -> OutboundClient {
    client("127.0.0.0/8")
}

/// A client for which every name is at these addresses, one list a look-up; the last one stays.
fn resolving(policy: &str, lookups: &'static [&'static [&'static str]]) -> OutboundClient {
    let asked = AtomicUsize::new(0);
    let resolver: Resolver = Arc::new(move |_| {
        let index = asked.fetch_add(1, Ordering::SeqCst).min(lookups.len() - 1);
        let found = lookups[index]
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 0))
            .collect();
        Box::pin(async move { Ok(found) })
    });
    OutboundClient::with_resolver(policy.parse().unwrap(), resolver).unwrap()
}

fn assert_forbidden(outcome: Result<OutboundResponse, OutboundError>, expected: &str) {
    match outcome {
        Err(OutboundError::Forbidden { address, .. }) => assert_eq!(address.to_string(), expected),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_given_and_its_answer_is_had_whole() {
    let server =
        Server::start(|_| "HTTP/1.1 404 Not Found\r\nX-A: 1\r\nX-a: 2\r\nContent-Length: 2\r\n\r\nno".into())
            .await;
    let request = OutboundRequest::post(server.url("/a?b=c#d"), "hello").with_header("X-Key", "k");
    let answer = local().send(request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (404, b"no".as_slice()));
    assert_eq!(answer.header("X-A"), Some("1"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-a").count(), 2);
    let sent = server.request(0);
    assert!(
        sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.ends_with("\r\n\r\nhello"),
        "{sent}"
    );
    for header in [
        "x-key: k\r\n",
        "accept-encoding: identity\r\n",
        "user-agent: ratchet/",
        "host: 127.0.0.1:",
    ] {
        assert!(sent.contains(header), "{sent}");
    }
}

#[tokio::test]
async fn a_name_and_password_in_the_url_are_sent_as_a_header_only() {
    let server = Server::start(|_| ok("")).await;
    let url = format!("http://me:p%40ss@{}/", server.address);
    let answer = local().send(OutboundRequest::get(&url)).await.unwrap();
    let encoded = STANDARD.encode("me:p@ss");
    assert!(
        server
            .request(0)
            .contains(&format!("authorization: Basic {encoded}\r\n"))
    );
    assert_eq!(answer.url, server.url("/"));
}

#[tokio::test]
async fn a_private_address_is_refused_in_every_notation_of_a_url_without_a_connection() {
    let (address, mut connections) = listener().await;
    let port = address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "017700000001",
        "0x7f.0.0.1",
        "0x7f000001",
        "127.0.0.1.",
        "1２7.0.0.1",
        "%31%32%37.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
    ] {
        match client("")
            .send(OutboundRequest::get(format!("http://{host}:{port}/")))
            .await
        {
            Err(OutboundError::Forbidden { .. }) => {}
            other => panic!("{host}: {other:?}"),
        }
    }
    assert_forbidden(
        client("")
            .send(OutboundRequest::get("https://169.254.169.254/"))
            .await,
        "169.254.169.254",
    );
    assert_forbidden(
        client("").send(OutboundRequest::get("http://[::1]:1/")).await,
        "::1",
    );
    assert_forbidden(
        client("").send(OutboundRequest::get("http://0/")).await,
        "0.0.0.0",
    );
    assert!(connections.try_recv().is_err(), "it was connected to");
}

#[tokio::test]
async fn a_name_at_a_private_address_is_refused_and_its_other_addresses_are_used() {
    let server = Server::start(|_| ok("here")).await;
    let url = format!("http://example.test:{}/", server.address.port());
    let send = |client: OutboundClient| {
        let request = OutboundRequest::get(&url);
        async move { client.send(request).await }
    };
    assert_forbidden(send(resolving("", &[&["127.0.0.1"]])).await, "127.0.0.1");
    assert_forbidden(send(resolving("", &[&["10.0.0.1", "fd00::1"]])).await, "10.0.0.1");
    assert_eq!(server.request_count(), 0);
    let answer = send(resolving("127.0.0.0/8", &[&["10.0.0.1", "127.0.0.1"]]))
        .await
        .unwrap();
    assert_eq!(answer.body, b"here");
    let error = send(resolving("", &[&[]])).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable { .. }), "{error}");
    let name = OutboundRequest::get(format!("http://localhost:{}/", server.address.port()));
    assert!(matches!(
        client("").send(name).await,
        Err(OutboundError::Forbidden { .. })
    ));
}

#[tokio::test]
async fn a_name_that_comes_to_mean_a_private_address_is_refused_at_that_connection() {
    // The server closes after each answer, so that the second request needs a second connection.
    let server =
        Server::start(|_| "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".into()).await;
    let client = resolving("127.0.0.1", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let url = format!("http://example.test:{}/", server.address.port());
    assert_eq!(client.send(OutboundRequest::get(&url)).await.unwrap().status, 200);
    assert_forbidden(client.send(OutboundRequest::get(&url)).await, "127.0.0.2");
    assert_eq!(server.request_count(), 1);
}

#[tokio::test]
async fn a_redirect_into_the_private_network_is_refused() {
    for location in [
        "http://10.0.0.1/",
        "//169.254.169.254/latest",
        "http://[::1]/",
        "http://0x0a000001/",
    ] {
        let server = Server::start(move |_| redirect_to(302, location)).await;
        let outcome = local().send(OutboundRequest::get(server.url("/"))).await;
        assert!(
            matches!(outcome, Err(OutboundError::Forbidden { .. })),
            "{location}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_what_is_no_web_address_is_refused() {
    for location in [
        "file:///etc/passwd",
        "ftp://a/",
        "javascript:alert(1)",
        "http://:80/",
    ] {
        let server = Server::start(move |_| redirect_to(302, location)).await;
        let outcome = local().send(OutboundRequest::get(server.url("/"))).await;
        assert!(
            matches!(outcome, Err(OutboundError::InvalidRedirect { .. })),
            "{location}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_is_allowed() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/0") => ok("there"),
        Some(path) => redirect_to(307, &format!("/{}", path[1..].parse::<u32>().unwrap() - 1)),
        None => unreachable!(),
    })
    .await;
    let send = |path: &str, max_redirects| {
        let request = OutboundRequest {
            max_redirects,
            ..OutboundRequest::get(server.url(path))
        };
        async move { local().send(request).await }
    };
    let answer = send("/3", 3).await.unwrap();
    assert_eq!(
        (answer.url, answer.body.as_slice()),
        (server.url("/0"), b"there".as_slice())
    );
    let error = send("/3", 2).await.unwrap_err();
    assert!(
        matches!(error, OutboundError::TooManyRedirects { limit: 2, .. }),
        "{error}"
    );
    let answer = send("/3", 0).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (307, Some("/2")));
}

#[tokio::test]
async fn a_loop_of_redirects_ends() {
    let server = Server::start(|_| redirect_to(301, "/again")).await;
    let error = local()
        .send(OutboundRequest::get(server.url("/")))
        .await
        .unwrap_err();
    assert!(
        matches!(error, OutboundError::TooManyRedirects { limit: 10, .. }),
        "{error}"
    );
    assert_eq!(server.request_count(), 11);
}

#[tokio::test]
async fn a_redirected_request_keeps_its_method_and_body_or_becomes_a_get() {
    for (status, method, kept) in [
        (301, "POST", false),
        (302, "POST", false),
        (303, "PUT", false),
        (302, "PUT", true),
        (307, "POST", true),
        (308, "POST", true),
    ] {
        let server = Server::start(move |request| {
            if request.contains(" /end ") {
                ok("")
            } else {
                redirect_to(status, "/end")
            }
        })
        .await;
        let request = OutboundRequest {
            method: method.into(),
            ..OutboundRequest::post(server.url("/"), "body").with_header("Content-Type", "text/plain")
        };
        local().send(request).await.unwrap();
        let second = server.request(1);
        let expected = if kept { method } else { "GET" };
        assert!(
            second.starts_with(&format!("{expected} /end ")),
            "{status} {method}: {second}"
        );
        assert_eq!(second.ends_with("body"), kept, "{status} {method}: {second}");
        assert_eq!(
            second.contains("content-type"),
            kept,
            "{status} {method}: {second}"
        );
    }
}

#[tokio::test]
async fn secrets_are_carried_to_the_same_origin_and_to_no_other() {
    let other = Server::start(|_| ok("")).await;
    let elsewhere = other.url("/end");
    let server = Server::start(move |request| match request.split(' ').nth(1) {
        Some("/same") => redirect_to(307, "/there"),
        Some("/other") => redirect_to(307, &elsewhere),
        _ => ok(""),
    })
    .await;
    let request = |path: &str| {
        OutboundRequest::post(format!("http://me:secret@{}{path}", server.address), "body")
            .with_header("Cookie", "secret")
            .with_header("X-Api-Key", "secret")
            .with_header("Content-Type", "text/plain")
    };
    local().send(request("/same")).await.unwrap();
    let second = server.request(1);
    assert!(
        second.contains("cookie: secret") && second.contains("x-api-key: secret"),
        "{second}"
    );
    assert!(second.contains("authorization: Basic "), "{second}");
    local().send(request("/other")).await.unwrap();
    let second = other.request(0);
    assert!(
        !second.contains("secret") && !second.contains("authorization"),
        "{second}"
    );
    assert!(
        second.contains("content-type: text/plain") && second.ends_with("body"),
        "{second}"
    );
    let authorized = OutboundRequest::get(server.url("/other")).with_header("Authorization", "Bearer secret");
    local().send(authorized).await.unwrap();
    assert!(!other.request(1).contains("secret"));
}

#[tokio::test]
async fn a_server_that_never_answers_and_one_that_drips_are_given_up_in_time() {
    let timeout = Duration::from_millis(200);
    let (address, mut connections) = listener().await;
    let request = OutboundRequest {
        timeout,
        ..OutboundRequest::get(format!("http://{address}/"))
    };
    let error = local().send(request.clone()).await.unwrap_err();
    assert!(
        matches!(error, OutboundError::TimedOut { after, .. } if after == timeout),
        "{error}"
    );
    assert_eq!(error.to_string(), "127.0.0.1: no complete answer within 0.2 s");
    drop(connections.recv().await.unwrap());

    let dripping = tokio::spawn(async move {
        let mut stream = connections.recv().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await
            .unwrap();
        let mut sent = 0_u32;
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b"1\r\nx\r\n").await.is_ok() {
            sent += 1;
            pace.tick().await;
        }
        sent
    });
    let error = local().send(request).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut { .. }), "{error}");
    let hung_up = tokio::time::timeout(Duration::from_secs(20), dripping).await;
    assert!(hung_up.expect("the client hangs up").unwrap() > 0);
}

#[tokio::test]
async fn an_answer_without_end_is_hung_up_on_at_the_limit() {
    const GIGABYTE: usize = 1024 * 1024 * 1024;
    for head in [
        "Transfer-Encoding: chunked",
        "Content-Length: 1073741824",
        "Connection: close",
    ] {
        let (address, mut connections) = listener().await;
        let flood = tokio::spawn(async move {
            let mut stream = connections.recv().await.unwrap();
            read_request(&mut stream).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
            let mut sent = 0;
            while sent < GIGABYTE && stream.write_all(&chunk).await.is_ok() {
                sent += chunk.len();
            }
            sent
        });
        let request = OutboundRequest {
            max_body_bytes: 100_000,
            ..OutboundRequest::get(format!("http://{address}/"))
        };
        let error = local().send(request).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::TooLarge { limit: 100_000, .. }),
            "{head}: {error}"
        );
        let sent = flood.await.unwrap();
        // What the kernel's buffers take is sent; far less than all of it.
        assert!(sent < GIGABYTE / 8, "{head}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn an_answer_of_exactly_the_limit_is_had() {
    let server = Server::start(|_| ok("12345")).await;
    let of = |max_body_bytes| OutboundRequest {
        max_body_bytes,
        ..OutboundRequest::get(server.url("/"))
    };
    assert_eq!(local().send(of(5)).await.unwrap().body, b"12345");
    let cut = OutboundRequest {
        cuts_body: true,
        ..of(4)
    };
    assert_eq!(local().send(cut).await.unwrap().body, b"1234");
    assert!(matches!(
        local().send(of(4)).await,
        Err(OutboundError::TooLarge { .. })
    ));
}

#[tokio::test]
async fn a_server_that_is_not_there_speaks_no_http_or_breaks_off_is_told_apart() {
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = local()
        .send(OutboundRequest::get(format!("http://{unused}/")))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable { .. }), "{error}");
    let server = Server::start(|_| "what?\r\n\r\n".into()).await;
    for url in [server.url("/"), server.url("/").replace("http", "https")] {
        let error = local().send(OutboundRequest::get(url)).await.unwrap_err();
        assert!(matches!(error, OutboundError::Unreachable { .. }), "{error}");
    }
    let (address, mut connections) = listener().await;
    tokio::spawn(async move {
        let mut stream = connections.recv().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
            .await
            .unwrap();
    });
    let error = local()
        .send(OutboundRequest::get(format!("http://{address}/")))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Interrupted { .. }), "{error}");
}

#[tokio::test]
async fn requests_to_one_server_share_its_connection() {
    let (address, mut connections) = listener().await;
    let client = local();
    let serving = tokio::spawn(async move {
        let mut stream = connections.recv().await.unwrap();
        for _ in 0..3 {
            read_request(&mut stream).await.unwrap();
            stream.write_all(ok("").as_bytes()).await.unwrap();
        }
        connections
    });
    for _ in 0..3 {
        client
            .send(OutboundRequest::get(format!("http://{address}/")))
            .await
            .unwrap();
    }
    assert!(
        serving.await.unwrap().try_recv().is_err(),
        "there is a second connection"
    );
}

#[tokio::test]
async fn a_request_is_checked_without_being_sent() {
    let told = |url: &str| {
        let checked = OutboundClient::new(AddressPolicy::default())
            .unwrap()
            .check(&OutboundRequest::get(url));
        checked.map_err(|error| error.to_string())
    };
    assert_eq!(told("https://example.org/"), Ok(()));
    assert_eq!(told("https://1.1.1.1/"), Ok(()));
    // A name may come to mean another address: that is seen when it is connected to.
    assert_eq!(told("http://localhost/"), Ok(()));
    for url in [
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/",
    ] {
        let error = told(url).unwrap_err();
        assert!(error.contains("is not allowed"), "{url}: {error}");
    }
    assert!(told("ftp://example.org/").is_err());
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_as_it_comes() {
    let (address, mut connections) = listener().await;
    let client = local();
    let opened = client.open(OutboundRequest::get(format!("http://{address}/events")));
    let served = async {
        let mut stream = connections.recv().await.unwrap();
        read_request(&mut stream).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    };
    let (answer, mut server) = tokio::join!(opened, served);
    let mut answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.next().await.unwrap().unwrap(), "one");
    server.write_all(b"3\r\ntwo\r\n").await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), "two");
    drop(server);
    let lost = answer.next().await.unwrap();
    assert!(
        matches!(&lost, Err(OutboundError::Interrupted { host, .. }) if host == "127.0.0.1"),
        "{lost:?}"
    );
}
