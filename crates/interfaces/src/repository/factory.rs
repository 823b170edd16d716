use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    AuditRepository, DeliveryRepository, ExecutionRepository, FactRepository, IdempotencyRepository,
    JobRepository, LeaseRepository, RepositoryError, ScheduleRepository, TaskRepository, TickRepository,
    TokenRepository,
};

/// All repositories of one database.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RepositoryFactory: Send + Sync {
    /// The table `tasks`.
    fn tasks(&self) -> Arc<dyn TaskRepository>;
    /// The table `schedules`.
    fn schedules(&self) -> Arc<dyn ScheduleRepository>;
    /// The table `ticks`.
    fn ticks(&self) -> Arc<dyn TickRepository>;
    /// The table `jobs`.
    fn jobs(&self) -> Arc<dyn JobRepository>;
    /// The tables `executions` and `execution_logs`.
    fn executions(&self) -> Arc<dyn ExecutionRepository>;
    /// The table `deliveries`.
    fn deliveries(&self) -> Arc<dyn DeliveryRepository>;
    /// The table `facts`.
    fn facts(&self) -> Arc<dyn FactRepository>;
    /// The table `leases`.
    fn leases(&self) -> Arc<dyn LeaseRepository>;
    /// The table `tokens`.
    fn tokens(&self) -> Arc<dyn TokenRepository>;
    /// The table `audit_entries`.
    fn audit(&self) -> Arc<dyn AuditRepository>;
    /// The table `idempotency_keys`.
    fn idempotency(&self) -> Arc<dyn IdempotencyRepository>;

    /// Asks the database for a sign of life, for health checks.
    async fn ping(&self) -> Result<(), RepositoryError>;

    /// How many statements were sent to the database since it was opened, transactions' begins and ends included.
    fn statements_executed(&self) -> u64;
}
