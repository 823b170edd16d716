use ratchet_interfaces::{DependencyCondition, UnifiedJob};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::example;
use crate::job::JobView;
use crate::named::{DependencyConditionName, Name};
use crate::state::Services;

/// That a job is not run before others have ended.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JobsBefore)]
pub(crate) struct After {
    /// What they must have come to; where that cannot be any more, the job is cancelled.
    #[serde(default = "all_succeeded")]
    pub(super) condition: DependencyConditionName,
    /// The other jobs.
    #[schema(min_items = 1, max_items = 1_000, example = json!([example::JOB_BEFORE]))]
    pub(super) job_ids: Vec<Uuid>,
}

const fn all_succeeded() -> DependencyConditionName {
    Name(DependencyCondition::AllSucceeded)
}

/// A job, and the jobs that it is after.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobDetail {
    #[serde(flatten)]
    job: JobView,
    /// The jobs that it is after, if it is after any.
    after: Option<After>,
}

/// A job with what it is after.
pub(super) async fn detail(services: &Services, job: UnifiedJob) -> Result<JobDetail, ApiError> {
    let after = match job.after {
        None => None,
        Some(condition) => {
            let before = services.repositories.jobs().job_dependencies(job.id).await?;
            Some(After {
                condition: Name(condition),
                job_ids: before.into_iter().map(|id| id.as_uuid()).collect(),
            })
        }
    };
    Ok(JobDetail {
        job: job.into(),
        after,
    })
}
