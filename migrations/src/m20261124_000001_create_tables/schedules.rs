/// `schedules_invalid` holds the few rows that health checks tell of. There is no index on `next_run`: every tick would have to move an entry of it, and the engine keeps the order
/// in memory.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE schedules (
    id {id} NOT NULL PRIMARY KEY,
    task_id {id} NOT NULL REFERENCES tasks (id),
    name {name} NOT NULL,
    name_lower {name} NOT NULL,
    description TEXT,
    cron_expression TEXT NOT NULL,
    timezone TEXT NOT NULL,
    input TEXT NOT NULL,
    enabled {bool} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'invalid', 'completed')),
    state_reason TEXT,
    misfire_policy TEXT NOT NULL CHECK (misfire_policy IN ('coalesce')),
    priority {small} NOT NULL CHECK (priority BETWEEN 0 AND 3),
    max_retries {int} NOT NULL,
    timeout_seconds {int},
    next_run {int},
    last_run {int},
    run_count {int} NOT NULL,
    output_destinations TEXT NOT NULL,
    metadata TEXT,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    CONSTRAINT schedules_name_key UNIQUE (name)
) {table}",
    "CREATE INDEX schedules_task_id ON schedules (task_id)",
    "CREATE INDEX schedules_invalid ON schedules (name) WHERE state = 'invalid'",
];
