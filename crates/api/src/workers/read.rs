use ratchet_interfaces::Page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::{Many, Statistics};
use crate::error::{ApiError, ErrorEnvelope};
use crate::list::{ListQuery, Listed, Offer};
use crate::state::Services;
use crate::workers::TAG;
use crate::workers::view::{WorkerState, WorkerView, finished, state};

/// The list of those who run jobs: one process has the database at a time.
#[derive(Debug)]
pub(super) struct Workers;

impl Listed for Workers {
    type Condition = ();
    type Sort = ();
    const OFFER: Offer<(), ()> = Offer {
        fields: &[],
        sorts: &[],
        default_order: "as they were started",
    };
}

/// Who runs jobs: this process, which has the database for itself.
#[utoipa::path(
    get,
    path = "/workers",
    tag = TAG,
    operation_id = "workers_list",
    params(ListQuery<Workers>),
    responses(
        (status = 200, body = Many<WorkerView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
    )
)]
pub(super) async fn list(
    services: Services,
    query: ListQuery<Workers>,
) -> Result<Many<WorkerView>, ApiError> {
    let worker = WorkerView::from(services.worker.report());
    let page = Page {
        items: match query.page.offset() {
            0 => vec![worker],
            _ => Vec::new(),
        },
        total: 1,
    };
    Ok(Many::new("workers", page, query.page, services.clock.now()))
}

/// Numbers about those who run jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkerStats {
    /// How many there are.
    #[schema(example = 1)]
    total_workers: u64,
    /// How many run a job at this moment.
    #[schema(example = 1)]
    active_workers: u64,
    /// How many run none.
    #[schema(example = 0)]
    idle_workers: u64,
    /// How many something keeps from claiming, running or settling jobs.
    #[schema(example = 0)]
    stalled_workers: u64,
    /// How many jobs they run at once at the most.
    #[schema(example = 8)]
    total_slots: u64,
    /// How many they have at this moment.
    #[schema(example = 1)]
    running_jobs: u64,
    /// How many attempts at jobs were begun since the start.
    #[schema(example = 319)]
    jobs_started: u64,
    /// How many of them have ended.
    #[schema(example = 318)]
    jobs_finished: u64,
}

/// Numbers about those who run jobs.
#[utoipa::path(
    get,
    path = "/workers/stats",
    tag = TAG,
    operation_id = "workers_stats",
    responses((status = 200, body = Statistics<WorkerStats>))
)]
pub(super) async fn statistics(services: Services) -> Result<Statistics<WorkerStats>, ApiError> {
    let report = services.worker.report();
    let state = state(&report);
    let is = |other: WorkerState| u64::from(state == other);
    Ok(Statistics {
        stats: WorkerStats {
            total_workers: 1,
            active_workers: is(WorkerState::Running),
            idle_workers: is(WorkerState::Idle),
            stalled_workers: is(WorkerState::Stalled),
            total_slots: report.slots,
            running_jobs: report.running.len() as u64,
            jobs_started: report.begun,
            jobs_finished: finished(&report),
        },
        timestamp: services.clock.now(),
        period: "since start",
    })
}
