//! A running attempt is in its job's row. When it ends, it gets a row in the table of those that have ended.

/// The statement that writes the running attempts of the jobs `j` to `executions`, ended at `at` with `status` and
/// `error`. All three are SQL; `from` is what follows `FROM`, and names the jobs.
///
/// A process that died while the clock was ahead must not leave an execution of negative length. A row without the id of
/// its attempt is damaged, and has none to write.
pub(crate) fn write(status: &str, error: &str, at: &str, from: &str) -> String {
    format!(
        "INSERT INTO executions (
             id, job_id, attempt, status, error, progress, started_at, completed_at, duration_us, node
         )
         SELECT j.execution_id, j.id, j.attempts, {status}, {error}, j.progress, COALESCE(j.started_at, {at}), {at},
             CASE WHEN j.started_at < {at} THEN {at} - j.started_at ELSE 0 END, j.lease_owner
         FROM {from} AND j.status = 'processing' AND j.execution_id IS NOT NULL AND j.lease_owner IS NOT NULL"
    )
}

/// What a job loses with its running attempt.
pub(crate) const NO_ATTEMPT: &str =
    "execution_id = NULL, lease_owner = NULL, lease_until = NULL, progress = NULL";
