//! The database schema of Ratchet's scheduler, migration by migration, for SQLite and PostgreSQL.
//!
//! **Purpose.** A database is brought to the schema that this binary knows, or back, in one transaction; a database
//! that a newer binary has migrated is refused before anything is written to it.
//!
//! **Must not know** anything else of Ratchet. Deliberately absent: the domain types. A migration is history and
//! never changes again, so it spells out the names that an enumeration had on its day.
//!
//! **Lower neighbours**: none.

mod dialect;
mod error;
mod m20261124_000001_create_tables;
mod m20261128_000002_create_security;
mod m20261128_000003_revise_tasks;
mod m20261128_000004_index_lists;
mod m20261128_000005_mark_managed_schedules;
mod m20261128_000006_index_sorts;
mod m20261128_000007_index_blocked;
mod m20261129_000008_count_timing_changes;
mod migrate;
mod migrator;
mod steps;

pub use error::MigrationError;
pub use migrate::{MigrationState, check_not_newer, down, fresh, names, status, up};
pub use migrator::{Migrator, fingerprint};
