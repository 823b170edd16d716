/// `follows_id` and `follow_condition` are what the specification says of a schedule that follows another; its index holds
/// these only, and tells the ticks of all others that they are not followed. `schedules_invalid` holds the few rows that health checks tell of. There is no index on `next_run`: every tick would
/// have to move an entry of it, and the engine keeps the order in memory.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE schedules (
    id {id} NOT NULL PRIMARY KEY,
    task_id {id} NOT NULL REFERENCES tasks (id),
    name {name} NOT NULL,
    name_lower {name} NOT NULL,
    description TEXT,
    specification TEXT NOT NULL,
    follows_id {id} REFERENCES schedules (id),
    follow_condition TEXT CHECK (follow_condition IN ('all_succeeded', 'all_finished', 'any_failed')),
    timezone TEXT NOT NULL,
    input TEXT NOT NULL,
    enabled {bool} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'invalid', 'completed')),
    state_reason TEXT,
    misfire_policy TEXT NOT NULL CHECK (misfire_policy IN ('coalesce', 'skip', 'catch_up')),
    grace_us {int},
    catch_up_max {int} NOT NULL,
    catch_up_window_us {int} NOT NULL,
    overlap_policy TEXT NOT NULL CHECK (overlap_policy IN (
        'allow', 'skip', 'buffer_one', 'buffer_all', 'cancel_running', 'terminate_running'
    )),
    buffer_limit {int} NOT NULL,
    spread_us {int} NOT NULL,
    max_runs {int},
    pause_after_failures {int},
    paused_at {int},
    paused_by TEXT,
    pause_note TEXT,
    resume_at {int},
    priority {small} NOT NULL CHECK (priority BETWEEN 0 AND 3),
    max_retries {int},
    timeout_seconds {int},
    next_run {int},
    last_run {int},
    run_count {int} NOT NULL,
    consecutive_failures {int} NOT NULL,
    requests {int} NOT NULL,
    effective_from {int} NOT NULL,
    output_destinations TEXT NOT NULL,
    metadata TEXT,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    CONSTRAINT schedules_name_key UNIQUE (name),
    CONSTRAINT schedules_pause_check CHECK ((paused_at IS NULL) = (paused_by IS NULL)),
    CONSTRAINT schedules_follows_check CHECK ((follows_id IS NULL) = (follow_condition IS NULL))
) {table}",
    "CREATE INDEX schedules_task_id ON schedules (task_id)",
    "CREATE INDEX schedules_follows_id ON schedules (follows_id) WHERE follows_id IS NOT NULL",
    "CREATE INDEX schedules_invalid ON schedules (name) WHERE state = 'invalid'",
];

/// What schedules said before: see `effective_from` in their rows for what they say now.
pub(super) const CREATE_PERIODS: &[&str] = &["CREATE TABLE schedule_periods (
    schedule_id {id} NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    effective_from {int} NOT NULL,
    effective_until {int} NOT NULL,
    specification TEXT NOT NULL,
    timezone TEXT NOT NULL,
    PRIMARY KEY (schedule_id, effective_from)
) {clustered}"];
