use std::collections::BTreeSet;
use std::path::Path;

use ratchet_interfaces::{
    DeliveryEvent, DeliveryId, Event, EventSink, ExecutionEvent, ExecutionId, ExecutionStatus, JobEvent,
    JobId, ManualClock, MockDeliveryRepository, MockJobRepository, MockRepositoryFactory, MockRuntimeStatus,
    MockSchedulerService, MockTaskRepository, Page, ScheduleEvent, ScheduleId, ScheduleTransition,
    TaskErrorKind, TaskId, TickEvent, TickOutcome, TickRecord,
};
use serde_json::Value;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-27T12:00:00Z".parse().unwrap()
}

fn tick(outcome: TickOutcome, count: u64) -> Event {
    Event::Tick(TickEvent {
        schedule_id: ScheduleId::new(),
        record: TickRecord {
            scheduled_for: now(),
            through: now(),
            count,
            outcome,
            reason: None,
            job_id: None,
            lateness: TimeDelta::microseconds(400),
            decided_at: now(),
        },
        after: None,
        at: now() + TimeDelta::microseconds(1_100),
    })
}

fn execution(status: ExecutionStatus, error_kind: Option<TaskErrorKind>) -> Event {
    let ended = status != ExecutionStatus::Running;
    Event::Execution(ExecutionEvent {
        execution_id: ExecutionId::new(),
        job_id: JobId::new(),
        task_id: TaskId::new(),
        schedule_id: None,
        attempt: 1,
        status,
        runnable_since: now(),
        started_at: now() + TimeDelta::milliseconds(20),
        duration: ended.then(|| TimeDelta::milliseconds(700)),
        error_kind,
        at: now(),
    })
}

fn delivery(status: DeliveryStatus) -> Event {
    Event::Delivery(DeliveryEvent {
        delivery_id: DeliveryId::new(),
        job_id: JobId::new(),
        execution_id: ExecutionId::new(),
        schedule_id: None,
        destination: "webhook",
        attempt: 1,
        status,
        started_at: now(),
        duration: TimeDelta::milliseconds(30),
        at: now(),
    })
}

fn source(depths: fn() -> Result<QueueDepths, RepositoryError>) -> MetricsSource {
    let mut repositories = MockRepositoryFactory::new();
    repositories.expect_jobs().returning(move || {
        let mut jobs = MockJobRepository::new();
        jobs.expect_job_queue_depths().returning(move |_| depths());
        Arc::new(jobs)
    });
    repositories.expect_deliveries().returning(|| {
        let mut deliveries = MockDeliveryRepository::new();
        deliveries.expect_delivery_list().returning(|_, _, _| {
            Ok(Page {
                items: Vec::new(),
                total: 4,
            })
        });
        Arc::new(deliveries)
    });
    repositories.expect_tasks().returning(|| {
        let mut tasks = MockTaskRepository::new();
        tasks.expect_task_find().returning(|_| Ok(None));
        Arc::new(tasks)
    });
    repositories.expect_statements_executed().return_const(99_u64);
    let mut scheduler = MockSchedulerService::new();
    scheduler.expect_health().returning(|| {
        Ok(SchedulerHealth {
            running: true,
            schedules: 12,
            next_tick: None,
            in_flight: 1,
            stalled: None,
            invalid_schedules: 2,
            invalid_examples: Vec::new(),
        })
    });
    let mut status = MockRuntimeStatus::new();
    status.expect_active_jobs().return_const(5_usize);
    MetricsSource {
        repositories: Arc::new(repositories),
        scheduler: Arc::new(scheduler),
        status: Arc::new(status),
        event_clients: Arc::new(|| 3),
    }
}

fn depths() -> Result<QueueDepths, RepositoryError> {
    Ok(QueueDepths {
        queued: 10,
        retrying: 2,
        processing: 5,
        buffered: 1,
        blocked: 7,
        due: 6,
        oldest_due: Some(now() - TimeDelta::seconds(90)),
    })
}

/// Metrics of a server in which each of them has a value.
async fn exercised() -> Exposition {
    let metrics = Metrics::new(Arc::new(ManualClock::at(now())), "1.2.3");
    metrics.begin(source(depths));
    metrics.emit(&[
        tick(TickOutcome::Fired, 1),
        tick(TickOutcome::Fired, 1),
        tick(TickOutcome::SkippedMisfire, 500),
        Event::Job(JobEvent::bare(JobId::new(), JobStatus::Completed, now())),
        Event::Job(JobEvent::bare(JobId::new(), JobStatus::Processing, now())),
        execution(ExecutionStatus::Running, None),
        execution(ExecutionStatus::Completed, None),
        execution(ExecutionStatus::Failed, Some(TaskErrorKind::Timeout)),
        delivery(DeliveryStatus::Pending),
        delivery(DeliveryStatus::Delivered),
        Event::Schedule(ScheduleEvent::bare(
            ScheduleId::new(),
            ScheduleTransition::Paused,
            now(),
        )),
    ]);
    metrics.handler_started(ScheduleId::new(), now(), now() - TimeDelta::microseconds(260));
    metrics.timer_woke(TimeDelta::microseconds(120));
    metrics.http_answered("GET", "/api/v1/jobs/{id}", 404, Duration::from_millis(3));
    metrics.read().await.unwrap()
}

#[tokio::test]
async fn after_these_events_the_exposition_says_that() {
    let exposition = exercised().await;
    for (name, labels, value) in [
        ("ratchet_ticks_total", &[("outcome", "fired")][..], 2.0),
        ("ratchet_ticks_total", &[("outcome", "skipped_misfire")], 500.0),
        ("ratchet_tick_lateness_seconds_count", &[], 2.0),
        // 0.4 ms until it was decided, and 1.1 ms until it was on disk.
        ("ratchet_tick_lateness_seconds_bucket", &[("le", "0.001")], 0.0),
        ("ratchet_tick_lateness_seconds_bucket", &[("le", "0.002")], 2.0),
        (
            "ratchet_tick_handler_lateness_seconds_bucket",
            &[("le", "0.00025")],
            0.0,
        ),
        (
            "ratchet_tick_handler_lateness_seconds_bucket",
            &[("le", "0.0005")],
            1.0,
        ),
        (
            "ratchet_jobs_ended_total",
            &[("task", "other"), ("status", "completed")],
            1.0,
        ),
        ("ratchet_job_wait_seconds_sum", &[], 0.02),
        ("ratchet_executions_total", &[("status", "completed")], 1.0),
        ("ratchet_executions_total", &[("status", "failed")], 1.0),
        ("ratchet_execution_failures_total", &[("kind", "timeout")], 1.0),
        ("ratchet_execution_duration_seconds_sum", &[], 1.4),
        (
            "ratchet_delivery_attempts_total",
            &[("destination", "webhook"), ("result", "retried")],
            1.0,
        ),
        (
            "ratchet_delivery_attempts_total",
            &[("destination", "webhook"), ("result", "delivered")],
            1.0,
        ),
        ("ratchet_schedule_changes_total", &[("change", "paused")], 1.0),
        ("ratchet_jobs", &[("status", "queued")], 10.0),
        ("ratchet_jobs", &[("status", "buffered")], 1.0),
        ("ratchet_jobs", &[("status", "blocked")], 7.0),
        ("ratchet_jobs_due", &[], 6.0),
        ("ratchet_jobs_oldest_due_age_seconds", &[], 90.0),
        ("ratchet_deliveries_pending", &[], 4.0),
        ("ratchet_executions_running", &[], 5.0),
        ("ratchet_database_statements_total", &[], 99.0),
        ("ratchet_schedules_armed", &[], 12.0),
        ("ratchet_schedules_invalid", &[], 2.0),
        ("ratchet_event_clients", &[], 3.0),
        ("ratchet_build_info", &[("version", "1.2.3")], 1.0),
        ("ratchet_scrape_failures_total", &[], 0.0),
        (
            "ratchet_http_requests_total",
            &[
                ("method", "GET"),
                ("route", "/api/v1/jobs/{id}"),
                ("status", "404"),
            ],
            1.0,
        ),
    ] {
        let told = exposition
            .value(name, labels)
            .unwrap_or_else(|| panic!("{name} {labels:?}"));
        assert!((told - value).abs() < 1e-9, "{name} {labels:?}: {told}");
    }
}

#[tokio::test]
async fn what_can_be_named_beforehand_is_counted_from_zero() {
    let metrics = Metrics::new(Arc::new(ManualClock::at(now())), "1.2.3");
    let exposition = metrics.read().await.unwrap();
    for (name, labels) in [
        ("ratchet_ticks_total", &[("outcome", "failed_to_create")][..]),
        ("ratchet_schedule_changes_total", &[("change", "completed")]),
        ("ratchet_executions_total", &[("status", "failed")]),
        ("ratchet_execution_failures_total", &[("kind", "timeout")]),
        (
            "ratchet_delivery_attempts_total",
            &[("destination", "webhook"), ("result", "failed")],
        ),
    ] {
        assert_eq!(exposition.value(name, labels), Some(0.0), "{name} {labels:?}");
    }
    let running = [("status", "running")];
    assert_eq!(exposition.value("ratchet_executions_total", &running), None);
}

#[tokio::test]
async fn an_attempt_whose_process_is_gone_has_failed_and_no_length() {
    let metrics = Metrics::new(Arc::new(ManualClock::at(now())), "1.2.3");
    metrics.emit(&[
        execution(ExecutionStatus::Failed, None),
        execution(ExecutionStatus::Failed, Some(TaskErrorKind::Task)),
        execution(ExecutionStatus::Cancelled, None),
    ]);
    let exposition = metrics.read().await.unwrap();
    let value = |name: &str, labels: &[(&str, &str)]| exposition.value(name, labels).unwrap();
    assert_eq!(value("ratchet_executions_total", &[("status", "failed")]), 2.0);
    for kind in ["unknown", "task"] {
        assert_eq!(value("ratchet_execution_failures_total", &[("kind", kind)]), 1.0);
    }
    assert_eq!(value("ratchet_execution_duration_seconds_count", &[]), 2.0);
}

#[tokio::test]
async fn the_catalog_has_each_metric_that_is_told_and_no_other() {
    let exposition = exercised().await;
    let mut told = BTreeSet::new();
    for family in &exposition.families {
        let description = described(&family.name);
        assert_eq!(family.kind, description.kind, "{}", family.name);
        assert_eq!(family.help, format!("{}.", description.help));
        for sample in &family.samples {
            let labels: BTreeSet<_> = sample
                .labels
                .keys()
                .map(String::as_str)
                .filter(|name| *name != "le")
                .collect();
            assert_eq!(
                labels,
                description.labels.iter().copied().collect(),
                "{}",
                family.name
            );
        }
        told.insert(family.name.as_str());
    }
    let process = |name: &str| !cfg!(target_os = "linux") && name.starts_with("process_");
    let catalog = CATALOG
        .iter()
        .map(|description| description.name)
        .filter(|name| !process(name));
    assert_eq!(told, catalog.collect());
}

#[tokio::test]
async fn what_cannot_be_read_is_left_out_and_counted_and_so_is_all_of_a_server_that_stops() {
    let metrics = Metrics::new(Arc::new(ManualClock::at(now())), "1.2.3");
    metrics.begin(source(|| {
        Err(RepositoryError::Unavailable {
            during: "counting",
            source: "gone".into(),
        })
    }));
    let exposition = metrics.read().await.unwrap();
    assert!(exposition.family("ratchet_jobs").is_none());
    assert_eq!(exposition.value("ratchet_deliveries_pending", &[]), Some(4.0));
    assert_eq!(exposition.value("ratchet_scrape_failures_total", &[]), Some(1.0));
    metrics.end();
    let exposition = metrics.read().await.unwrap();
    assert!(exposition.family("ratchet_deliveries_pending").is_none());
    assert!(exposition.family("ratchet_build_info").is_some());
}

fn document(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

#[test]
fn the_table_of_the_documentation_is_the_catalog() {
    let told: Vec<String> = document("docs/observability.md")
        .lines()
        .filter(|line| line.starts_with("| `ratchet_") || line.starts_with("| `process_"))
        .map(str::to_owned)
        .collect();
    let expected: Vec<String> = CATALOG
        .iter()
        .map(|description| {
            let Description {
                name,
                kind,
                labels,
                help,
            } = description;
            let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{name}` | {} | {} | {help} |", kind.as_str(), labels.join(" "))
        })
        .collect();
    assert_eq!(told, expected, "the table should be:\n{}", expected.join("\n"));
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value
                    .as_str()
                    .filter(|_| matches!(key.as_str(), "expr" | "query" | "definition"))
                {
                    Some(expression) => found.push(expression.to_owned()),
                    None => expressions(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_and_labels_that_exist() {
    let dashboard: Value = serde_json::from_str(&document("docs/grafana/ratchet.json")).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    let mut metrics = 0;
    for expression in &found {
        let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for name in words.filter(|word| word.starts_with("ratchet_") || word.starts_with("process_")) {
            let known = CATALOG.iter().any(|description| match description.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|suffix| name.strip_suffix(suffix) == Some(description.name)),
                Kind::Counter | Kind::Gauge => name == description.name,
            });
            assert!(known, "{name} in {expression}");
            metrics += 1;
        }
    }
    assert!(metrics >= 15, "{metrics} metrics are shown");
}
