use ratchet_interfaces::{ScheduleId, TaskId, UnifiedSchedule};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::{nullable, nullable_whole, present, whole_or_null};
use crate::destination::Destination;
use crate::error::ApiError;
use crate::named::{JobPriorityName, Name};
use crate::run::{check_run, destinations, retries, timeout};
use crate::schedules::policies::PolicyChanges;
use crate::state::Services;

/// A schedule that is to be created.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSchedule {
    /// The task that it runs.
    task_id: Uuid,
    /// Its unique name.
    #[schema(example = "nightly")]
    name: String,
    /// When it fires: cron with five fields (minute first), six (second first) or seven (year last), a macro, intervals,
    /// instants, several of them with exclusions and bounds, plain English, or as in `after nightly-import succeeded`.
    #[schema(example = "0 9 * * mon-fri")]
    cron_expression: String,
    /// What it is for.
    description: Option<String>,
    /// The IANA time zone in which the expression is read.
    #[schema(default = "UTC", example = "Europe/Berlin")]
    timezone: Option<String>,
    /// Whether it fires.
    #[schema(default = true)]
    enabled: Option<bool>,
    /// The input of its jobs, which must be what the task's schema says.
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
    /// What becomes of ticks that are missed or overlap; what is left out of it is at its default.
    policies: Option<PolicyChanges>,
    /// The priority of its jobs; left out, NORMAL.
    priority: Option<JobPriorityName>,
    /// How often a failed job of it is tried again; left out, it is what its task says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(maximum = 100)]
    max_retries: Option<u32>,
    /// How long a job of it may run, in seconds; left out, it is what its task or the server says.
    #[serde(default, deserialize_with = "whole_or_null")]
    #[schema(minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<u32>,
    /// Where the results of its jobs go.
    #[schema(min_items = 1, max_items = 10)]
    output_destinations: Option<Vec<Destination>>,
    /// Anything that its owner wants to keep with it.
    #[schema(value_type = Option<Value>)]
    metadata: Option<Value>,
}

impl CreateSchedule {
    /// The schedule, as far as it can be checked before the scheduler does.
    pub(super) async fn checked(self, services: &Services) -> Result<UnifiedSchedule, ApiError> {
        let Self {
            task_id,
            name,
            cron_expression,
            description,
            timezone,
            enabled,
            input,
            policies,
            priority,
            max_retries,
            timeout_seconds,
            output_destinations,
            metadata,
        } = self;
        let defaults = UnifiedSchedule::new(
            name,
            TaskId::from_uuid(task_id),
            cron_expression,
            services.clock.now(),
        );
        let schedule = UnifiedSchedule {
            id: ScheduleId::new(),
            description,
            timezone: timezone.unwrap_or(defaults.timezone),
            input: input.unwrap_or_else(|| Value::Object(Map::new())),
            enabled: enabled.unwrap_or(defaults.enabled),
            policies: policies.unwrap_or_default().applied_to(defaults.policies)?,
            priority: priority.map_or(defaults.priority, |Name(priority)| priority),
            max_retries: max_retries.map(retries).transpose()?,
            timeout_seconds: timeout_seconds.map(timeout).transpose()?,
            output_destinations: destinations(output_destinations, services)?,
            metadata,
            ..defaults
        };
        check_run(services, schedule.task_id, &schedule.input).await?;
        Ok(schedule)
    }
}

/// Changes of a schedule. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatchSchedule {
    /// The task that its jobs run.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    task_id: Option<Uuid>,
    /// Its unique name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// When it fires: as for a new one.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = "30 2 * * *")]
    cron_expression: Option<String>,
    /// The IANA time zone in which its expression is read.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, example = "Europe/Berlin")]
    timezone: Option<String>,
    /// Whether it fires.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// The input of its jobs.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
    /// What of its policies changes.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    policies: Option<PolicyChanges>,
    /// The priority of its jobs.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    priority: Option<JobPriorityName>,
    /// Null is what its task says.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u32>, maximum = 100)]
    max_retries: Option<Option<u32>>,
    /// Null is what its task or the server says.
    #[serde(default, deserialize_with = "nullable_whole")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 604_800)]
    timeout_seconds: Option<Option<u32>>,
    /// All of them, with their secrets: a masked one is refused. Null takes them away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<Destination>>, min_items = 1, max_items = 10)]
    output_destinations: Option<Option<Vec<Destination>>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Value>)]
    metadata: Option<Option<Value>>,
}

impl PatchSchedule {
    /// The schedule with these changes, as far as they can be checked before the scheduler does. What is not changed is
    /// not checked: a schedule whose task is gone can still be disabled.
    pub(super) async fn applied_to(
        self,
        before: UnifiedSchedule,
        services: &Services,
    ) -> Result<UnifiedSchedule, ApiError> {
        let Self {
            task_id,
            name,
            description,
            cron_expression,
            timezone,
            enabled,
            input,
            policies,
            priority,
            max_retries,
            timeout_seconds,
            output_destinations,
            metadata,
        } = self;
        let runs_otherwise = task_id.is_some() || input.is_some();
        let timeout_seconds = match timeout_seconds {
            None => before.timeout_seconds,
            Some(given) => given.map(timeout).transpose()?,
        };
        let max_retries = match max_retries {
            None => before.max_retries,
            Some(given) => given.map(retries).transpose()?,
        };
        let output_destinations = match output_destinations {
            None => before.output_destinations,
            Some(given) => destinations(given, services)?,
        };
        let schedule = UnifiedSchedule {
            task_id: task_id.map_or(before.task_id, TaskId::from_uuid),
            name: name.unwrap_or(before.name),
            description: description.unwrap_or(before.description),
            specification: cron_expression.unwrap_or(before.specification),
            timezone: timezone.unwrap_or(before.timezone),
            enabled: enabled.unwrap_or(before.enabled),
            input: input.unwrap_or(before.input),
            policies: policies.unwrap_or_default().applied_to(before.policies)?,
            priority: priority.map_or(before.priority, |Name(priority)| priority),
            max_retries,
            timeout_seconds,
            output_destinations,
            metadata: metadata.unwrap_or(before.metadata),
            ..before
        };
        if runs_otherwise {
            check_run(services, schedule.task_id, &schedule.input).await?;
        }
        Ok(schedule)
    }
}
