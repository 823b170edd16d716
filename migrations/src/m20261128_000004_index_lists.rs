//! Indexes for the lists of the HTTP API: each has the rows of a filter in the order of a sort key, and the id, which
//! breaks ties, so that a page is found without a look at other rows, and PostgreSQL need not sort what is equal.
//!
//! A job gets its entries of `jobs_queued_at`, `jobs_task_id` and `jobs_schedule_id` when it is made and keeps them. That
//! of `jobs_ended` and `jobs_completed_at` comes with its end. Nothing here changes when a job is claimed, and nothing
//! in `schedules` when it ticks. `jobs_ended` has `completed_at` so that SQLite need not look at the job to see that it is in
//! the index.

use crate::steps::Steps;

pub(crate) const INDEX_LISTS: Steps = Steps {
    name: "m20261128_000004_index_lists",
    up: &[
        "DROP INDEX jobs_queued_at",
        "CREATE INDEX jobs_queued_at ON jobs (queued_at, id)",
        "DROP INDEX jobs_task_id",
        "CREATE INDEX jobs_task_id ON jobs (task_id, queued_at, id)",
        "DROP INDEX jobs_completed_at",
        "CREATE INDEX jobs_completed_at ON jobs (completed_at, id) WHERE completed_at IS NOT NULL",
        "CREATE INDEX jobs_schedule_id ON jobs (schedule_id, queued_at, id) WHERE schedule_id IS NOT NULL",
        "CREATE INDEX jobs_ended ON jobs (status, queued_at, id, completed_at) WHERE completed_at IS NOT NULL",
        "CREATE INDEX executions_completed_at ON executions (completed_at, id)",
        "CREATE INDEX executions_unsuccessful ON executions (status, id) WHERE status <> 'completed'",
        "CREATE INDEX schedules_created_at ON schedules (created_at, id)",
    ],
    down: &[
        "DROP INDEX schedules_created_at",
        "DROP INDEX executions_unsuccessful",
        "DROP INDEX executions_completed_at",
        "DROP INDEX jobs_ended",
        "DROP INDEX jobs_schedule_id",
        "DROP INDEX jobs_completed_at",
        "CREATE INDEX jobs_completed_at ON jobs (completed_at) WHERE completed_at IS NOT NULL",
        "DROP INDEX jobs_task_id",
        "CREATE INDEX jobs_task_id ON jobs (task_id)",
        "DROP INDEX jobs_queued_at",
        "CREATE INDEX jobs_queued_at ON jobs (queued_at)",
    ],
};
