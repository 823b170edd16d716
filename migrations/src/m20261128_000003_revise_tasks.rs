//! Tasks get a revision, so that two who change one at the same time do not lose each other's changes. What is counted
//! of executions for statistics gets an index that holds all of it: no row is read for it.

use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

pub(crate) struct ReviseTasks;

const UP: &[&str] = &[
    "ALTER TABLE tasks ADD COLUMN revision {int} NOT NULL DEFAULT 1",
    "CREATE INDEX executions_ends ON executions (started_at, status, duration_us)",
];

const DOWN: &[&str] = &[
    "DROP INDEX executions_ends",
    "ALTER TABLE tasks DROP COLUMN revision",
];

impl MigrationName for ReviseTasks {
    fn name(&self) -> &str {
        "m20261128_000003_revise_tasks"
    }
}

#[async_trait]
impl MigrationTrait for ReviseTasks {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in UP {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in DOWN {
            dialect::execute(manager.get_connection(), statement).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        // All migrations of a call share one transaction: see `migrate`.
        Some(false)
    }
}

impl Written for ReviseTasks {
    fn statements(&self) -> Vec<&'static str> {
        UP.to_vec()
    }
}
