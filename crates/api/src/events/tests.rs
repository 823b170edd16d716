mod permits;

use std::sync::Arc;

use axum::Router;
use axum::body::BodyDataStream;
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt};
use ratchet_interfaces::{
    Clock, Deleted, DeletionEvent, Event, EventSink, ExecutionEvent, ExecutionId, ExecutionStatus, JobEvent,
    JobId, JobStatus, ManualClock, ScheduleEvent, ScheduleId, ScheduleTransition, TaskId, TickEvent,
    TickOutcome, TickRecord,
};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use super::hub::EventHub;
use crate::router::router;
use crate::state::{ApiState, Services};
use crate::test_support::{Mocks, ask, now, request};

const PATH: &str = "/api/v1/events";

/// The router, over a hub that keeps so many events.
struct World {
    router: Router,
    hub: Arc<EventHub>,
    clock: Arc<ManualClock>,
}

/// A client that reads frames.
struct Client {
    body: BodyDataStream,
    text: String,
    ended: bool,
}

#[derive(Debug, Default, PartialEq)]
struct Frame {
    event: String,
    id: String,
    data: Value,
}

impl World {
    fn new(capacity: usize) -> Self {
        Self::over(capacity, Mocks::default())
    }

    fn over(capacity: usize, mocks: Mocks) -> Self {
        let clock = Arc::new(ManualClock::at(now()));
        let mut state = ApiState::new(Arc::clone(&clock) as Arc<dyn Clock>);
        state.events = Arc::new(EventHub::with_capacity(capacity));
        state.begin(Services {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            ..mocks.services()
        });
        let hub = state.events();
        Self {
            router: router(state, OpenApiRouter::new(), OpenApiRouter::new()),
            hub,
            clock,
        }
    }

    async fn watch(&self, query: &str, headers: &[(&str, &str)]) -> Client {
        let request = request(Method::GET, &format!("{PATH}{query}"), headers, None);
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Client {
            body: response.into_body().into_data_stream(),
            text: String::new(),
            ended: false,
        }
    }
}

impl Client {
    /// The next frame, of those that are there; an end of the stream is `None` too.
    async fn next(&mut self) -> Option<Frame> {
        while !self.ended {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let frame = parsed(frame);
                self.text = rest.to_owned();
                return Some(frame);
            }
            match self.body.next().now_or_never() {
                Some(Some(bytes)) => self.text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap()),
                Some(None) => self.ended = true,
                None => return None,
            }
        }
        None
    }

    async fn all(&mut self) -> Vec<Frame> {
        let mut all = Vec::new();
        while let Some(frame) = self.next().await {
            all.push(frame);
        }
        all
    }

    /// The names of the events that are there.
    async fn names(&mut self) -> Vec<String> {
        let frames = self.all().await.into_iter();
        frames
            .map(|frame| frame.event)
            .filter(|name| !name.is_empty())
            .collect()
    }
}

fn parsed(text: &str) -> Frame {
    let mut frame = Frame::default();
    for line in text.lines() {
        match line.split_once(':') {
            Some(("event", value)) => frame.event = value.trim().to_owned(),
            Some(("id", value)) => frame.id = value.trim().to_owned(),
            Some(("data", value)) => frame.data = serde_json::from_str(value).unwrap(),
            Some(("" | "retry", _)) => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    frame
}

fn job(status: JobStatus) -> Event {
    Event::Job(JobEvent::bare(JobId::new(), status, now()))
}

fn tick(schedule_id: ScheduleId, outcome: TickOutcome, at: DateTime<Utc>) -> Event {
    Event::Tick(TickEvent {
        schedule_id,
        record: TickRecord {
            scheduled_for: at,
            through: at,
            count: 1,
            outcome,
            reason: None,
            job_id: Some(JobId::new()),
            lateness: TimeDelta::microseconds(250),
            decided_at: at,
        },
        after: None,
        at,
    })
}

#[tokio::test]
async fn what_happens_is_sent_with_its_type_and_an_id_to_go_on_from() {
    let world = World::new(10);
    let mut client = world.watch("", &[]).await;
    let hello = client.next().await.unwrap();
    assert_eq!(hello.event, "");
    assert!(hello.id.ends_with("-0"), "{hello:?}");
    let schedule = ScheduleId::new();
    world
        .hub
        .emit(&[tick(schedule, TickOutcome::Fired, now()), job(JobStatus::Queued)]);
    let frames = client.all().await;
    assert_eq!(frames.len(), 2);
    assert!(
        frames[0].id.ends_with("-1") && frames[1].id.ends_with("-2"),
        "{frames:?}"
    );
    assert_eq!(
        (&*frames[0].event, &frames[0].data["type"]),
        ("tick", &json!("tick"))
    );
    assert_eq!(frames[0].data["scheduleId"], json!(schedule.to_string()));
    assert_eq!(frames[0].data["outcome"], "FIRED");
    assert_eq!(frames[0].data["latenessSeconds"], json!(0.000_25));
    assert_eq!(frames[1].data["status"], "QUEUED");
    assert_eq!(world.hub.clients(), 1);
    drop(client);
    assert_eq!(world.hub.clients(), 0);
}

#[tokio::test]
async fn a_client_that_comes_back_sees_each_event_once() {
    let world = World::new(10);
    let mut client = world.watch("", &[]).await;
    world
        .hub
        .emit(&[job(JobStatus::Queued), job(JobStatus::Processing)]);
    client.next().await.unwrap();
    let seen = client.next().await.unwrap().id;
    drop(client);
    world.hub.emit(&[job(JobStatus::Completed)]);
    for (query, headers) in [
        (String::new(), vec![("last-event-id", &*seen)]),
        (format!("?lastEventId={seen}"), vec![("last-event-id", "unread")]),
    ] {
        let mut client = world.watch(&query, &headers).await;
        let statuses: Vec<_> = client
            .all()
            .await
            .into_iter()
            .map(|frame| frame.data["status"].clone())
            .collect();
        assert_eq!(statuses, [Value::Null, json!("PROCESSING"), json!("COMPLETED")]);
    }
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_told_of_before_what_is() {
    let world = World::new(3);
    let mut client = world.watch("", &[]).await;
    let start = client.next().await.unwrap().id;
    let five: Vec<_> = (0..5).map(|_| job(JobStatus::Queued)).collect();
    world.hub.emit(&five);
    // One that watches all the time, but reads too slowly.
    let frames = client.all().await;
    assert_eq!((&*frames[0].event, frames.len()), ("gap", 4));
    assert_eq!(
        frames[0].data,
        json!({"type": "gap", "reason": "FELL_BEHIND", "missed": 2})
    );
    assert!(
        frames[0].id.ends_with("-2") && frames[1].id.ends_with("-3"),
        "{frames:?}"
    );
    // One that comes back too late.
    let mut late = world.watch("", &[("last-event-id", &start)]).await;
    let frames = late.all().await;
    assert_eq!(
        frames[1].data,
        json!({"type": "gap", "reason": "TOO_OLD", "missed": 2})
    );
    assert_eq!(frames.len(), 5);
    // One that comes from the gap goes on where that ended.
    let mut back = world.watch("", &[("last-event-id", &frames[1].id)]).await;
    assert_eq!(back.names().await, ["job", "job", "job"]);
}

#[tokio::test]
async fn a_client_of_an_earlier_run_is_told_so_and_gets_what_this_one_has() {
    let world = World::new(10);
    drop(world.watch("", &[]).await);
    world.hub.emit(&[job(JobStatus::Queued)]);
    let other = "0193a3c45d6e7f809a1b2c3d4e5f6071-7";
    let mut client = world.watch("", &[("last-event-id", other)]).await;
    let frames = client.all().await;
    assert_eq!(
        frames[0].data,
        json!({"type": "gap", "reason": "RESTARTED", "missed": null})
    );
    assert_eq!(frames[1].event, "job");
    // A number that this run has not reached is none of its own.
    let ahead = frames[1].id.replace("-1", "-100");
    let mut client = world.watch("", &[("last-event-id", &ahead)]).await;
    assert_eq!(client.names().await, ["gap", "job"]);
}

#[tokio::test]
async fn filters_leave_what_they_say() {
    let world = World::new(100);
    let (schedule, task) = (ScheduleId::new(), TaskId::new());
    let of_task = JobEvent {
        task_id: Some(task),
        schedule_id: Some(schedule),
        ..JobEvent::bare(JobId::new(), JobStatus::Failed, now())
    };
    let execution = ExecutionEvent {
        execution_id: ExecutionId::new(),
        job_id: of_task.job_id,
        task_id: task,
        schedule_id: Some(schedule),
        attempt: 1,
        status: ExecutionStatus::Failed,
        runnable_since: now(),
        started_at: now(),
        duration: None,
        error_kind: None,
        at: now(),
    };
    let events = [
        tick(schedule, TickOutcome::Fired, now()),
        tick(ScheduleId::new(), TickOutcome::SkippedOverlap, now()),
        Event::Job(of_task),
        job(JobStatus::Completed),
        Event::Execution(execution),
        Event::Schedule(ScheduleEvent::bare(schedule, ScheduleTransition::Paused, now())),
        Event::Deletion(DeletionEvent {
            job_id: Some(of_task.job_id),
            task_id: Some(task),
            schedule_id: Some(schedule),
            ..DeletionEvent::of(Deleted::Job, 1, now())
        }),
        Event::Deletion(DeletionEvent::of(Deleted::OldJobs, 400, now())),
    ];
    let mut clients = Vec::new();
    for (query, expected) in [
        (
            "?types=tick,schedule".to_owned(),
            vec!["tick", "tick", "schedule"],
        ),
        (
            format!("?scheduleId={schedule}"),
            vec!["tick", "job", "execution", "schedule", "deletion"],
        ),
        (format!("?task_id={task}"), vec!["job", "execution", "deletion"]),
        (
            format!("?jobId={}&status=DELETED", of_task.job_id),
            vec!["deletion"],
        ),
        ("?types=deletion".to_owned(), vec!["deletion", "deletion"]),
        (format!("?jobId={}&types=job", of_task.job_id), vec!["job"]),
        (
            "?status=failed,PAUSED".to_owned(),
            vec!["job", "execution", "schedule"],
        ),
        ("?status=SKIPPED_OVERLAP".to_owned(), vec!["tick"]),
    ] {
        clients.push((world.watch(&query, &[]).await, query, expected));
    }
    world.hub.emit(&events);
    for (mut client, query, expected) in clients {
        assert_eq!(client.names().await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    for (query, told) in [
        ("?types=colours", "types"),
        ("?status=DONE", "status"),
        ("?scheduleId=7", "scheduleId"),
        ("?lastEventId=7", "lastEventId"),
        ("?kinds=tick", "kinds"),
    ] {
        let answer = Mocks::default().get(&format!("{PATH}{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(
            answer.body["error"]["message"].as_str().unwrap().contains(told),
            "{answer:?}"
        );
    }
    let answer = ask(
        Mocks::default().router(),
        request(Method::GET, PATH, &[("last-event-id", "7")], None),
    );
    assert!(
        answer
            .await
            .error(400, "VALIDATION_ERROR")
            .contains("Last-Event-ID")
    );
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_and_outlives_the_time_that_a_request_has() {
    let world = World::new(10);
    let mut client = world.watch("?types=schedule", &[]).await;
    assert_eq!(client.all().await.len(), 1);
    world.hub.emit(&[job(JobStatus::Queued)]);
    for _ in 0..4 {
        assert_eq!(client.all().await, []);
        world.clock.advance(TimeDelta::seconds(15));
        let alive = client.next().await.unwrap();
        assert_eq!(alive.event, "");
        assert!(
            alive.id.ends_with("-1"),
            "it moves on although nothing was sent: {alive:?}"
        );
    }
    let change = ScheduleEvent::bare(ScheduleId::new(), ScheduleTransition::Created, now());
    world.hub.emit(&[Event::Schedule(change)]);
    assert_eq!(client.names().await, ["schedule"]);
}

#[tokio::test]
async fn a_stream_ends_with_the_server_after_it_has_told_what_there_is() {
    let world = World::new(10);
    let mut client = world.watch("", &[]).await;
    world.hub.emit(&[job(JobStatus::Completed)]);
    world.hub.end();
    assert_eq!(client.names().await, ["job"]);
    assert!(client.ended);
}

#[tokio::test]
async fn nothing_is_kept_before_somebody_has_watched() {
    let hub = EventHub::default();
    assert!(!hub.listens());
    hub.emit(&[job(JobStatus::Queued)]);
    let client = Arc::new(hub).enter();
    assert_eq!((client.oldest(), client.next()), (1, 1));
}
