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

mod clock;
mod delivery;
mod error;
mod execution;
mod id;
mod job;
mod manual_clock;
mod name;
mod page;
mod registry;
mod repository;
mod runtime;
mod schedule;
mod scheduler;
mod signal;
mod task;
mod tick;

pub use clock::{Clock, Wake, truncate_to_micros};
pub use delivery::{
    Delivery, DeliveryStatus, OutputDelivery, OutputDestination, OutputFormat, StdioOptions, StdioStream,
};
pub use error::{DeliveryError, ParseNameError, RegistryError, RepositoryError, with_causes};
pub use execution::{Execution, ExecutionFilter, ExecutionLogLine, ExecutionStatus};
pub use id::{ApiId, DeliveryId, ExecutionId, IdError, JobId, NodeId, ScheduleId, TaskId};
pub use job::{
    AttemptOutcome, AttemptResult, ClaimRequest, ClaimedJob, JobFilter, JobPriority, JobSort, JobStatus,
    SettleOutcome, UnifiedJob,
};
pub use manual_clock::ManualClock;
pub use page::{Page, PageRequest, SortOrder};
pub use registry::{RegistryManager, SyncReport, TaskRegistry, TaskValidator, ValidationIssue};
pub use repository::{
    DeliveryRepository, ExecutionRepository, JobRepository, LeaseRepository, RepositoryFactory,
    ScheduleRepository, TaskRepository, TickRepository,
};
pub use runtime::{RuntimeStatus, TaskContext, TaskError, TaskExecutor, TaskRequest};
pub use schedule::{
    InvalidScheduleSummary, InvalidSchedules, MisfirePolicy, ScheduleFilter, ScheduleSort, ScheduleState,
    ScheduleTiming, UnifiedSchedule,
};
pub use scheduler::{ScheduleStatus, SchedulerError, SchedulerHealth, SchedulerService};
pub use signal::Signal;
pub use task::{Task, TaskDefinition, TaskFilter, TaskSort};
pub use tick::{FiredJob, FiringOutcome, Tick, TickFilter, TickFiring, TickOutcome, TickRecord};

#[cfg(feature = "mock")]
pub use repository::{
    MockDeliveryRepository, MockExecutionRepository, MockJobRepository, MockLeaseRepository,
    MockRepositoryFactory, MockScheduleRepository, MockTaskRepository, MockTickRepository,
};
#[cfg(feature = "mock")]
pub use {
    delivery::MockOutputDelivery,
    registry::{MockRegistryManager, MockTaskRegistry, MockTaskValidator},
    runtime::{MockRuntimeStatus, MockTaskExecutor},
    scheduler::MockSchedulerService,
};
