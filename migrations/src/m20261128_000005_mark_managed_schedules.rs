//! Schedules know to which set of schedules as code they belong.

use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

pub(crate) struct MarkManagedSchedules;

/// A column that may be null is added to a row when that is next written: no row is touched now.
const STATEMENTS: &[&str] = &[
    "ALTER TABLE schedules ADD COLUMN managed_by TEXT",
    "CREATE INDEX schedules_managed_by ON schedules (managed_by, name) WHERE managed_by IS NOT NULL",
];

const BACK: &[&str] = &[
    "DROP INDEX schedules_managed_by",
    "ALTER TABLE schedules DROP COLUMN managed_by",
];

impl MigrationName for MarkManagedSchedules {
    fn name(&self) -> &str {
        "m20261128_000005_mark_managed_schedules"
    }
}

#[async_trait]
impl MigrationTrait for MarkManagedSchedules {
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

impl Written for MarkManagedSchedules {
    fn statements(&self) -> Vec<&'static str> {
        STATEMENTS.to_vec()
    }
}
