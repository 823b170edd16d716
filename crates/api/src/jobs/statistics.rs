use chrono::TimeDelta;
use ratchet_interfaces::JobStatistics;
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::Statistics;
use crate::error::ApiError;
use crate::jobs::TAG;
use crate::state::Services;

/// Numbers about all jobs that are kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobStats {
    /// How many there are, also those that are BLOCKED or BUFFERED.
    #[schema(example = 320)]
    total_jobs: u64,
    /// How many wait to run.
    #[schema(example = 2)]
    queued_jobs: u64,
    /// How many run.
    #[schema(example = 1)]
    processing_jobs: u64,
    /// How many succeeded.
    #[schema(example = 310)]
    completed_jobs: u64,
    /// How many failed for good.
    #[schema(example = 6)]
    failed_jobs: u64,
    /// How many were cancelled.
    #[schema(example = 1)]
    cancelled_jobs: u64,
    /// How many wait to be tried again.
    #[schema(example = 0)]
    retrying_jobs: u64,
    /// Of the thousand jobs that ended last, those that ran once: how long they waited from when they might run until they
    /// did, on average.
    #[schema(example = 3.1)]
    average_wait_time_ms: Option<f64>,
    /// How many were created in the last 24 hours.
    #[schema(example = 24)]
    jobs_last24h: u64,
}

impl From<JobStatistics> for JobStats {
    fn from(statistics: JobStatistics) -> Self {
        let JobStatistics {
            total,
            queued,
            processing,
            completed,
            failed,
            cancelled,
            retrying,
            mean_wait_micros,
            created_since,
        } = statistics;
        Self {
            total_jobs: total,
            queued_jobs: queued,
            processing_jobs: processing,
            completed_jobs: completed,
            failed_jobs: failed,
            cancelled_jobs: cancelled,
            retrying_jobs: retrying,
            average_wait_time_ms: mean_wait_micros.map(|micros| micros / 1e3),
            jobs_last24h: created_since,
        }
    }
}

/// Numbers about all jobs.
#[utoipa::path(
    get,
    path = "/jobs/stats",
    tag = TAG,
    operation_id = "jobs_stats",
    responses((status = 200, body = Statistics<JobStats>))
)]
pub(super) async fn statistics(services: Services) -> Result<Statistics<JobStats>, ApiError> {
    let now = services.clock.now();
    let statistics = services
        .repositories
        .jobs()
        .job_statistics(now - TimeDelta::days(1))
        .await?;
    Ok(Statistics {
        stats: statistics.into(),
        timestamp: now,
        period: "all",
    })
}
