use std::time::Duration;

use async_trait::async_trait;

use crate::{NodeId, RepositoryError};

/// The table `leases`: who may do what only one may do. Deadlines are on the database's clock.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LeaseRepository: Send + Sync {
    /// Takes the lease if it is free, expired or already `holder`'s, for `ttl` from now. Returns the term if it is
    /// held: the term is raised whenever the holder changes or an expired lease is taken again, so that work of an
    /// earlier term can be told and refused. `None` if another holds it.
    async fn lease_acquire(
        &self,
        name: &str,
        holder: NodeId,
        ttl: Duration,
    ) -> Result<Option<u64>, RepositoryError>;

    /// Gives the lease up; says whether it was `holder`'s and unexpired.
    async fn lease_release(&self, name: &str, holder: NodeId) -> Result<bool, RepositoryError>;
}
