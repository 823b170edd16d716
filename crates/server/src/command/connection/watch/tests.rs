use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
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

/// A server that tells whoever comes first the first of these texts, and so on, and goes on with the last stream. It is
/// stopping when it is asked for a job for the first time.
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
    let stops = Arc::new(AtomicBool::new(true));
    let job = async move || match stops.swap(false, Ordering::SeqCst) {
        true => (StatusCode::SERVICE_UNAVAILABLE, "{}"),
        false => (StatusCode::OK, r#"{"data": {"id": "a"}}"#),
    };
    let router = Router::new()
        .route("/api/v1/events", get(events))
        .route("/api/v1/jobs/a", get(job));
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
    assert_eq!(while_time_passes(&clock, watch.news(None)).await, News::Unknown);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(watch.news(None).await, News::Of("a".to_owned()));
}

async fn while_time_passes<T>(clock: &ManualClock, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::task::yield_now() => clock.advance(TimeDelta::milliseconds(1)),
        }
    }
}

#[tokio::test]
async fn what_a_server_that_stops_does_not_answer_is_read_when_it_is_back() {
    let (connection, asked) = server(&[&[HELLO], &[HELLO]]).await;
    let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
    let refused = connection.get("/jobs/a").await.unwrap_err();
    assert!(matches!(refused, CliError::Away(_)), "{refused}");
    let (connection, again) = server(&[&[HELLO], &[HELLO]]).await;
    let mut watch = connection.watch(Arc::clone(&clock) as _, &["a".to_owned()]).await;
    let read = watch.read(async |connection| connection.get("/jobs/a").await);
    let job = while_time_passes(&clock, read).await.unwrap().data();
    assert_eq!(job["id"], "a");
    assert_eq!(
        (asked.load(Ordering::SeqCst), again.load(Ordering::SeqCst)),
        (0, 2)
    );
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
