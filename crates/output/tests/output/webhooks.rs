//! Webhooks, and receivers that have a bad day.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratchet_interfaces::{DeliveryError, OutputDelivery, OutputDestination};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use crate::receiver::{Receiver, status};
use crate::world::{deliver, delivery, destination, guarded, manager, parts};

const GIGABYTE: usize = 1 << 30;

/// A webhook with further options.
fn webhook(url: String, options: Value) -> OutputDestination {
    let mut webhook = options;
    webhook["url"] = json!(url);
    destination(json!({"destinationType": "webhook", "webhook": webhook}))
}

fn secret() -> String {
    format!("whsec_{}", STANDARD.encode([7; 32]))
}

#[tokio::test]
async fn a_result_arrives_as_its_envelope_and_its_signature_is_verified() {
    let receiver = Receiver::answering(|_| status("204 No Content", "")).await;
    let output = manager(parts("unused"));
    let hook = webhook(
        receiver.url("/hook?a=b"),
        json!({"signingSecret": secret(), "headers": {"X-Team": "blue"}}),
    );
    let delivery = delivery(hook, json!({"sum": [1, "ü"]}));
    let receipt = output.deliver(&delivery).await.unwrap();
    assert_eq!(receipt.detail.as_deref(), Some("HTTP 204"));
    // The answer was lost: the same message comes once more.
    output.deliver(&delivery).await.unwrap();

    let received = receiver.received();
    assert_eq!(received.len(), 2);
    for request in &received {
        assert_eq!(request.line, "POST /hook?a=b");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["x-team"], "blue");
        assert_eq!(request.headers["webhook-id"], delivery.id.to_string());
        Webhook::new(&secret())
            .unwrap()
            .verify(&request.body, &request.headers)
            .unwrap();
        let told: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(told, serde_json::to_value(&delivery.payload).unwrap());
        assert_eq!(told["output"], json!({"sum": [1, "ü"]}));
        assert_eq!(told["endedAt"], "2026-11-24T00:00:00Z");
        assert_eq!(told["status"], "COMPLETED");
    }
    let other = Webhook::new(&STANDARD.encode([8; 32])).unwrap();
    assert!(other.verify(&received[0].body, &received[0].headers).is_err());
    let mut forged = received[0].body.clone();
    forged.push(b' ');
    let own = Webhook::new(&secret()).unwrap();
    assert!(own.verify(&forged, &received[0].headers).is_err());
}

#[tokio::test]
async fn a_template_and_a_method_of_its_own_take_the_envelope_s_place() {
    let receiver = Receiver::answering(|_| status("200 OK", "")).await;
    let output = manager(parts("unused"));
    let mut hook = webhook(
        receiver.url("/"),
        json!({"method": "PUT", "contentType": "text/plain", "signingSecret": secret()}),
    );
    hook.template = Some("{{ task }} says {{ output | tojson }}".to_owned());
    deliver(&output, &hook, json!({"a": "\""})).await.unwrap();
    let get = webhook(
        receiver.url("/ping"),
        json!({"method": "GET", "signingSecret": secret()}),
    );
    deliver(&output, &get, json!(1)).await.unwrap();
    let received = receiver.received();
    assert_eq!(received[0].line, "PUT /");
    assert_eq!(received[0].headers["content-type"], "text/plain");
    assert_eq!(received[0].body, br#"report says {"a":"\""}"#);
    assert_eq!(
        (received[1].line.as_str(), received[1].body.len()),
        ("GET /ping", 0)
    );
    for request in received {
        let verifier = Webhook::new(&secret()).unwrap();
        verifier.verify(&request.body, &request.headers).unwrap();
    }
}

#[tokio::test]
async fn a_request_proves_who_sends_it_in_each_of_the_ways() {
    let receiver = Receiver::answering(|_| status("200 OK", "")).await;
    let output = manager(parts("unused"));
    for (authentication, header, value) in [
        (
            json!({"authType": "bearer", "bearer": {"token": "t0ken"}}),
            "authorization",
            "Bearer t0ken",
        ),
        (
            json!({"authType": "basic", "basic": {"username": "me", "password": "pa:ss"}}),
            "authorization",
            "Basic bWU6cGE6c3M=",
        ),
        (
            json!({"authType": "api_key", "apiKey": {"key": "k3y", "headerName": "X-Key"}}),
            "x-key",
            "k3y",
        ),
    ] {
        let hook = webhook(receiver.url("/"), json!({"authentication": authentication}));
        deliver(&output, &hook, json!(1)).await.unwrap();
        let last = receiver.received().pop().unwrap();
        assert_eq!(last.headers[header], value);
        assert!(!last.headers.contains_key("webhook-signature"));
    }
}

#[tokio::test]
async fn a_receiver_that_fails_and_then_works_gets_the_result() {
    let receiver = Receiver::answering(|number| match number {
        1 => status("500 Internal Server Error", ""),
        2 => status("503 Service Unavailable", "retry-after: 7\r\n"),
        _ => status("200 OK", ""),
    })
    .await;
    let output = manager(parts("unused"));
    let delivery = delivery(webhook(receiver.url("/"), json!({})), json!(1));
    let error = output.deliver(&delivery).await.unwrap_err();
    assert!(error.is_retryable() && error.retry_after().is_none(), "{error}");
    let error = output.deliver(&delivery).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    output.deliver(&delivery).await.unwrap();
    let ids: Vec<_> = receiver
        .received()
        .iter()
        .map(|request| request.headers["webhook-id"].clone())
        .collect();
    assert_eq!(ids, vec![delivery.id.to_string(); 3]);
}

#[tokio::test]
async fn a_receiver_that_never_answers_or_answers_slowly_is_given_up_in_time() {
    let never = Receiver::start(|_, stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let slowly = Receiver::start(|_, mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        // It goes on without end: a byte, and then nothing.
        stream.write_all(b"x").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let output = manager(parts("unused"));
    for receiver in [never, slowly] {
        let began = Instant::now();
        let hook = webhook(receiver.url("/"), json!({"timeoutSeconds": 1}));
        let error = deliver(&output, &hook, json!(1)).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(error.to_string(), "127.0.0.1: no complete answer within 1 s");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}

#[tokio::test]
async fn a_receiver_that_closes_or_is_not_there_may_be_back_later() {
    let closing = Receiver::start(|_, stream| async move { drop(stream) }).await;
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/", unused.local_addr().unwrap());
    drop(unused);
    let output = manager(parts("unused"));
    for url in [closing.url("/"), gone] {
        let error = deliver(&output, &webhook(url, json!({})), json!(1))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, DeliveryError::Refused { retryable: true, .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn of_a_gigabyte_of_answer_only_the_beginning_is_read() {
    for (line, arrives) in [("200 OK", true), ("500 Internal Server Error", false)] {
        let (sent, has_sent) = tokio::sync::mpsc::unbounded_channel();
        let receiver = Receiver::start(move |_, mut stream| {
            let sent = sent.clone();
            async move {
                let head = format!("HTTP/1.1 {line}\r\ncontent-length: {GIGABYTE}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let chunk = vec![b'x'; 1 << 16];
                let mut count = 0;
                while count < GIGABYTE && stream.write_all(&chunk).await.is_ok() {
                    count += chunk.len();
                }
                sent.send(count).unwrap();
            }
        })
        .await;
        let mut has_sent = has_sent;
        let output = manager(parts("unused"));
        let answer = deliver(&output, &webhook(receiver.url("/"), json!({})), json!(1)).await;
        let told = format!("HTTP {}: {}", &line[..3], "x".repeat(200));
        match answer {
            Ok(receipt) if arrives => assert_eq!(receipt.detail, Some(told)),
            Err(error) if !arrives => {
                assert!(error.is_retryable());
                assert_eq!(error.to_string(), told);
            }
            other => panic!("{other:?}"),
        }
        // What the kernel's buffers take is sent; far less than all of it.
        let count = has_sent.recv().await.unwrap();
        assert!(count < GIGABYTE / 8, "{count} bytes were taken");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_into_the_private_network_or_anywhere() {
    static REACHED: Notify = Notify::const_new();
    let inner = Receiver::start(|_, stream| async move {
        REACHED.notify_one();
        drop(stream);
    })
    .await;
    let target = inner.url("/admin");
    for code in [301, 302, 303, 307, 308] {
        let location = format!("location: {target}\r\n");
        let receiver = Receiver::answering(move |_| status(&format!("{code} Moved"), &location)).await;
        let output = manager(parts("unused"));
        let hook = webhook(receiver.url("/"), json!({"signingSecret": secret()}));
        let error = deliver(&output, &hook, json!(1)).await.unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!("HTTP {code}: no redirect is followed; webhook.url must be where it leads to")
        );
    }
    assert!(inner.received().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_never_connected_to() {
    let receiver = Receiver::answering(|_| status("200 OK", "")).await;
    let output = manager(guarded("unused"));
    let port = receiver.address.port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let hook = webhook(format!("http://{host}:{port}/"), json!({}));
        let error = deliver(&output, &hook, json!(1)).await.unwrap_err();
        assert!(!error.is_retryable(), "{host}: {error}");
        assert!(error.to_string().contains("is not allowed"), "{host}: {error}");
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_result_that_is_too_large_for_a_message_is_refused_with_a_hint() {
    let receiver = Receiver::answering(|_| status("200 OK", "")).await;
    let output = manager(parts("unused"));
    let hook = webhook(receiver.url("/"), json!({}));
    let large = Value::String("x".repeat(100 << 20));
    let error = deliver(&output, &hook, large).await.unwrap_err();
    assert!(!error.is_retryable());
    let told = error.to_string();
    assert!(
        told.contains("allowed are 16777216") && told.contains("to a file"),
        "{told}"
    );
    assert!(receiver.received().is_empty());
}
