//! The first schema. JSON is stored as text: it is never searched, both databases then keep it to the letter, and
//! neither has to parse it on the way in.

mod deliveries;
mod executions;
mod facts;
mod jobs;
mod leases;
mod schedules;
mod tasks;
mod ticks;

use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

pub(crate) struct CreateTables;

/// In the order of their creation: a table comes after those that it refers to.
const TABLES: &[(&str, &[&str])] = &[
    ("tasks", tasks::CREATE),
    ("schedules", schedules::CREATE),
    ("schedule_periods", schedules::CREATE_PERIODS),
    ("ticks", ticks::CREATE),
    ("jobs", jobs::CREATE),
    ("job_dependencies", jobs::CREATE_DEPENDENCIES),
    ("executions", executions::CREATE),
    ("execution_logs", executions::CREATE_LOGS),
    ("deliveries", deliveries::CREATE),
    ("delivery_attempts", deliveries::CREATE_ATTEMPTS),
    ("leases", leases::CREATE),
    ("facts", facts::CREATE),
];

impl MigrationName for CreateTables {
    fn name(&self) -> &str {
        "m20261124_000001_create_tables"
    }
}

#[async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.statements() {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::execute(manager.get_connection(), "DROP VIEW attempts").await?;
        for (table, _) in TABLES.iter().rev() {
            dialect::execute(manager.get_connection(), &format!("DROP TABLE {table}")).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        // All migrations of a call share one transaction: see `migrate`.
        Some(false)
    }
}

impl Written for CreateTables {
    fn statements(&self) -> Vec<&'static str> {
        TABLES.iter().flat_map(|(_, create)| *create).copied().collect()
    }
}
