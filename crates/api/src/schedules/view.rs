use chrono::{DateTime, Utc};
use ratchet_interfaces::{Pause, UnifiedSchedule};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::destination::Destination;
use crate::envelope::One;
use crate::etag::Tagged;
use crate::example;
use crate::named::{JobPriorityName, Name, ScheduleStateName};
use crate::schedules::policies::PoliciesView;

/// A schedule: which task is run when, with what input, and where its results go.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
pub(crate) struct ScheduleView {
    /// Its id.
    #[schema(example = json!(example::SCHEDULE))]
    id: Uuid,
    /// The task that its jobs run.
    task_id: Uuid,
    /// Its unique name.
    #[schema(example = "nightly")]
    name: String,
    /// What it is for.
    #[schema(example = "Imports what came in over night")]
    description: Option<String>,
    /// When it fires, in the canonical form.
    #[schema(example = "0 9 * * 1-5")]
    cron_expression: String,
    /// The IANA time zone in which that is read.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// Whether it fires.
    #[schema(example = true)]
    enabled: bool,
    /// What the engine found out about it.
    state: ScheduleStateName,
    /// Why it is in that state, in words.
    state_reason: Option<String>,
    /// Since when and why it does not fire, if it is paused.
    pause: Option<PauseView>,
    /// Its next tick, in nominal time.
    #[schema(example = "2026-01-05T08:00:00Z")]
    next_run: Option<DateTime<Utc>>,
    /// Its last tick that became a job, in nominal time.
    #[schema(example = "2026-01-02T08:00:00Z")]
    last_run: Option<DateTime<Utc>>,
    /// How many ticks became jobs.
    #[schema(example = 2)]
    run_count: u64,
    /// How many of its jobs failed for good since the last one that succeeded.
    #[schema(example = 0)]
    consecutive_failures: u32,
    /// The input of its jobs.
    input: Value,
    /// What becomes of ticks that are missed or overlap.
    policies: PoliciesView,
    /// The priority of its jobs.
    priority: JobPriorityName,
    /// How often a failed job of it is tried again; null is what its task says.
    max_retries: Option<u32>,
    /// How long a job of it may run, in seconds; null is what its task or the server says.
    timeout_seconds: Option<u32>,
    /// Where the results of its jobs go. Secrets are masked.
    output_destinations: Vec<Destination>,
    /// Anything that its owner keeps with it.
    metadata: Option<Value>,
    /// The set of schedules as code to which it belongs; null is a schedule that was made by hand.
    managed_by: Option<String>,
    /// Counts its edits, not its ticks: the `ETag`.
    #[schema(example = 1)]
    version: u32,
    /// When it was made.
    #[schema(example = "2026-01-01T12:00:00Z")]
    created_at: DateTime<Utc>,
    /// When it was edited last.
    #[schema(example = "2026-01-01T12:00:00Z")]
    updated_at: DateTime<Utc>,
}

/// That a schedule does not fire although it is enabled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pause)]
pub(crate) struct PauseView {
    /// Since when.
    since: DateTime<Utc>,
    /// Who paused it: a person, or `ratchet` after failures.
    #[schema(example = "ops")]
    by: String,
    /// Why, in the words of who paused it.
    #[schema(example = "the database moves")]
    note: Option<String>,
    /// When it resumes by itself, if it does.
    resume_at: Option<DateTime<Utc>>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        let Pause {
            since,
            by,
            note,
            resume_at,
        } = pause;
        Self {
            since,
            by,
            note,
            resume_at,
        }
    }
}

impl From<UnifiedSchedule> for ScheduleView {
    fn from(schedule: UnifiedSchedule) -> Self {
        let UnifiedSchedule {
            id,
            task_id,
            name,
            description,
            specification,
            timezone,
            input,
            enabled,
            state,
            state_reason,
            policies,
            pause,
            priority,
            max_retries,
            timeout_seconds,
            next_run,
            last_run,
            run_count,
            consecutive_failures,
            requests: _,
            effective_from: _,
            output_destinations,
            metadata,
            managed_by,
            version,
            timing_version: _,
            created_at,
            updated_at,
        } = schedule;
        Self {
            id: id.as_uuid(),
            task_id: task_id.as_uuid(),
            name,
            description,
            cron_expression: specification,
            timezone,
            enabled,
            state: Name(state),
            state_reason,
            pause: pause.map(PauseView::from),
            next_run,
            last_run,
            run_count,
            consecutive_failures,
            input,
            policies: policies.into(),
            priority: Name(priority),
            max_retries,
            timeout_seconds,
            output_destinations: output_destinations.into_iter().map(Destination).collect(),
            metadata,
            managed_by,
            version,
            created_at,
            updated_at,
        }
    }
}

/// The answer about one schedule.
pub(super) fn answer(schedule: UnifiedSchedule) -> Tagged<One<ScheduleView>> {
    Tagged {
        version: schedule.version,
        answer: One {
            data: schedule.into(),
        },
    }
}
