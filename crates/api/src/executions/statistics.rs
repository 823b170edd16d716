use chrono::TimeDelta;
use ratchet_interfaces::ExecutionStatistics;
use serde::Serialize;
use utoipa::ToSchema;

use crate::envelope::Statistics;
use crate::error::ApiError;
use crate::executions::TAG;
use crate::state::Services;

/// Numbers about all executions that are kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecutionStats {
    /// How many were started: those that have not begun are not among them.
    #[schema(example = 320)]
    total_executions: u64,
    /// How many jobs wait for their next execution.
    #[schema(example = 2)]
    pending_executions: u64,
    /// How many run.
    #[schema(example = 1)]
    running_executions: u64,
    /// How many succeeded.
    #[schema(example = 310)]
    completed_executions: u64,
    /// How many failed.
    #[schema(example = 8)]
    failed_executions: u64,
    /// How many were cancelled.
    #[schema(example = 1)]
    cancelled_executions: u64,
    /// How long those that ended ran, on average.
    #[schema(example = 812.4)]
    average_duration_ms: Option<f64>,
    /// Of those that completed or failed, which part completed, 0 through 1.
    #[schema(example = 0.97)]
    success_rate: Option<f64>,
    /// How many were started in the last 24 hours.
    #[schema(example = 24)]
    executions_last24h: u64,
}

impl From<ExecutionStatistics> for ExecutionStats {
    fn from(statistics: ExecutionStatistics) -> Self {
        let ExecutionStatistics {
            pending,
            running,
            completed,
            failed,
            cancelled,
            mean_duration_micros,
            started_since,
        } = statistics;
        let decided = completed + failed;
        Self {
            total_executions: running + completed + failed + cancelled,
            pending_executions: pending,
            running_executions: running,
            completed_executions: completed,
            failed_executions: failed,
            cancelled_executions: cancelled,
            average_duration_ms: mean_duration_micros.map(|micros| micros / 1e3),
            success_rate: (decided > 0).then(|| completed as f64 / decided as f64),
            executions_last24h: started_since,
        }
    }
}

/// Numbers about all executions.
#[utoipa::path(
    get,
    path = "/executions/stats",
    tag = TAG,
    operation_id = "executions_stats",
    responses((status = 200, body = Statistics<ExecutionStats>))
)]
pub(super) async fn statistics(services: Services) -> Result<Statistics<ExecutionStats>, ApiError> {
    let now = services.clock.now();
    let statistics = services
        .repositories
        .executions()
        .execution_statistics(now - TimeDelta::days(1))
        .await?;
    Ok(Statistics {
        stats: statistics.into(),
        timestamp: now,
        period: "all",
    })
}
