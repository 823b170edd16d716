use async_trait::async_trait;

use crate::{Fact, RepositoryError};

/// The table `facts`: the few things that are true of the whole database.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FactRepository: Send + Sync {
    /// What is known of it.
    async fn fact_find(&self, fact: Fact) -> Result<Option<String>, RepositoryError>;

    /// Writes facts, all in one transaction.
    async fn fact_store(&self, facts: &[(Fact, String)]) -> Result<(), RepositoryError>;
}
