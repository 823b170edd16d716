use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use chrono::{DateTime, TimeDelta, Utc};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use ratchet_interfaces::{
    Caller, DeliveryEvent, DeliveryId, DeliveryStatus, ExecutionEvent, ExecutionId, ExecutionStatus,
    JobEvent, JobId, JobStatus, ScheduleId, TaskErrorKind, TaskId, TickEvent, TickOutcome, TickRecord,
};
use ratchet_outbound::AddressPolicy;

use super::*;

/// A collector on loopback, and what it is sent.
fn collector() -> (OtlpEndpoint, Receiver<ExportTraceServiceRequest>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            loop {
                let mut head = Vec::new();
                let mut line = String::new();
                while reader.read_line(&mut line).unwrap() > 2 {
                    head.push(std::mem::take(&mut line).trim().to_ascii_lowercase());
                }
                let Some(request_line) = head.first() else { break };
                assert!(request_line.starts_with("post /v1/traces "), "{request_line}");
                let length = head
                    .iter()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                reader.read_exact(&mut body).unwrap();
                // First it is told, and then answered: whoever has the answer looks for it.
                if sender
                    .send(ExportTraceServiceRequest::decode(&body[..]).unwrap())
                    .is_err()
                {
                    return;
                }
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
                reader.get_mut().write_all(answer).unwrap();
            }
        }
    });
    (format!("http://{address}").parse().unwrap(), requests)
}

fn started(endpoint: OtlpEndpoint, percent: u64) -> Arc<Traces> {
    let config = TracesConfig {
        endpoint: Some(endpoint),
        percent,
        version: "1.2.3",
    };
    let client = OutboundClient::new(AddressPolicy::allowing(["127.0.0.1"]).unwrap()).unwrap();
    assert!(config.names_a_collector());
    Arc::new(Traces::start(config, client).unwrap())
}

fn now() -> DateTime<Utc> {
    "2026-03-27T12:00:00Z".parse().unwrap()
}

fn after(milliseconds: i64) -> DateTime<Utc> {
    now() + TimeDelta::milliseconds(milliseconds)
}

/// A job of a schedule, from its tick to the delivery of its result.
struct Run {
    job: JobId,
    task: TaskId,
    schedule: ScheduleId,
    execution: ExecutionId,
}

impl Run {
    fn new() -> Self {
        Self {
            job: JobId::new(),
            task: TaskId::new(),
            schedule: ScheduleId::new(),
            execution: ExecutionId::new(),
        }
    }

    fn job(&self, status: JobStatus, at: DateTime<Utc>) -> Event {
        Event::Job(JobEvent {
            task_id: Some(self.task),
            schedule_id: Some(self.schedule),
            scheduled_for: Some(now()),
            queued_at: Some(after(1)),
            ..JobEvent::bare(self.job, status, at)
        })
    }

    fn execution(&self, status: ExecutionStatus, ran: Option<i64>, at: DateTime<Utc>) -> Event {
        Event::Execution(ExecutionEvent {
            execution_id: self.execution,
            job_id: self.job,
            task_id: self.task,
            schedule_id: Some(self.schedule),
            attempt: 1,
            status,
            runnable_since: after(1),
            started_at: after(5),
            duration: ran.map(TimeDelta::milliseconds),
            error_kind: (status == ExecutionStatus::Failed).then_some(TaskErrorKind::Timeout),
            at,
        })
    }

    /// Until the job was claimed.
    fn beginning(&self) -> Vec<Event> {
        let tick = Event::Tick(TickEvent {
            schedule_id: self.schedule,
            record: TickRecord {
                scheduled_for: now(),
                through: now(),
                count: 1,
                outcome: TickOutcome::Fired,
                reason: None,
                job_id: Some(self.job),
                lateness: TimeDelta::milliseconds(1),
                decided_at: after(1),
            },
            after: None,
            at: after(3),
        });
        let job = |status| self.job(status, after(3));
        vec![
            tick,
            job(JobStatus::Queued),
            job(JobStatus::Processing),
            self.execution(ExecutionStatus::Running, None, after(5)),
        ]
    }

    fn end(&self) -> Vec<Event> {
        let delivery = Event::Delivery(DeliveryEvent {
            delivery_id: DeliveryId::new(),
            job_id: self.job,
            execution_id: self.execution,
            schedule_id: Some(self.schedule),
            destination: "webhook",
            attempt: 1,
            status: DeliveryStatus::Pending,
            started_at: after(110),
            duration: TimeDelta::milliseconds(30),
            at: after(141),
        });
        vec![
            self.execution(ExecutionStatus::Failed, Some(90), after(100)),
            self.job(JobStatus::Failed, after(100)),
            delivery,
        ]
    }
}

async fn spans(traces: Arc<Traces>, requests: &Receiver<ExportTraceServiceRequest>) -> Vec<Span> {
    traces.stop().await;
    let mut spans = Vec::new();
    while let Ok(request) = requests.try_recv() {
        for resource in request.resource_spans {
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    spans
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no {name} in {spans:?}"));
    assert!(found.next().is_none(), "two of {name}");
    span
}

#[tokio::test(flavor = "multi_thread")]
async fn from_its_tick_to_its_delivery_a_job_is_one_trace_also_over_two_runs_of_the_server() {
    let (endpoint, requests) = collector();
    let run = Run::new();
    let first = started(endpoint.clone(), 100);
    first.emit(&run.beginning());
    let mut all = spans(first, &requests).await;
    let second = started(endpoint, 100);
    second.emit(&run.end());
    all.extend(spans(second, &requests).await);
    assert_eq!(all.len(), 5, "{all:?}");
    for span in &all {
        assert_eq!(span.trace_id, run.job.as_uuid().as_bytes(), "{}", span.name);
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    let (tick, job) = (named(&all, "tick"), named(&all, "job"));
    let execution = named(&all, "execution");
    assert!(tick.parent_span_id.is_empty());
    assert_eq!(job.parent_span_id, tick.span_id);
    assert_eq!(named(&all, "queue wait").parent_span_id, job.span_id);
    assert_eq!(execution.parent_span_id, job.span_id);
    assert_eq!(named(&all, "delivery").parent_span_id, execution.span_id);
    let milliseconds = |span: &Span| (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000;
    let names = ["tick", "queue wait", "execution", "job", "delivery"];
    assert_eq!(
        names.map(|name| milliseconds(named(&all, name))),
        [3, 4, 90, 99, 30]
    );
    assert_eq!(execution.status.as_ref().unwrap().message, "timeout");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_creates_a_job_finds_its_trace_from_their_own() {
    let (endpoint, requests) = collector();
    let traces = started(endpoint, 0);
    let caller: Caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        .parse()
        .unwrap();
    let job = JobEvent::bare(JobId::new(), JobStatus::Queued, now());
    let unsampled = Caller {
        sampled: false,
        ..caller
    };
    for caller in [caller, unsampled] {
        traces.emit(&[Event::Job(JobEvent {
            caller: Some(caller),
            ..job
        })]);
    }
    let all = spans(traces, &requests).await;
    let [span] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(
        (span.name.as_str(), &span.trace_id[..]),
        ("create job", &caller.trace_id[..])
    );
    assert_eq!(span.parent_span_id, caller.span_id);
    assert_eq!(span.links[0].trace_id, job.job_id.as_uuid().as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_follower_s_job_leads_to_that_of_the_job_that_it_is_after() {
    let (endpoint, requests) = collector();
    let traces = started(endpoint, 100);
    let (leader, follower) = (Run::new(), Run::new());
    let mut events = follower.beginning();
    let Event::Tick(tick) = &mut events[0] else {
        panic!("{events:?}")
    };
    tick.after = Some(leader.job);
    traces.emit(&events);
    let all = spans(traces, &requests).await;
    let tick = named(&all, "tick");
    assert_eq!(tick.trace_id, follower.job.as_uuid().as_bytes());
    assert_eq!(tick.links[0].trace_id, leader.job.as_uuid().as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_that_is_not_among_so_many_percent_is_not_told_at_all() {
    let (endpoint, requests) = collector();
    let traces = started(endpoint, 0);
    let run = Run::new();
    traces.emit(&run.beginning());
    traces.emit(&run.end());
    assert_eq!(spans(traces, &requests).await, []);
}

#[test]
fn a_collector_has_a_plain_address() {
    let endpoint: OtlpEndpoint = "http://127.0.0.1:4318/".parse().unwrap();
    assert_eq!(endpoint.as_str(), "http://127.0.0.1:4318");
    for wrong in [
        "",
        "127.0.0.1:4318",
        "http://",
        "grpc://host",
        "https://me:secret@host",
        "https://host?key=1",
    ] {
        assert!(wrong.parse::<OtlpEndpoint>().is_err(), "{wrong}");
    }
}
