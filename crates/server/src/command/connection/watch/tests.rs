use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Sse as Stream};
use axum::routing::get;
use chrono::{DateTime, TimeDelta};
use ratchet_interfaces::ManualClock;
use tokio::net::TcpListener;

use super::*;

const HELLO: &str = "hello";

fn event(data: &str) -> Sse {
    Sse::default().data(data)
}

#[test]
fn only_an_event_of_a_watched_job_is_news_and_a_gap_is_of_all() {
    let jobs = ["a".to_owned(), "b".to_owned()];
    let of_b = event(r#"{"type": "job", "jobId": "b", "status": "COMPLETED"}"#);
    assert_eq!(read(&of_b, &jobs), Some(News::Of("b".to_owned())));
    let gap = event(r#"{"type": "gap", "reason": "FELL_BEHIND", "missed": 3}"#);
    assert_eq!(read(&gap, &jobs), Some(News::Unknown));
    for other in [
        event(r#"{"type": "job", "jobId": "c"}"#),
        event(r#"{"type": "job", "jobId": null}"#),
        event("{"),
        Sse::default().id("1"),
    ] {
        assert_eq!(read(&other, &jobs), None, "{other:?}");
    }
}

/// A server that tells whoever comes first the first of these texts, and so on, and goes on with the last stream.
async fn server(streams: &'static [&'static [&'static str]]) -> (Connection, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let events = async move || {
        let place = count.fetch_add(1, Ordering::SeqCst);
        let told = streams[place].iter().map(|data| {
            let frame = match *data {
                HELLO => Event::default().comment(HELLO),
                data => Event::default().data(data),
            };
            Ok::<_, Infallible>(frame)
        });
        let told = futures_util::stream::iter(told);
        let is_last = place + 1 == streams.len();
        let rest = futures_util::stream::pending().take(if is_last { 1 } else { 0 });
        Stream::new(told.chain(rest)).into_response()
    };
    let router = Router::new().route("/api/v1/events", get(events));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    (Connection::to_server(&url), asked)
}

#[tokio::test]
async fn what_a_server_tells_is_news_without_a_pause() {
    let (connection, _) = server(&[&[HELLO, r#"{"jobId": "b"}"#, r#"{"jobId": "a"}"#]]).await;
    // It stands still.
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let mut watch = connection.watch(clock, &["a".to_owned()]).await;
    assert_eq!(watch.news(None).await, News::Of("a".to_owned()));
}

#[tokio::test]
async fn a_stream_that_is_lost_is_begun_anew_and_everything_is_to_be_read_again() {
    let (connection, asked) = server(&[&[HELLO], &[r#"{"jobId": "a"}"#]]).await;
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let jobs = ["a".to_owned()];
    let mut watch = connection.watch(Arc::clone(&clock) as _, &jobs).await;
    {
        let lost = watch.news(None);
        tokio::pin!(lost);
        let told = loop {
            tokio::select! {
                biased;
                told = &mut lost => break told,
                () = tokio::task::yield_now() => clock.advance(TimeDelta::milliseconds(1)),
            }
        };
        assert_eq!(told, News::Unknown);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(watch.news(None).await, News::Of("a".to_owned()));
}

#[tokio::test]
async fn a_stream_without_a_sign_of_life_is_given_up() {
    let (connection, _) = server(&[&[]]).await;
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let mut watch = connection.watch(Arc::clone(&clock) as _, &["a".to_owned()]).await;
    assert!(watch.events.is_some());
    let silent = watch.news(None);
    let (told, ()) = tokio::join!(silent, async { clock.advance(TimeDelta::seconds(20)) });
    assert_eq!(told, News::Unknown);
    assert!(watch.events.is_none());
}
