use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ratchet_interfaces::{
    ApiId, DeletionEvent, DeliveryStatus, Event, EventKind, ExecutionStatus, JobId, JobStatus, ScheduleId,
    ScheduleTransition, TaskId, TickOutcome,
};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::position::Position;
use crate::error::ApiError;

/// Which events a client wants: those to which all that is given applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventFilter {
    kinds: Vec<EventKind>,
    schedule: Option<ScheduleId>,
    task: Option<TaskId>,
    job: Option<JobId>,
    /// Names in lower case.
    statuses: Vec<&'static str>,
}

/// What a client asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EventQuery {
    pub(crate) filter: EventFilter,
    pub(crate) after: Option<Position>,
}

/// The parameters: names, and what they are for.
const TYPES: &str = "types";
const SCHEDULE: &str = "scheduleId";
const TASK: &str = "taskId";
const JOB: &str = "jobId";
const STATUS: &str = "status";
const AFTER: &str = "lastEventId";
/// The id of an event, for the document.
pub(crate) const EXAMPLE: &str = "01935b2e7c0070008000000000000009-42";

impl EventFilter {
    pub(crate) fn lets_pass(&self, event: &Event) -> bool {
        let about = About::of(event);
        (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && (self.schedule.is_none() || self.schedule == about.schedule)
            && (self.task.is_none() || self.task == about.task)
            && (self.job.is_none() || self.job == about.job)
            && (self.statuses.is_empty() || self.statuses.contains(&about.status))
    }
}

/// What of an event can be filtered by.
struct About {
    schedule: Option<ScheduleId>,
    task: Option<TaskId>,
    job: Option<JobId>,
    status: &'static str,
}

impl About {
    fn of(event: &Event) -> Self {
        match event {
            Event::Tick(tick) => Self {
                schedule: Some(tick.schedule_id),
                task: None,
                job: tick.record.job_id,
                status: tick.record.outcome.as_str(),
            },
            Event::Job(job) => Self {
                schedule: job.schedule_id,
                task: job.task_id,
                job: Some(job.job_id),
                status: job.status.as_str(),
            },
            Event::Execution(execution) => Self {
                schedule: execution.schedule_id,
                task: Some(execution.task_id),
                job: Some(execution.job_id),
                status: execution.status.as_str(),
            },
            Event::Delivery(delivery) => Self {
                schedule: delivery.schedule_id,
                task: None,
                job: Some(delivery.job_id),
                status: delivery.status.as_str(),
            },
            Event::Schedule(schedule) => Self {
                schedule: Some(schedule.schedule_id),
                task: schedule.task_id,
                job: None,
                status: schedule.change.as_str(),
            },
            Event::Deletion(deletion) => Self {
                schedule: deletion.schedule_id,
                task: deletion.task_id,
                job: deletion.job_id,
                status: DeletionEvent::STATUS,
            },
        }
    }
}

/// Every status of any kind of event.
fn statuses() -> Vec<&'static str> {
    let mut all = Vec::new();
    all.extend(JobStatus::ALL.iter().map(|status| status.as_str()));
    all.extend(ExecutionStatus::ALL.iter().map(|status| status.as_str()));
    all.extend(DeliveryStatus::ALL.iter().map(|status| status.as_str()));
    all.extend(TickOutcome::ALL.iter().map(|outcome| outcome.as_str()));
    all.extend(ScheduleTransition::ALL.iter().map(|change| change.as_str()));
    all.push(DeletionEvent::STATUS);
    all.sort_unstable();
    all.dedup();
    all
}

fn upper(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_ascii_uppercase()).collect()
}

fn status(name: &str) -> Result<&'static str, String> {
    let all = statuses();
    let found = all.iter().find(|status| status.eq_ignore_ascii_case(name));
    found.copied().ok_or_else(|| {
        let allowed = upper(&all).join(", ");
        format!("\"{name}\" is not a status of an event: it is one of {allowed}")
    })
}

fn kind(name: &str) -> Result<EventKind, String> {
    name.to_ascii_lowercase().parse().map_err(|_| {
        let all: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!(
            "\"{name}\" is not a type of event: it is one of {}",
            all.join(", ")
        )
    })
}

impl EventQuery {
    pub(crate) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let refused = |rule: String| ApiError::invalid(&name, rule);
            let filter = &mut asked.filter;
            match &*name {
                TYPES => {
                    for name in value.split(',') {
                        filter.kinds.push(kind(name.trim()).map_err(refused)?);
                    }
                }
                STATUS => {
                    for name in value.split(',') {
                        filter.statuses.push(status(name.trim()).map_err(refused)?);
                    }
                }
                SCHEDULE | "schedule_id" => filter.schedule = Some(id(&value).map_err(refused)?.into()),
                TASK | "task_id" => filter.task = Some(id(&value).map_err(refused)?.into()),
                JOB | "job_id" => filter.job = Some(id(&value).map_err(refused)?.into()),
                AFTER | "last_event_id" => asked.after = Some(value.parse().map_err(refused)?),
                _ => {
                    let known = [TYPES, SCHEDULE, TASK, JOB, STATUS, AFTER].join(", ");
                    return Err(ApiError::bad_request(format!(
                        "there is no parameter \"{name}\": there are {known}"
                    )));
                }
            }
        }
        Ok(asked)
    }
}

fn id(value: &str) -> Result<ApiId, String> {
    value
        .parse()
        .map_err(|error: ratchet_interfaces::IdError| error.to_string())
}

impl<S: Sync> FromRequestParts<S> for EventQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or(""))
    }
}

impl IntoParams for EventQuery {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let kinds: Vec<_> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let id = || {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        };
        let text = |example: &str| ObjectBuilder::new().schema_type(Type::String).examples([example]);
        let parameter = |name: &str, words: String, schema: ObjectBuilder, place| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(place)
                .required(Required::False)
                .description(Some(words))
                .schema(Some(schema))
                .build()
        };
        let query =
            |name: &str, words: &str, schema| parameter(name, words.to_owned(), schema, ParameterIn::Query);
        vec![
            query(
                TYPES,
                &format!("Of these types, separated by commas: {}.", kinds.join(", ")),
                text("job,execution"),
            ),
            query(SCHEDULE, "Of this schedule.", id()),
            query(
                TASK,
                "Of this task, as far as the event knows it: ticks and deliveries do not.",
                id(),
            ),
            query(JOB, "Of this job.", id()),
            query(
                STATUS,
                &format!(
                    "Whose `status`, `outcome` or `change` is one of these, separated by commas, a deletion's being \
                     DELETED: {}.",
                    upper(&statuses()).join(", ")
                ),
                text("COMPLETED,FAILED"),
            ),
            query(
                AFTER,
                "The id of the last event that was seen: what followed it comes first. It wins over the header.",
                text(EXAMPLE),
            ),
            parameter(
                "Last-Event-ID",
                "The id of the last event that was seen; browsers send it by themselves.".to_owned(),
                text(EXAMPLE),
                ParameterIn::Header,
            ),
        ]
    }
}
