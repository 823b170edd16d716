use std::sync::Arc;

use async_trait::async_trait;
use ratchet_interfaces::{
    AuditRepository, DeliveryRepository, ExecutionRepository, FactRepository, IdempotencyRepository,
    JobRepository, LeaseRepository, RepositoryError, RepositoryFactory, ScheduleRepository, TaskRepository,
    TickRepository, TokenRepository,
};
use sea_orm::{ConnectionTrait, Statement};

use crate::audit::AuditEntries;
use crate::delivery::Deliveries;
use crate::execution::Executions;
use crate::fact::Facts;
use crate::failure::During;
use crate::idempotency::IdempotencyKeys;
use crate::job::Jobs;
use crate::lease::Leases;
use crate::schedule::Schedules;
use crate::store::Store;
use crate::task::Tasks;
use crate::tick::Ticks;
use crate::token::Tokens;

/// The repositories of one open database.
pub(crate) struct Repositories {
    store: Arc<Store>,
}

impl Repositories {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl RepositoryFactory for Repositories {
    fn tasks(&self) -> Arc<dyn TaskRepository> {
        Arc::new(Tasks::new(Arc::clone(&self.store)))
    }

    fn schedules(&self) -> Arc<dyn ScheduleRepository> {
        Arc::new(Schedules::new(Arc::clone(&self.store)))
    }

    fn ticks(&self) -> Arc<dyn TickRepository> {
        Arc::new(Ticks::new(Arc::clone(&self.store)))
    }

    fn jobs(&self) -> Arc<dyn JobRepository> {
        Arc::new(Jobs::new(Arc::clone(&self.store)))
    }

    fn executions(&self) -> Arc<dyn ExecutionRepository> {
        Arc::new(Executions::new(Arc::clone(&self.store)))
    }

    fn deliveries(&self) -> Arc<dyn DeliveryRepository> {
        Arc::new(Deliveries::new(Arc::clone(&self.store)))
    }

    fn leases(&self) -> Arc<dyn LeaseRepository> {
        Arc::new(Leases::new(Arc::clone(&self.store)))
    }

    fn facts(&self) -> Arc<dyn FactRepository> {
        Arc::new(Facts::new(Arc::clone(&self.store)))
    }

    fn tokens(&self) -> Arc<dyn TokenRepository> {
        Arc::new(Tokens::new(Arc::clone(&self.store)))
    }

    fn audit(&self) -> Arc<dyn AuditRepository> {
        Arc::new(AuditEntries::new(Arc::clone(&self.store)))
    }

    fn idempotency(&self) -> Arc<dyn IdempotencyRepository> {
        Arc::new(IdempotencyKeys::new(Arc::clone(&self.store)))
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        // A table is looked at: SQLite would answer a mere SELECT 1 without a look at its file.
        self.store
            .reader
            .query_all_raw(Statement::from_string(
                self.store.backend(),
                "SELECT name FROM leases LIMIT 1",
            ))
            .await
            .during("being asked for a sign of life")
            .map(drop)
    }

    fn statements_executed(&self) -> u64 {
        self.store.count.get()
    }
}
