use ratchet_interfaces::{
    Choice, Execution, ExecutionCondition, ExecutionFilter, ExecutionId, ExecutionSort, JobId, JobRepository,
    JobStatus, PageRequest, RepositoryError, UnifiedJob, with_causes,
};

use crate::error::ApiError;
use crate::executions::view::ExecutionView;
use crate::state::Services;

/// What an id of an execution stands for.
///
/// An execution exists once its job is claimed, and has an id from then on. Whoever asked for it before knows the id of
/// the job alone, which therefore stands for the execution that is the job's now.
pub(super) enum Subject {
    /// An attempt at a job, which may have been deleted meanwhile.
    Attempt {
        execution: Box<Execution>,
        job: Option<Box<UnifiedJob>>,
    },
    /// The execution of this job that has not begun.
    Next(Box<UnifiedJob>),
}

impl Subject {
    pub(super) fn job_id(&self) -> JobId {
        match self {
            Self::Attempt { execution, .. } => execution.job_id,
            Self::Next(job) => job.id,
        }
    }

    pub(super) fn view(self) -> ExecutionView {
        match self {
            Self::Attempt { execution, job } => ExecutionView::new(*execution, job.as_deref()),
            Self::Next(job) => ExecutionView::next_of(*job),
        }
    }
}

/// The execution of this id, which may be that of its job.
pub(super) async fn find(services: &Services, id: ExecutionId) -> Result<Subject, ApiError> {
    let executions = services.repositories.executions();
    let jobs = services.repositories.jobs();
    if let Some(execution) = executions.execution_find(id).await? {
        let job = job_if_readable(&*jobs, execution.job_id).await?;
        return Ok(Subject::Attempt {
            execution: Box::new(execution),
            job: job.map(Box::new),
        });
    }
    let Some(job) = jobs.job_find(JobId::from_uuid(id.as_uuid())).await? else {
        return Err(ApiError::not_found("execution", &id.to_string()));
    };
    if waits(job.status) || job.attempts == 0 {
        return Ok(Subject::Next(Box::new(job)));
    }
    let of_job = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(job.id))]);
    let last = executions
        .execution_list(&of_job, ExecutionSort::default(), PageRequest::new(0, 1)?)
        .await?;
    Ok(match last.items.into_iter().next() {
        Some(execution) => Subject::Attempt {
            execution: Box::new(execution),
            job: Some(Box::new(job)),
        },
        // Its executions were deleted.
        None => Subject::Next(Box::new(job)),
    })
}

/// The job of an execution. One that is damaged keeps nobody from its executions: they are shown as if it were gone.
pub(super) async fn job_if_readable(
    jobs: &dyn JobRepository,
    id: JobId,
) -> Result<Option<UnifiedJob>, RepositoryError> {
    match jobs.job_find(id).await {
        Err(error @ RepositoryError::CorruptRow { .. }) => {
            tracing::error!(
                error = with_causes(&error),
                "an execution is shown without its job, which is damaged"
            );
            Ok(None)
        }
        found => found,
    }
}

const fn waits(status: JobStatus) -> bool {
    matches!(
        status,
        JobStatus::Queued | JobStatus::Retrying | JobStatus::Buffered | JobStatus::Blocked
    )
}
