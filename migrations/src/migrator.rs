use std::hash::{DefaultHasher, Hash, Hasher};

use async_trait::async_trait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::dialect::WORDS;
use crate::m20261124_000001_create_tables::CreateTables;
use crate::m20261128_000002_create_security::CreateSecurity;
use crate::m20261128_000003_revise_tasks::REVISE_TASKS;
use crate::m20261128_000004_index_lists::INDEX_LISTS;
use crate::m20261128_000005_mark_managed_schedules::MARK_MANAGED_SCHEDULES;
use crate::m20261128_000006_index_sorts::INDEX_SORTS;
use crate::m20261128_000007_index_blocked::INDEX_BLOCKED;
use crate::m20261129_000008_count_timing_changes::COUNT_TIMING_CHANGES;

/// Every migration, in order.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

/// A migration that tells its statements.
pub(crate) trait Written: MigrationTrait {
    fn statements(&self) -> Vec<&'static str>;
}

fn written() -> Vec<Box<dyn Written>> {
    vec![
        Box::new(CreateTables),
        Box::new(CreateSecurity),
        Box::new(REVISE_TASKS),
        Box::new(INDEX_LISTS),
        Box::new(MARK_MANAGED_SCHEDULES),
        Box::new(INDEX_SORTS),
        Box::new(INDEX_BLOCKED),
        Box::new(COUNT_TIMING_CHANGES),
    ]
}

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        written()
            .into_iter()
            .map(|migration| -> Box<dyn MigrationTrait> { migration })
            .collect()
    }
}

/// A number that differs when any statement of any migration does. Tests keep a migrated database under it.
#[must_use]
pub fn fingerprint() -> u64 {
    let mut hasher = DefaultHasher::new();
    WORDS.hash(&mut hasher);
    for migration in written() {
        migration.name().hash(&mut hasher);
        migration.statements().hash(&mut hasher);
    }
    hasher.finish()
}
