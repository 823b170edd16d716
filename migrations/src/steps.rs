use async_trait::async_trait;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::dialect;
use crate::migrator::Written;

/// A migration that is some statements, and others that take them back.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) name: &'static str,
    pub(crate) up: &'static [&'static str],
    pub(crate) down: &'static [&'static str],
}

impl MigrationName for Steps {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Steps {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(self.up, manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(self.down, manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        // All migrations of a call share one transaction: see `migrate`.
        Some(false)
    }
}

impl Written for Steps {
    fn statements(&self) -> Vec<&'static str> {
        self.up.to_vec()
    }
}

async fn run(statements: &[&str], manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for statement in statements {
        dialect::execute(manager.get_connection(), statement).await?;
    }
    Ok(())
}
