//! Every trait to the stored data. A verb that touches several tables does so in one transaction.

mod delivery;
mod execution;
mod fact;
mod factory;
mod job;
mod lease;
mod schedule;
mod task;
mod tick;

pub use delivery::DeliveryRepository;
pub use execution::ExecutionRepository;
pub use fact::FactRepository;
pub use factory::RepositoryFactory;
pub use job::JobRepository;
pub use lease::LeaseRepository;
pub use schedule::ScheduleRepository;
pub use task::TaskRepository;
pub use tick::TickRepository;

#[cfg(feature = "mock")]
pub use {
    delivery::MockDeliveryRepository, execution::MockExecutionRepository, fact::MockFactRepository,
    factory::MockRepositoryFactory, job::MockJobRepository, lease::MockLeaseRepository,
    schedule::MockScheduleRepository, task::MockTaskRepository, tick::MockTickRepository,
};
