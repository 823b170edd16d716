//! Indexes for the sort keys that had none, and one for the ends of executions instead of two.
//!
//! Almost all jobs have the same priority, so that only the others have an entry, and the rest is what they leave. A
//! schedule's next run changes with each tick: its index is the one that ticks pay for, a few hundredths of what they cost. It
//! has `enabled`, since the list is mostly of those.

use crate::steps::Steps;

pub(crate) const INDEX_SORTS: Steps = Steps {
    name: "m20261128_000006_index_sorts",
    up: &[
        "CREATE INDEX schedules_next_run ON schedules (next_run, id, enabled) WHERE next_run IS NOT NULL",
        "CREATE INDEX jobs_scheduled_for ON jobs (scheduled_for, id) WHERE scheduled_for IS NOT NULL",
        "CREATE INDEX jobs_priority ON jobs (priority, id) WHERE priority <> 1",
        "DROP INDEX executions_completed_at",
        "DROP INDEX executions_ends",
        "CREATE INDEX executions_ends ON executions (completed_at, id, status, duration_us, started_at)",
    ],
    down: &[
        "DROP INDEX executions_ends",
        "CREATE INDEX executions_ends ON executions (started_at, status, duration_us)",
        "CREATE INDEX executions_completed_at ON executions (completed_at, id)",
        "DROP INDEX jobs_priority",
        "DROP INDEX jobs_scheduled_for",
        "DROP INDEX schedules_next_run",
    ],
};
