use async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::m20261124_000001_create_tables;

/// Every migration, in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261124_000001_create_tables::CreateTables)]
    }
}
