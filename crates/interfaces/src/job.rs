use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::filter::{conditions, sort_keys};
use crate::name::named_enum;
use crate::{
    Bound, Choice, Delivery, DependencyCondition, Event, ExecutionId, ExecutionLogLine, Filter, InstantBound,
    JobEvent, JobId, NodeId, OutputDestination, ScheduleId, TaskErrorKind, TaskId, TextMatch,
};

named_enum! {
    /// Where a job stands.
    ///
    /// ```text
    ///  QUEUED ──claim──► PROCESSING ──► COMPLETED
    ///    ▲                 │  │  └────► FAILED        (retries used up, or not retryable)
    ///    │   handed back,  │  └───────► RETRYING ──claim──► PROCESSING
    ///    └── process died ─┘
    ///  QUEUED, RETRYING, BUFFERED, BLOCKED ──cancel──► CANCELLED
    ///  PROCESSING ──asked to stop, broken off──► CANCELLED
    ///  BUFFERED ──earlier job of its schedule ends──► QUEUED
    ///  BLOCKED ──the jobs that it is after end──► QUEUED, or CANCELLED where that cannot be
    /// ```
    pub enum JobStatus: "job status" {
        /// It waits for a free slot, or for its `run_after`.
        Queued = "queued",
        /// An execution of it runs.
        Processing = "processing",
        /// An execution of it succeeded.
        Completed = "completed",
        /// Its last execution failed, and there will be no other.
        Failed = "failed",
        /// Somebody called it off.
        Cancelled = "cancelled",
        /// Its last execution failed, and it waits for the next.
        Retrying = "retrying",
        /// It waits for an earlier job of its schedule to end.
        Buffered = "buffered",
        /// It waits for the jobs that it is after.
        Blocked = "blocked",
    }
}

named_enum! {
    /// What a job came from.
    pub enum JobOrigin: "job origin" {
        /// A tick of its schedule.
        Tick = "tick",
        /// Somebody had its schedule run at once.
        Trigger = "trigger",
        /// Somebody had a past tick of its schedule made up for.
        Backfill = "backfill",
        /// Somebody created it by itself.
        Manual = "manual",
    }
}

named_enum! {
    /// Which of the waiting jobs goes first. The order of the values is the order of importance.
    pub enum JobPriority: "job priority" {
        /// After all others.
        Low = "low",
        /// The default.
        Normal = "normal",
        /// Before the normal ones.
        High = "high",
        /// Before all others.
        Critical = "critical",
    }
}

/// A job: one run of a task that must happen.
#[derive(Clone, Debug, PartialEq)]
pub struct UnifiedJob {
    /// The job's id.
    pub id: JobId,
    /// The schedule that made it, if one did.
    pub schedule_id: Option<ScheduleId>,
    /// The nominal tick that it stands for; `None` when it stands for none.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// What it came from.
    pub origin: JobOrigin,
    /// The number of the request that it was made for; see [`crate::Tick::request`].
    pub request: u32,
    /// The task that it runs.
    pub task_id: TaskId,
    /// The task's input.
    pub input: Value,
    /// Which of the waiting jobs goes first.
    pub priority: JobPriority,
    /// Where it stands.
    pub status: JobStatus,
    /// How many executions of it were started.
    pub attempts: u32,
    /// How many of its executions failed and were followed by another try.
    pub retry_count: u32,
    /// How many such tries are allowed; `None` is what its task says.
    pub max_retries: Option<u32>,
    /// It does not run before this instant.
    pub run_after: DateTime<Utc>,
    /// While a job with this key is unfinished, no other is created with it.
    pub unique_key: Option<String>,
    /// Of the jobs with this key, whatever their task, only so many run at once: see
    /// [`crate::TaskLimits::max_per_key`].
    pub concurrency_key: Option<String>,
    /// What the jobs that it is after must have come to; `None` when it is after none.
    pub after: Option<DependencyCondition>,
    /// The attempt at it that runs. Who tells of another has lost the job.
    pub execution_id: Option<ExecutionId>,
    /// The process that runs it.
    pub lease_owner: Option<NodeId>,
    /// Until when that process has it, unless it renews the lease.
    pub lease_until: Option<DateTime<Utc>>,
    /// How long it may run, in seconds; `None` is the server's default.
    pub timeout_seconds: Option<u32>,
    /// When it was asked to stop, if it was while it ran.
    pub stop_requested_at: Option<DateTime<Utc>>,
    /// Why its last execution failed.
    pub error: Option<String>,
    /// What kind of failure that was.
    pub error_kind: Option<TaskErrorKind>,
    /// Where its result goes.
    pub output_destinations: Vec<OutputDestination>,
    /// When it was created.
    pub queued_at: DateTime<Utc>,
    /// When its last execution was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached its final status.
    pub completed_at: Option<DateTime<Utc>>,
}

impl UnifiedJob {
    /// A job made by hand, to be run as soon as possible.
    #[must_use]
    pub fn new(task_id: TaskId, input: Value, now: DateTime<Utc>) -> Self {
        Self {
            id: JobId::new(),
            schedule_id: None,
            scheduled_for: None,
            origin: JobOrigin::Manual,
            request: 0,
            task_id,
            input,
            priority: JobPriority::Normal,
            status: JobStatus::Queued,
            attempts: 0,
            retry_count: 0,
            max_retries: None,
            run_after: now,
            unique_key: None,
            concurrency_key: None,
            after: None,
            execution_id: None,
            lease_owner: None,
            lease_until: None,
            timeout_seconds: None,
            stop_requested_at: None,
            error: None,
            error_kind: None,
            output_destinations: Vec::new(),
            queued_at: now,
            started_at: None,
            completed_at: None,
        }
    }
}

/// Who wants how many jobs.
#[derive(Clone, Copy, Debug)]
pub struct ClaimRequest {
    /// The process that will run them.
    pub node: NodeId,
    /// The time of the claim: jobs with a later `run_after` are left.
    pub now: DateTime<Utc>,
    /// How many at the most.
    pub limit: u32,
    /// How many of them are not the most important ones but those that may run longest: so that no priority waits for
    /// ever.
    pub aged: u32,
    /// When the leases on them end, unless they are renewed.
    pub lease_until: DateTime<Utc>,
}

/// What came of a [`ClaimRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    /// The jobs that the node runs now.
    pub jobs: Vec<ClaimedJob>,
    /// That jobs have failed because their rows cannot be read, and what became of those that waited for them.
    pub changed: Vec<JobEvent>,
}

/// A job that this process now runs, and the execution that was opened for it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedJob {
    /// The job, as it is after the claim.
    pub job: UnifiedJob,
    /// The execution of this attempt.
    pub execution_id: ExecutionId,
}

/// How an attempt at a job ended, to be made durable: job, execution and deliveries together.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptOutcome {
    /// The job.
    pub job_id: JobId,
    /// The execution.
    pub execution_id: ExecutionId,
    /// Who ran it. The outcome counts only if the job is still this process's.
    pub node: NodeId,
    /// What came of it.
    pub result: AttemptResult,
    /// What kind of failure it is, if it is one.
    pub error_kind: Option<TaskErrorKind>,
    /// The result's way to its destinations, if the job is final.
    pub deliveries: Vec<Delivery>,
    /// What the task printed last, and is not in the log yet.
    pub log: Vec<ExecutionLogLine>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How long it ran.
    pub duration: TimeDelta,
}

impl AttemptOutcome {
    /// An end that there is nothing more to tell of.
    #[must_use]
    pub const fn new(
        job_id: JobId,
        execution_id: ExecutionId,
        node: NodeId,
        result: AttemptResult,
        ended_at: DateTime<Utc>,
    ) -> Self {
        Self {
            job_id,
            execution_id,
            node,
            result,
            error_kind: None,
            deliveries: Vec::new(),
            log: Vec::new(),
            ended_at,
            duration: TimeDelta::zero(),
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum AttemptResult {
    /// The task returned.
    Succeeded {
        /// What it returned.
        output: Value,
    },
    /// The task failed, and the job will be tried again.
    Retry {
        /// Why it failed.
        error: String,
        /// When it will be tried again.
        run_after: DateTime<Utc>,
    },
    /// The task failed for good.
    Failed {
        /// Why it failed.
        error: String,
    },
    /// The job was asked to stop, and has.
    Cancelled {
        /// By what.
        reason: String,
    },
    /// The attempt was broken off through no fault of the task; the job goes back to the queue.
    HandedBack {
        /// Why.
        reason: String,
    },
}

/// What became of [`AttemptOutcome`]s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Of each, in their order.
    pub outcomes: Vec<SettleOutcome>,
    /// How many jobs that waited for one of these to end may be run now.
    pub released: u64,
    /// What became of other jobs by these ends, in the order in which it was written.
    pub changed: Vec<JobEvent>,
    /// The schedules that were paused because too many of their jobs failed in a row.
    pub paused: Vec<ScheduleId>,
}

/// That a running execution is not to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRequest {
    /// It is asked to stop; its job is then [`JobStatus::Cancelled`] by [`AttemptResult::Cancelled`].
    Cancel,
    /// Its job has been taken from it already: whatever comes of it does not count.
    Terminate,
}

/// What became of an [`AttemptOutcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleOutcome {
    /// It is on disk.
    Settled,
    /// It is on disk, but for that the job was asked to stop: it is cancelled instead of being run again.
    CalledOff,
    /// The job is no longer this process's: nothing was written.
    LeaseLost,
}

/// What became of a job that was to be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobCreation {
    /// It is on disk, and stands there: queued, or where it is after others, blocked or cancelled, as those stand.
    Created(JobStatus),
    /// This unfinished job has its unique key already: nothing was written.
    Duplicate(JobId),
}

/// That a job is to be called off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// The job.
    pub job_id: JobId,
    /// By whom and why, in words.
    pub reason: String,
    /// Whether one that runs is taken away at once, and not asked to stop.
    pub terminates: bool,
    /// When it was asked for.
    pub at: DateTime<Utc>,
}

/// What became of a [`CancelRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// The job is cancelled. Who ran it, if it ran, must be told.
    Cancelled {
        /// Whether it ran.
        was_running: bool,
        /// What became of jobs that waited for it, in the order in which it was written.
        changed: Vec<JobEvent>,
    },
    /// It runs and was asked to stop: who runs it must be told.
    Asked,
    /// It had reached its final status before.
    Final(JobStatus),
}

/// What became of jobs whose process is gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovery {
    /// How many there were.
    pub jobs: u64,
    /// What that brought about, in the order in which it was written: the ends of their executions, where they stand now,
    /// and what became of the jobs that waited for those of them that are cancelled.
    pub events: Vec<Event>,
}

/// How many jobs stand where that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepths {
    /// [`JobStatus::Queued`].
    pub queued: u64,
    /// [`JobStatus::Retrying`].
    pub retrying: u64,
    /// [`JobStatus::Processing`].
    pub processing: u64,
    /// [`JobStatus::Buffered`].
    pub buffered: u64,
    /// [`JobStatus::Blocked`].
    pub blocked: u64,
    /// How many of the queued and retrying ones are due, also those that wait for a limit of their task or key.
    pub due: u64,
    /// Since when the one of them is due that has been for longest.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// Which jobs a list holds.
pub type JobFilter = Filter<JobCondition>;

conditions! {
    /// What a job must be to stand in a list.
    pub enum JobCondition {
        /// See [`UnifiedJob::id`].
        Id(Choice<JobId>) = "id",
        /// See [`UnifiedJob::schedule_id`].
        ScheduleId(Choice<ScheduleId>) = "schedule_id",
        /// See [`UnifiedJob::task_id`].
        TaskId(Choice<TaskId>) = "task_id",
        /// See [`UnifiedJob::status`].
        Status(Choice<JobStatus>) = "status",
        /// See [`UnifiedJob::origin`].
        Origin(Choice<JobOrigin>) = "origin",
        /// See [`UnifiedJob::priority`].
        Priority(Bound<JobPriority>) = "priority",
        /// See [`UnifiedJob::attempts`].
        Attempts(Bound<u64>) = "attempts",
        /// See [`UnifiedJob::retry_count`].
        RetryCount(Bound<u64>) = "retry_count",
        /// See [`UnifiedJob::unique_key`].
        UniqueKey(TextMatch) = "unique_key",
        /// See [`UnifiedJob::concurrency_key`].
        ConcurrencyKey(TextMatch) = "concurrency_key",
        /// See [`UnifiedJob::error`].
        Error(TextMatch) = "error",
        /// See [`UnifiedJob::error_kind`].
        ErrorKind(Choice<TaskErrorKind>) = "error_kind",
        /// See [`UnifiedJob::scheduled_for`].
        ScheduledFor(InstantBound) = "scheduled_for",
        /// See [`UnifiedJob::run_after`].
        RunAfter(InstantBound) = "run_after",
        /// See [`UnifiedJob::queued_at`].
        QueuedAt(InstantBound) = "queued_at",
        /// See [`UnifiedJob::started_at`].
        StartedAt(InstantBound) = "started_at",
        /// See [`UnifiedJob::completed_at`].
        CompletedAt(InstantBound) = "completed_at",
    }
}

/// Jobs whose end was long enough ago that nobody asks for them any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPruning {
    /// Those that ended before this instant.
    pub ended_before: Option<DateTime<Utc>>,
    /// All but so many of those that ended last.
    pub keep: Option<u64>,
    /// How many are deleted in one transaction at the most.
    pub limit: u32,
}

sort_keys! {
    /// What a list of jobs is sorted by. Ties are broken by id.
    pub enum JobSort, by default QueuedAt Descending {
        /// By the time of creation.
        QueuedAt,
        /// By the end; jobs that have not ended come last.
        CompletedAt,
        /// By the nominal tick; jobs without one come last.
        ScheduledFor,
        /// By priority.
        Priority,
    }
}
