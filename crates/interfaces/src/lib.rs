//! What the layers of Ratchet's scheduler say to each other: domain types, ids, errors and every trait.
//!
//! **Purpose.** A crate above this one depends on these traits, never on the crate that implements them, so that
//! each layer can be tested with the layer below mocked (feature `mock`).
//!
//! **Must not know** SeaORM, axum, tokio-cron-scheduler, files or sockets. Deliberately absent: anything that
//! talks to the outside, any SQL, any cron parsing (that is `ratchet-recurrence`), any wire format.
//!
//! **Lower neighbours**: none.
//!
//! Two conventions hold everywhere. Instants are UTC and have microsecond resolution, because that is what both
//! databases store: [`truncate_to_micros`] makes one storable. Ids are UUIDv7, one type a noun: see [`ApiId`].

mod audit;
mod backoff;
mod caller;
mod change;
mod clock;
mod delivery;
mod dependency;
mod destination;
mod error;
mod event;
mod execution;
mod fact;
mod filter;
mod following;
mod forecast;
mod id;
mod idempotency;
mod job;
mod manual_clock;
mod name;
mod overlap;
mod page;
mod policies;
mod registry;
mod repository;
mod retry;
mod runtime;
mod schedule;
mod scheduler;
mod secret;
mod signal;
mod statistics;
mod stop_token;
mod tag;
mod task;
mod tick;
mod tick_account;
mod token;
mod version_order;
mod webhook;
mod worker;

pub use audit::{AuditCondition, AuditEntry, AuditFilter, AuditNote, TakenNote};
pub use backoff::{Backoff, BackoffError, WrittenBackoff};
pub use caller::{Caller, CallerError};
pub use change::{ChangedSchedules, ExecutionDeletion, JobChanges, JobDeletion, JobUpdate, ScheduleDeletion};
pub use clock::{Clock, Wake, truncate_to_micros};
pub use delivery::{
    Delivery, DeliveryAttempt, DeliveryCondition, DeliveryFilter, DeliveryReceipt, DeliverySort,
    DeliveryStatus, JobResult, OutputDelivery,
};
pub use dependency::{DependencyCondition, DependencyDecision, DependencyTally, JobDependencies};
pub use destination::{
    Compression, FilesystemOptions, OutputDestination, OutputFormat, OutputTarget, ResultFilter,
    StdioOptions, StdioStream, WriteMode,
};
pub use error::{DeliveryError, ParseNameError, RegistryError, RepositoryError, with_causes};
pub use event::{
    Deleted, DeletionEvent, DeliveryEvent, Event, EventKind, EventSink, EventSinks, ExecutionEvent, JobEvent,
    NoEventSink, ScheduleEvent, ScheduleTransition, TickEvent,
};
pub use execution::{
    Execution, ExecutionCondition, ExecutionFilter, ExecutionLogLine, ExecutionSort, ExecutionStatus,
    LogCondition, LogFilter,
};
pub use fact::Fact;
pub use filter::{Bound, Choice, Filter, InstantBound, LengthBound, TextMatch};
pub use following::{Following, FollowingError, WrittenFollowing};
pub use forecast::{BusyInstant, ForecastBucket, ForecastRequest, ForecastTick, WhatIf};
pub use id::{
    ApiId, AuditEntryId, DeliveryId, ExecutionId, IdError, JobId, NodeId, ScheduleId, TaskId, TokenId,
};
pub use idempotency::{IdempotencyClaim, IdempotencyKey, IdempotencyState, KeptAnswer};
pub use job::{
    AttemptOutcome, AttemptResult, CancelRequest, Cancellation, Claim, ClaimRequest, ClaimedJob,
    JobCondition, JobCreation, JobFilter, JobOrigin, JobPriority, JobPruning, JobSort, JobStatus,
    QueueDepths, Recovery, SettleOutcome, Settlement, StopRequest, UnifiedJob,
};
pub use manual_clock::ManualClock;
pub use overlap::{OverlapDecision, UnfinishedJob, asks_for_overlap, decide_overlap};
pub use page::{Page, PageRequest, SortOrder};
pub use policies::{MisfirePolicy, OverlapPolicy, PolicyError, SchedulePolicies};
pub use registry::{
    LastSync, RegistryManager, SyncReport, TaskListing, TaskRegistry, TaskValidator, ValidationIssue,
};
pub use repository::{
    AuditRepository, DeliveryRepository, ExecutionRepository, FactRepository, IdempotencyRepository,
    JobRepository, LeaseRepository, RepositoryFactory, ScheduleRepository, TaskRepository, TickRepository,
    TokenRepository,
};
pub use retry::RetryPolicy;
pub use runtime::{
    LogLevel, Progress, RunLimits, RuntimeStatus, TaskContext, TaskError, TaskErrorKind, TaskExecutor,
    TaskMonitor, TaskRequest,
};
pub use schedule::{
    InvalidScheduleSummary, InvalidSchedules, Pause, ScheduleChange, ScheduleCondition, ScheduleFilter,
    SchedulePeriod, ScheduleSelection, ScheduleSort, ScheduleState, ScheduleStatistics, ScheduleTiming,
    UnifiedSchedule,
};
pub use scheduler::{
    BackfillOrder, BackfillReport, BackfillRequest, PauseRequest, ResumeRequest, ScheduleStatus,
    SchedulerError, SchedulerHealth, SchedulerService,
};
pub use secret::Secret;
pub use signal::Signal;
pub use statistics::{ExecutionStatistics, JobStatistics};
pub use stop_token::{StopSource, StopToken};
pub use task::{
    Task, TaskCondition, TaskDefinition, TaskDeletion, TaskFilter, TaskLimits, TaskSort, TaskStatistics,
    TaskUse,
};
pub use tick::{
    AdjustedFiring, CommittedFirings, CommittedRuns, FiringOutcome, FollowerTick, ManualRun, ManualRuns,
    Tick, TickCondition, TickFilter, TickFiring, TickOutcome, TickRecord, TickSort,
};
pub use tick_account::{TickAccount, TickVerdict};
pub use token::{Scope, Token, TokenCondition, TokenFilter, TokenRule};
pub use version_order::compare_versions;
pub use webhook::{
    ApiKeyAuthentication, BasicAuthentication, BearerAuthentication, HttpMethod, WebhookAuthentication,
    WebhookOptions, WebhookRetryPolicy,
};
pub use worker::{RunningJob, WorkerReport, WorkerStatus};

#[cfg(feature = "mock")]
pub use repository::{
    MockAuditRepository, MockDeliveryRepository, MockExecutionRepository, MockFactRepository,
    MockIdempotencyRepository, MockJobRepository, MockLeaseRepository, MockRepositoryFactory,
    MockScheduleRepository, MockTaskRepository, MockTickRepository, MockTokenRepository,
};
#[cfg(feature = "mock")]
pub use {
    delivery::MockOutputDelivery,
    event::MockEventSink,
    registry::{MockRegistryManager, MockTaskRegistry, MockTaskValidator},
    runtime::{MockRuntimeStatus, MockTaskExecutor, MockTaskMonitor},
    scheduler::MockSchedulerService,
    worker::MockWorkerStatus,
};
