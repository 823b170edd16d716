pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE deliveries (
    id {id} NOT NULL PRIMARY KEY,
    job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    lane TEXT NOT NULL,
    destination TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts {int} NOT NULL,
    waits_since {int} NOT NULL,
    next_attempt_at {int} NOT NULL,
    last_error TEXT,
    created_at {int} NOT NULL,
    delivered_at {int}
) {table}",
    "CREATE INDEX deliveries_pending ON deliveries (next_attempt_at, id, lane) WHERE status = 'pending'",
    "CREATE INDEX deliveries_failed ON deliveries (created_at, id) WHERE status = 'failed'",
    "CREATE INDEX deliveries_job_id ON deliveries (job_id)",
    "CREATE INDEX deliveries_execution_id ON deliveries (execution_id)",
];

pub(super) const CREATE_ATTEMPTS: &[&str] = &["CREATE TABLE delivery_attempts (
    delivery_id {id} NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    started_at {int} NOT NULL,
    attempt {int} NOT NULL,
    duration_us {int} NOT NULL,
    detail TEXT,
    error TEXT,
    PRIMARY KEY (delivery_id, started_at)
) {table}"];
