/// A running attempt is in its job's row alone: the table `executions` has it when it has ended, and the view `attempts`
/// has both.
///
/// `jobs_waiting` is the queue. Within one priority it is in the order of the claim, so that a claim, which asks
/// for each priority in turn, reads as many entries as it takes; and only jobs that wait have an entry. `gate` is not
/// null where a limit stands between the job and its start, that of its concurrency key or of its task; such jobs wait in
/// `jobs_gated`, by gate, so that however many wait at one that is closed, nobody has to look at more than the first.
/// `jobs_processing` finds what runs, by task and key to count it, and is as small. `jobs_unfinished` holds all that the
/// rule on overlap asks of a schedule's jobs, so that a tick need not look at the jobs themselves.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE jobs (
    id {id} NOT NULL PRIMARY KEY,
    schedule_id {id} REFERENCES schedules (id) ON DELETE SET NULL,
    scheduled_for {int},
    origin TEXT NOT NULL CHECK (origin IN ('tick', 'trigger', 'backfill', 'manual')),
    request {int} NOT NULL,
    task_id {id} NOT NULL REFERENCES tasks (id),
    input TEXT NOT NULL,
    priority {small} NOT NULL CHECK (priority BETWEEN 0 AND 3),
    status TEXT NOT NULL
        CHECK (status IN (
            'queued', 'processing', 'completed', 'failed', 'cancelled', 'retrying', 'buffered', 'blocked'
        )),
    attempts {int} NOT NULL,
    retry_count {int} NOT NULL,
    max_retries {int},
    run_after {int} NOT NULL,
    unique_key {name},
    concurrency_key {name},
    gate {name},
    after_condition TEXT CHECK (after_condition IN ('all_succeeded', 'all_finished', 'any_failed')),
    has_dependents {bool} NOT NULL,
    execution_id {id},
    lease_owner {id},
    lease_until {int},
    timeout_seconds {int},
    stop_requested_at {int},
    progress TEXT,
    error TEXT,
    error_kind TEXT,
    output_destinations TEXT NOT NULL,
    queued_at {int} NOT NULL,
    started_at {int},
    completed_at {int}
) {clustered}",
    "CREATE UNIQUE INDEX jobs_schedule_id_scheduled_for_request_key
    ON jobs (schedule_id, scheduled_for, request) WHERE schedule_id IS NOT NULL",
    "CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key)
    WHERE unique_key IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled')",
    "CREATE INDEX jobs_unfinished ON jobs (schedule_id, id, status, origin)
    WHERE status IN ('queued', 'retrying', 'processing', 'buffered') AND origin IN ('tick', 'trigger')",
    "CREATE INDEX jobs_waiting ON jobs (priority, run_after, id, status, gate)
    WHERE status IN ('queued', 'retrying') AND gate IS NULL",
    "CREATE INDEX jobs_gated ON jobs (gate, priority, run_after, id, status)
    WHERE status IN ('queued', 'retrying') AND gate IS NOT NULL",
    "CREATE INDEX jobs_processing ON jobs (task_id, concurrency_key) WHERE status = 'processing'",
    "CREATE INDEX jobs_queued_at ON jobs (queued_at)",
    "CREATE INDEX jobs_task_id ON jobs (task_id)",
    "CREATE INDEX jobs_completed_at ON jobs (completed_at) WHERE completed_at IS NOT NULL",
];

/// That a job is not run before another has ended.
pub(super) const CREATE_DEPENDENCIES: &[&str] = &[
    "CREATE TABLE job_dependencies (
    after_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    PRIMARY KEY (after_id, job_id)
) {clustered}",
    "CREATE INDEX job_dependencies_job_id ON job_dependencies (job_id)",
];
