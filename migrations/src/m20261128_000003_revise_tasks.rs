//! Tasks get a revision, so that two who change one at the same time do not lose each other's changes. What is counted
//! of executions for statistics gets an index that holds all of it: no row is read for it.

use crate::steps::Steps;

pub(crate) const REVISE_TASKS: Steps = Steps {
    name: "m20261128_000003_revise_tasks",
    up: &[
        "ALTER TABLE tasks ADD COLUMN revision {int} NOT NULL DEFAULT 1",
        "CREATE INDEX executions_ends ON executions (started_at, status, duration_us)",
    ],
    down: &[
        "DROP INDEX executions_ends",
        "ALTER TABLE tasks DROP COLUMN revision",
    ],
};
