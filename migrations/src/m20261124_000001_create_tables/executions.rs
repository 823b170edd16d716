pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE executions (
    id {id} NOT NULL PRIMARY KEY,
    job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    attempt {int} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
    input TEXT NOT NULL,
    output TEXT,
    error TEXT,
    error_kind TEXT,
    progress TEXT,
    started_at {int} NOT NULL,
    completed_at {int},
    duration_us {int},
    node {id} NOT NULL,
    CONSTRAINT executions_job_id_attempt_key UNIQUE (job_id, attempt)
) {table}",
    "CREATE INDEX executions_started_at ON executions (started_at)",
];

pub(super) const CREATE_LOGS: &[&str] = &["CREATE TABLE execution_logs (
    execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    seq {int} NOT NULL,
    logged_at {int} NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (execution_id, seq)
) {clustered}"];
