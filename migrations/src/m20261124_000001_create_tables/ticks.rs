/// `job_id` refers to no row: the ledger outlives the jobs. `ticks_ranges` holds the few rows that stand for more than
/// one tick, and so finds the one that a tick is within; with their outcome, as ranges that the specification excludes
/// stand beside the ticks. `request` is 0 for what the schedule itself decided.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE ticks (
    schedule_id {id} NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    scheduled_for {int} NOT NULL,
    request {int} NOT NULL,
    through {int} NOT NULL,
    tick_count {int} NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN (
        'fired', 'buffered', 'coalesced', 'skipped_overlap', 'skipped_misfire', 'skipped_paused', 'excluded',
        'failed_to_create', 'triggered', 'backfilled'
    )),
    reason TEXT,
    job_id {id},
    lateness_us {int} NOT NULL,
    decided_at {int} NOT NULL,
    PRIMARY KEY (schedule_id, scheduled_for, request)
) {clustered}",
    "CREATE INDEX ticks_ranges ON ticks (schedule_id, through, outcome) WHERE through > scheduled_for",
];
