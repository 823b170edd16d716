/// Attempts that have ended. They are found newest first by their ids, which are made in the order of the claims.
///
/// `job_id` is that of a job, but has no foreign key: a row is written from its job's row in one statement, which a key
/// would look up once more.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE executions (
    id {id} NOT NULL PRIMARY KEY,
    job_id {id} NOT NULL,
    attempt {int} NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'cancelled')),
    output TEXT,
    error TEXT,
    error_kind TEXT,
    progress TEXT,
    started_at {int} NOT NULL,
    completed_at {int} NOT NULL,
    duration_us {int} NOT NULL,
    node {id} NOT NULL
) {clustered}",
    "CREATE INDEX executions_job_id ON executions (job_id)",
    "CREATE VIEW attempts AS
    SELECT e.id, e.job_id, e.attempt, e.status, j.input, e.output, e.error, e.error_kind, e.progress,
        e.started_at, e.completed_at, e.duration_us, e.node
    FROM executions AS e JOIN jobs AS j ON j.id = e.job_id
    UNION ALL
    SELECT r.execution_id, r.id, r.attempts, 'running', r.input, NULL, NULL, NULL, r.progress,
        r.started_at, NULL, NULL, r.lease_owner
    FROM jobs AS r WHERE r.status = 'processing'",
];

/// What tasks print while they run is older than the row of their execution, so it does not refer to it.
pub(super) const CREATE_LOGS: &[&str] = &["CREATE TABLE execution_logs (
    execution_id {id} NOT NULL,
    seq {int} NOT NULL,
    logged_at {int} NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (execution_id, seq)
) {clustered}"];
