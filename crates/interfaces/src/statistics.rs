/// Numbers about all jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JobStatistics {
    /// How many there are.
    pub total: u64,
    /// How many wait to be run for the first time, or again by hand.
    pub queued: u64,
    /// How many run.
    pub processing: u64,
    /// How many succeeded.
    pub completed: u64,
    /// How many failed for good.
    pub failed: u64,
    /// How many were called off.
    pub cancelled: u64,
    /// How many wait for their next try.
    pub retrying: u64,
    /// Of the jobs that ended last and ran once, how long they waited from when they might run until they did, in
    /// microseconds: the mean. At most [`JobStatistics::SAMPLE`] jobs are looked at.
    pub mean_wait_micros: Option<f64>,
    /// How many were created since the instant that was asked about.
    pub created_since: u64,
}

impl JobStatistics {
    /// Of how many jobs the mean is.
    pub const SAMPLE: u32 = 1_000;
}

/// Numbers about all executions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExecutionStatistics {
    /// How many jobs wait for their next execution.
    pub pending: u64,
    /// How many run.
    pub running: u64,
    /// How many ended well.
    pub completed: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were broken off.
    pub cancelled: u64,
    /// How long those that ended ran, in microseconds: the mean.
    pub mean_duration_micros: Option<f64>,
    /// How many were started since the instant that was asked about.
    pub started_since: u64,
}
