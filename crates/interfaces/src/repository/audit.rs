use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{AuditEntry, AuditFilter, Page, PageRequest, RepositoryError};

/// The table `audit_entries`. Nothing changes an entry.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Adds an entry, or replaces the one with its id.
    async fn audit_write(&self, entry: &AuditEntry) -> Result<(), RepositoryError>;

    /// A page of the entries that match, newest first, and how many match.
    async fn audit_list(
        &self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, RepositoryError>;

    /// Deletes up to `limit` entries of before an instant, oldest first; says how many.
    async fn audit_prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, RepositoryError>;
}
