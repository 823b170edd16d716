use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{IdempotencyClaim, IdempotencyKey, IdempotencyState, KeptAnswer, RepositoryError};

/// The table `idempotency_keys`: the first answers to requests that may be repeated.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait IdempotencyRepository: Send + Sync {
    /// Claims a key, if it is free or has expired. Of several callers at once, one gets it.
    async fn idempotency_claim(&self, claim: &IdempotencyClaim) -> Result<IdempotencyState, RepositoryError>;

    /// Keeps the answer to the request that has claimed the key.
    async fn idempotency_keep(
        &self,
        key: &IdempotencyKey,
        answer: &KeptAnswer,
    ) -> Result<(), RepositoryError>;

    /// Frees a key that has no answer.
    async fn idempotency_release(&self, key: &IdempotencyKey) -> Result<(), RepositoryError>;

    /// Deletes up to `limit` keys that were claimed before an instant, oldest first; says how many.
    async fn idempotency_prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, RepositoryError>;
}
