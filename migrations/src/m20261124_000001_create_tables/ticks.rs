/// `job_id` refers to no row: the ledger outlives the jobs. `ticks_ranges` holds the few rows that stand for more than
/// one tick, and so finds the one that a tick is within.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE ticks (
    schedule_id {id} NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    scheduled_for {int} NOT NULL,
    through {int} NOT NULL,
    tick_count {int} NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'coalesced', 'failed_to_create')),
    reason TEXT,
    job_id {id},
    lateness_us {int} NOT NULL,
    decided_at {int} NOT NULL,
    PRIMARY KEY (schedule_id, scheduled_for)
) {clustered}",
    "CREATE INDEX ticks_ranges ON ticks (schedule_id, through) WHERE through > scheduled_for",
];
