//! Every trait to the stored data. A verb that touches several tables does so in one transaction.

mod audit;
mod delivery;
mod execution;
mod fact;
mod factory;
mod idempotency;
mod job;
mod lease;
mod schedule;
mod task;
mod tick;
mod token;

pub use audit::AuditRepository;
pub use delivery::DeliveryRepository;
pub use execution::ExecutionRepository;
pub use fact::FactRepository;
pub use factory::RepositoryFactory;
pub use idempotency::IdempotencyRepository;
pub use job::JobRepository;
pub use lease::LeaseRepository;
pub use schedule::ScheduleRepository;
pub use task::TaskRepository;
pub use tick::TickRepository;
pub use token::TokenRepository;

#[cfg(feature = "mock")]
pub use {
    audit::MockAuditRepository, delivery::MockDeliveryRepository, execution::MockExecutionRepository,
    fact::MockFactRepository, factory::MockRepositoryFactory, idempotency::MockIdempotencyRepository,
    job::MockJobRepository, lease::MockLeaseRepository, schedule::MockScheduleRepository,
    task::MockTaskRepository, tick::MockTickRepository, token::MockTokenRepository,
};
