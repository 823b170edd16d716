pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE deliveries (
    id {id} NOT NULL PRIMARY KEY,
    job_id {id} NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts {int} NOT NULL,
    next_attempt_at {int} NOT NULL,
    last_error TEXT,
    created_at {int} NOT NULL,
    delivered_at {int}
) {table}",
    "CREATE INDEX deliveries_pending ON deliveries (next_attempt_at, id) WHERE status = 'pending'",
    "CREATE INDEX deliveries_job_id ON deliveries (job_id)",
    "CREATE INDEX deliveries_execution_id ON deliveries (execution_id)",
];
