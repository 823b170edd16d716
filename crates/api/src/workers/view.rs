use crate::example;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{RunningJob, WorkerReport};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// How a process that runs jobs is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(example = "RUNNING")]
pub(crate) enum WorkerState {
    /// It runs nothing.
    Idle,
    /// It runs jobs.
    Running,
    /// Something keeps it from claiming, running or settling jobs.
    Stalled,
}

/// A process that runs jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Worker)]
pub(crate) struct WorkerView {
    /// The process, as `node` of its executions.
    #[schema(example = json!(example::NODE))]
    id: Uuid,
    /// What it does.
    status: WorkerState,
    /// What keeps it from claiming, running or settling jobs, if anything does.
    stall_reason: Option<String>,
    /// The version of the program.
    #[schema(example = "0.1.0")]
    version: String,
    /// When it started.
    #[schema(example = "2026-01-01T12:00:00Z")]
    started_at: DateTime<Utc>,
    /// For how long it has run.
    #[schema(example = 331200)]
    uptime_seconds: u64,
    /// How many jobs it runs at once at the most.
    #[schema(example = 8)]
    slots: u64,
    /// How many of them it has to settle, to run, or to find room for at this moment.
    #[schema(example = 1)]
    running_jobs: usize,
    /// Which these are, the one that was begun first first.
    jobs: Vec<WorkerJob>,
    /// How many attempts at jobs it has begun since it was started.
    #[schema(example = 319)]
    jobs_started: u64,
    /// How many of them have ended.
    #[schema(example = 318)]
    jobs_finished: u64,
}

/// A job that a process runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerJob {
    /// The job.
    job_id: Uuid,
    /// The attempt.
    execution_id: Uuid,
    /// The task that it runs.
    task_id: Uuid,
    /// Since when the process has had it.
    since: DateTime<Utc>,
}

impl From<RunningJob> for WorkerJob {
    fn from(job: RunningJob) -> Self {
        let RunningJob {
            job_id,
            execution_id,
            task_id,
            since,
        } = job;
        Self {
            job_id: job_id.as_uuid(),
            execution_id: execution_id.as_uuid(),
            task_id: task_id.as_uuid(),
            since,
        }
    }
}

/// How the process is that this report is of.
pub(super) fn state(report: &WorkerReport) -> WorkerState {
    if report.stalled.is_some() {
        WorkerState::Stalled
    } else if report.running.is_empty() {
        WorkerState::Idle
    } else {
        WorkerState::Running
    }
}

/// How many attempts have ended.
pub(super) fn finished(report: &WorkerReport) -> u64 {
    report.begun.saturating_sub(report.running.len() as u64)
}

impl From<WorkerReport> for WorkerView {
    fn from(report: WorkerReport) -> Self {
        let (status, jobs_finished) = (state(&report), finished(&report));
        let WorkerReport {
            node,
            version,
            started_at,
            uptime,
            slots,
            running,
            begun,
            stalled,
        } = report;
        Self {
            id: node.as_uuid(),
            status,
            stall_reason: stalled,
            version,
            started_at,
            uptime_seconds: uptime.as_secs(),
            slots,
            running_jobs: running.len(),
            jobs: running.into_iter().map(WorkerJob::from).collect(),
            jobs_started: begun,
            jobs_finished,
        }
    }
}
