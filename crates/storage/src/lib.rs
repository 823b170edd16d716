//! SeaORM repositories of Ratchet's scheduler, for an embedded SQLite file and for PostgreSQL.
//!
//! **Purpose.** Every repository trait of `ratchet-interfaces`, written once over both databases, behind
//! [`Database::repositories`]. A verb that touches several tables does so in one transaction; on SQLite, verbs that
//! arrive together share one commit.
//!
//! **Must not know** HTTP, the engine, what time it is (instants are arguments, and leases run on the database's
//! clock). Deliberately absent: any decision. When a tick is due, when a job is retried and when an attempt counts
//! as failed is decided above; here it is made durable, if what was decided upon still holds.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-migrations`.
//!
//! | item | what it is |
//! |---|---|
//! | [`Database`] | an open database: migrations, lock, repositories |
//! | [`DatabaseUrl`] | where a database is, parsed |
//! | [`DatabaseLock`] | held by the one server that may use the database |
//! | [`Examination`] | what can be told of a database without changing it |
//! | [`Backup`], [`restore`] | whole copies of a SQLite database, and the way back |
//! | [`StorageError`] | why a database could not be opened, migrated, locked |
//! | `test_support` | private databases for tests (feature `test-support`) |

mod audit;
mod backup;
mod batch;
mod database;
mod database_url;
mod delivery;
mod error;
mod examination;
mod execution;
mod fact;
mod factory;
mod failure;
mod idempotency;
mod job;
mod lease;
mod list;
mod lock;
mod paging;
mod postgres;
#[cfg(test)]
mod query_plan;
mod reader;
mod restriction;
mod row;
mod schedule;
mod sqlite;
mod statement_count;
mod store;
mod task;
#[cfg(feature = "test-support")]
pub mod test_support;
mod tick;
mod token;
mod totals;
mod writer;

pub use backup::{Backup, BackupError, Checked, Restored, restore};
pub use database::Database;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use error::StorageError;
pub use examination::{Examination, Findings};
pub use lock::DatabaseLock;
pub use ratchet_migrations::{MigrationError, MigrationState};
