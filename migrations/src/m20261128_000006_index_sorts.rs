//! Indexes for the sort keys that had none, and one for the ends of executions instead of two.
//!
//! Almost all jobs have the same priority, so that only the others have an entry, and the rest is what they leave. A
//! schedule's next run changes with each tick: its index is the one that ticks pay for, a few hundredths of what they cost. It
//! has `enabled`, since the list is mostly of those.

use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

pub(crate) struct IndexSorts;

const STATEMENTS: &[&str] = &[
    "CREATE INDEX schedules_next_run ON schedules (next_run, id, enabled) WHERE next_run IS NOT NULL",
    "CREATE INDEX jobs_scheduled_for ON jobs (scheduled_for, id) WHERE scheduled_for IS NOT NULL",
    "CREATE INDEX jobs_priority ON jobs (priority, id) WHERE priority <> 1",
    "DROP INDEX executions_completed_at",
    "DROP INDEX executions_ends",
    "CREATE INDEX executions_ends ON executions (completed_at, id, status, duration_us, started_at)",
];

const BACK: &[&str] = &[
    "DROP INDEX executions_ends",
    "CREATE INDEX executions_ends ON executions (started_at, status, duration_us)",
    "CREATE INDEX executions_completed_at ON executions (completed_at, id)",
    "DROP INDEX jobs_priority",
    "DROP INDEX jobs_scheduled_for",
    "DROP INDEX schedules_next_run",
];

impl MigrationName for IndexSorts {
    fn name(&self) -> &str {
        "m20261128_000006_index_sorts"
    }
}

#[async_trait]
impl MigrationTrait for IndexSorts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.statements() {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in BACK {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        // All migrations of a call share one transaction: see `migrate`.
        Some(false)
    }
}

impl Written for IndexSorts {
    fn statements(&self) -> Vec<&'static str> {
        STATEMENTS.to_vec()
    }
}
