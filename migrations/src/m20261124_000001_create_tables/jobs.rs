/// `jobs_waiting` is the queue. Within one priority it is in the order of the claim, so that a claim, which asks
/// for each priority in turn, reads as many entries as it takes; and only jobs that wait have an entry.
/// `jobs_processing` is as small, and finds what a dead process left behind. `jobs_unfinished` holds all that the rule on
/// overlap asks of a schedule's jobs, so that a tick need not look at the jobs themselves.
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
            'queued', 'processing', 'completed', 'failed', 'cancelled', 'retrying', 'buffered'
        )),
    attempts {int} NOT NULL,
    retry_count {int} NOT NULL,
    max_retries {int} NOT NULL,
    run_after {int} NOT NULL,
    lease_owner {id},
    lease_until {int},
    timeout_seconds {int},
    stop_requested_at {int},
    error TEXT,
    output_destinations TEXT NOT NULL,
    queued_at {int} NOT NULL,
    started_at {int},
    completed_at {int}
) {table}",
    "CREATE UNIQUE INDEX jobs_schedule_id_scheduled_for_request_key
    ON jobs (schedule_id, scheduled_for, request) WHERE schedule_id IS NOT NULL",
    "CREATE INDEX jobs_unfinished ON jobs (schedule_id, id, status, origin)
    WHERE status IN ('queued', 'retrying', 'processing', 'buffered') AND origin IN ('tick', 'trigger')",
    "CREATE INDEX jobs_waiting ON jobs (priority, run_after, id) WHERE status IN ('queued', 'retrying')",
    "CREATE INDEX jobs_processing ON jobs (lease_owner) WHERE status = 'processing'",
    "CREATE INDEX jobs_queued_at ON jobs (queued_at)",
    "CREATE INDEX jobs_task_id ON jobs (task_id)",
];
