use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SubsecRound, Utc};
use ratchet_interfaces::{
    AuditNote, Caller, JobCreation, JobDependencies, JobEvent, JobId, JobRepository, RepositoryError, TaskId,
    UnifiedJob,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::{JsonBody, whole_or_null};
use crate::destination::Destination;
use crate::envelope::One;
use crate::error::{ApiError, ErrorEnvelope};
use crate::jobs::read::stored;
use crate::jobs::view::{After, JobDetail, detail};
use crate::jobs::{TAG, event, queue};
use crate::named::{JobPriorityName, Name};
use crate::router::PREFIX;
use crate::run::{check_run, destinations, retries, timeout};
use crate::state::Services;

/// The most characters of a key.
const LONGEST_KEY: usize = 200;
/// The most jobs that a new one is after.
const MOST_BEFORE: usize = 1_000;

/// A job that is to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateJob {
    /// The task that it runs.
    task_id: Uuid,
    /// Its input, which must be what the task's schema says.
    input: Value,
    /// Which of the jobs that are due runs first; left out, NORMAL.
    priority: Option<JobPriorityName>,
    /// How often it is tried again if it fails; left out, it is what its task says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(maximum = 100)]
    max_retries: Option<u32>,
    /// The instant that it stands for. It does not run before it, unless `runAfter` says otherwise.
    scheduled_for: Option<DateTime<Utc>>,
    /// It does not run before this instant; left out, it runs as soon as possible.
    run_after: Option<DateTime<Utc>>,
    /// How long it may run, in seconds; left out, it is what its task or the server says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<u32>,
    /// While a job with this key is unfinished, no other is created with it.
    #[schema(min_length = 1, max_length = 200, example = "import")]
    unique_key: Option<String>,
    /// Of the jobs with this key, whatever their task, only so many run at once as their task says.
    #[schema(min_length = 1, max_length = 200)]
    concurrency_key: Option<String>,
    /// The jobs that it waits for.
    after: Option<After>,
    /// Where its result goes.
    #[schema(min_items = 1, max_items = 10)]
    output_destinations: Option<Vec<Destination>>,
}

/// A job that may be stored, and the jobs that it is after.
struct Checked {
    job: UnifiedJob,
    before: Vec<JobId>,
}

impl CreateJob {
    async fn checked(self, services: &Services) -> Result<Checked, ApiError> {
        let Self {
            task_id,
            input,
            priority,
            max_retries,
            scheduled_for,
            run_after,
            timeout_seconds,
            unique_key,
            concurrency_key,
            after,
            output_destinations,
        } = self;
        // As it is stored.
        let in_micros = |instant: DateTime<Utc>| instant.trunc_subsecs(6);
        let now = in_micros(services.clock.now());
        let scheduled_for = scheduled_for.map(in_micros);
        let run_after = run_after.map(in_micros).or(scheduled_for);
        let defaults = UnifiedJob::new(TaskId::from_uuid(task_id), input, now);
        let job = UnifiedJob {
            scheduled_for,
            priority: priority.map_or(defaults.priority, |Name(priority)| priority),
            max_retries: max_retries.map(retries).transpose()?,
            // An instant of the past makes nothing older than it is.
            run_after: run_after.map_or(now, |instant| instant.max(now)),
            unique_key: unique_key.map(|given| key("uniqueKey", given)).transpose()?,
            concurrency_key: concurrency_key
                .map(|given| key("concurrencyKey", given))
                .transpose()?,
            after: after.as_ref().map(|after| after.condition.0),
            timeout_seconds: timeout_seconds.map(timeout).transpose()?,
            output_destinations: destinations(output_destinations, services)?,
            ..defaults
        };
        let before = after.map_or(Ok(Vec::new()), jobs_before)?;
        check_run(services, job.task_id, &job.input).await?;
        Ok(Checked { job, before })
    }
}

fn key(field: &str, given: String) -> Result<String, ApiError> {
    let length = given.chars().count();
    if !(1..=LONGEST_KEY).contains(&length) {
        let rule = format!("it has {length} characters: 1 to {LONGEST_KEY} are allowed");
        return Err(ApiError::invalid(field, rule));
    }
    if given.chars().any(char::is_control) {
        let rule = format!("{given:?} is not allowed: it has no control characters");
        return Err(ApiError::invalid(field, rule));
    }
    Ok(given)
}

fn jobs_before(after: After) -> Result<Vec<JobId>, ApiError> {
    let given = after.job_ids.len();
    if !(1..=MOST_BEFORE).contains(&given) {
        let rule = format!("there are {given} of them: 1 to {MOST_BEFORE} are allowed");
        return Err(ApiError::invalid("after.jobIds", rule));
    }
    let each_once: BTreeSet<JobId> = after.job_ids.into_iter().map(JobId::from_uuid).collect();
    Ok(each_once.into_iter().collect())
}

/// Creates a job, to be run as soon as it may.
#[utoipa::path(
    post,
    path = "/jobs",
    tag = TAG,
    operation_id = "jobs_create",
    params(("traceparent" = Option<String>, Header, description = "The span that asks, as the W3C has it: its trace is told of the job's")),
    request_body = CreateJob,
    responses(
        (status = 201, body = One<JobDetail>, headers(("Location" = String, description = "Its path"))),
        (status = 400, body = ErrorEnvelope, description = "No JSON, or a value that is not allowed"),
        (status = 409, body = ErrorEnvelope, description = "An unfinished job, which is named, has the unique key"),
        (status = 415, body = ErrorEnvelope),
        (status = 422, body = ErrorEnvelope, description = "A field is missing or of another type"),
    )
)]
pub(super) async fn create(
    services: Services,
    headers: HeaderMap,
    JsonBody(given): JsonBody<CreateJob>,
) -> Result<Response, ApiError> {
    let Checked { job, before } = given.checked(&services).await?;
    let id = job.id;
    AuditNote::is_about(id);
    let dependencies: Vec<JobDependencies> = if before.is_empty() {
        Vec::new()
    } else {
        vec![JobDependencies {
            job_id: id,
            after: before,
        }]
    };
    let new = job.clone();
    let caller = caller(&headers);
    let events = Arc::clone(&services.events);
    let creation = queue::fill(&services, move |jobs| async move {
        let created = jobs
            .job_create_many(std::slice::from_ref(&new), &dependencies)
            .await;
        if let Ok([JobCreation::Created(status)]) = created.as_deref() {
            let job = JobEvent {
                status: *status,
                caller,
                ..JobEvent::of(&new, None, new.queued_at)
            };
            event::tell(&*events, job);
        }
        match created {
            Err(RepositoryError::BrokenReference { .. }) => match missing(&*jobs, &dependencies).await? {
                Some(missing) => Ok(Creation::After(missing)),
                None => created.map(Creation::of),
            },
            created => created.map(Creation::of),
        }
    })
    .await?;
    let job = match creation {
        // How the others stand has decided how it stands.
        Creation::Created if job.after.is_some() => stored(&services, id).await?,
        Creation::Created => job,
        Creation::Duplicate(holder) => {
            let key = job.unique_key.unwrap_or_default();
            return Err(ApiError::conflict(format!(
                "uniqueKey: job {holder}, which is unfinished, has the key \"{key}\""
            )));
        }
        Creation::After(missing) => {
            return Err(ApiError::invalid(
                "after.jobIds",
                format!("job {missing} does not exist"),
            ));
        }
    };
    tracing::info!(job.id = %id, "a job was created");
    let data = detail(&services, job).await?;
    let mut response = (StatusCode::CREATED, One { data }).into_response();
    if let Ok(path) = HeaderValue::try_from(format!("{PREFIX}/jobs/{id}")) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    Ok(response)
}

/// Creates a job of nothing but a task and an input, to be run as soon as possible.
pub(crate) async fn run_now(
    services: &Services,
    task_id: TaskId,
    input: Value,
) -> Result<UnifiedJob, ApiError> {
    check_run(services, task_id, &input).await?;
    let job = UnifiedJob::new(task_id, input, services.clock.now().trunc_subsecs(6));
    let new = job.clone();
    let events = Arc::clone(&services.events);
    queue::fill(services, move |jobs| async move {
        let created = jobs.job_create_many(std::slice::from_ref(&new), &[]).await?;
        event::tell(&*events, JobEvent::of(&new, None, new.queued_at));
        Ok(created)
    })
    .await?;
    tracing::info!(job.id = %job.id, "a job was created");
    Ok(job)
}

/// Who asks. A header that is wrong is as good as none, as its standard says.
fn caller(headers: &HeaderMap) -> Option<Caller> {
    headers.get("traceparent")?.to_str().ok()?.parse().ok()
}

/// What became of a job that was to be created.
enum Creation {
    Created,
    /// This unfinished job has its unique key.
    Duplicate(JobId),
    /// This job, which it is after, does not exist.
    After(JobId),
}

impl Creation {
    /// Of the only job of a call.
    fn of(created: Vec<JobCreation>) -> Self {
        match created.first() {
            Some(JobCreation::Duplicate(holder)) => Self::Duplicate(*holder),
            Some(JobCreation::Created(_)) | None => Self::Created,
        }
    }
}

/// The first of the jobs before that does not exist.
async fn missing(
    jobs: &dyn JobRepository,
    dependencies: &[JobDependencies],
) -> Result<Option<JobId>, RepositoryError> {
    for id in dependencies.iter().flat_map(|dependency| &dependency.after) {
        if jobs.job_find(*id).await?.is_none() {
            return Ok(Some(*id));
        }
    }
    Ok(None)
}
