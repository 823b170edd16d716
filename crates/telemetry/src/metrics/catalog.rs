use crate::exposition::Kind;

/// A metric, as `docs/observability.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: &'static str,
    /// What kind of metric it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means; a full stop follows.
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description {
        name,
        kind: Kind::Gauge,
        labels,
        help,
    }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Description {
    Description {
        name,
        kind: Kind::Histogram,
        labels,
        help,
    }
}

/// Every metric that there is.
pub const CATALOG: &[Description] = &[
    histogram(
        "ratchet_tick_lateness_seconds",
        &[],
        "How long after it was due a tick that became a job was on disk with its job",
    ),
    histogram(
        "ratchet_tick_handler_lateness_seconds",
        &[],
        "How long after it was due a tick reached its handler, before anything was decided",
    ),
    counter(
        "ratchet_ticks_total",
        &["outcome"],
        "Ticks, by what became of them",
    ),
    counter(
        "ratchet_schedule_changes_total",
        &["change"],
        "Changes of schedules",
    ),
    gauge("ratchet_scheduler_running", &[], "Whether schedules fire: 1 or 0"),
    gauge("ratchet_schedules_armed", &[], "Schedules that have a next tick"),
    gauge(
        "ratchet_schedules_invalid",
        &[],
        "Schedules that were disabled because they cannot be read",
    ),
    gauge(
        "ratchet_ticks_in_flight",
        &[],
        "Ticks that are due and not on disk yet",
    ),
    gauge("ratchet_jobs", &["status"], "Jobs that have not ended"),
    gauge(
        "ratchet_jobs_due",
        &[],
        "Waiting jobs that are due, also those that a limit stands before",
    ),
    gauge(
        "ratchet_jobs_oldest_due_age_seconds",
        &[],
        "For how long the waiting job has been due that has been for longest; 0 if none is",
    ),
    counter(
        "ratchet_jobs_ended_total",
        &["task", "status"],
        "Jobs that have ended; all tasks but the first hundred together are \"other\"",
    ),
    histogram(
        "ratchet_job_wait_seconds",
        &[],
        "How long after it could run a job was claimed, for each attempt",
    ),
    counter(
        "ratchet_executions_total",
        &["status"],
        "Attempts at jobs that have ended",
    ),
    counter(
        "ratchet_execution_failures_total",
        &["kind"],
        "Attempts at jobs that failed, by kind of failure",
    ),
    histogram(
        "ratchet_execution_duration_seconds",
        &[],
        "How long attempts at jobs ran",
    ),
    gauge("ratchet_executions_running", &[], "Jobs that run at this moment"),
    counter(
        "ratchet_delivery_attempts_total",
        &["destination", "result"],
        "Attempts to deliver a result: delivered, failed for good, or to be tried again",
    ),
    histogram(
        "ratchet_delivery_attempt_duration_seconds",
        &["destination"],
        "How long attempts to deliver a result took",
    ),
    gauge(
        "ratchet_deliveries_pending",
        &[],
        "Results that are on their way, or wait to be delivered",
    ),
    histogram(
        "ratchet_timer_lag_seconds",
        &[],
        "How late whoever waited for an instant was woken: the event loop's lag",
    ),
    counter(
        "ratchet_database_statements_total",
        &[],
        "Statements that were sent to the database",
    ),
    counter(
        "ratchet_http_requests_total",
        &["method", "route", "status"],
        "Requests that were answered, by the route's template",
    ),
    histogram(
        "ratchet_http_request_duration_seconds",
        &["method", "route"],
        "How long requests took until their answer began",
    ),
    gauge(
        "ratchet_event_clients",
        &[],
        "Clients that watch events at this moment",
    ),
    counter(
        "ratchet_scrape_failures_total",
        &[],
        "Values that could not be read when somebody asked for metrics, and were left out",
    ),
    gauge("ratchet_build_info", &["version"], "The running version: 1"),
    gauge(
        "ratchet_start_time_seconds",
        &[],
        "When the server was started, in seconds since the epoch",
    ),
    counter(
        "process_cpu_seconds_total",
        &[],
        "Processor time that the process has used",
    ),
    gauge(
        "process_resident_memory_bytes",
        &[],
        "Memory of the process that is in use",
    ),
    gauge(
        "process_open_fds",
        &[],
        "Files and sockets that the process has open",
    ),
    gauge(
        "process_max_fds",
        &[],
        "Files and sockets that the process may have open",
    ),
    gauge("process_threads", &[], "Threads of the process"),
];

/// What is said of a metric.
pub(super) fn described(name: &str) -> &'static Description {
    let found = CATALOG.iter().find(|description| description.name == name);
    found.expect("every metric stands in the catalog, as a test shows")
}
