use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Delivery, DeliveryId, JobId, RepositoryError};

/// The table `deliveries`, the outbox. Rows are written with the result: see
/// [`crate::JobRepository::job_settle_many`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeliveryRepository: Send + Sync {
    /// Up to `limit` pending deliveries whose next attempt is due at `now`, oldest first. One whose row cannot be
    /// read is failed, with the reason in its `last_error`, and does not keep the others.
    async fn delivery_list_due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Delivery>, RepositoryError>;

    /// The earliest next attempt of the pending deliveries, if any is pending.
    async fn delivery_next_attempt(&self) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// Brings forward what waits for too long because the clock was ahead when it was written, and has been set back
    /// since: a pending delivery that was not tried yet is due at `now`, another at `latest_retry` at the latest. Says
    /// how many were brought forward.
    async fn delivery_bring_forward(
        &self,
        now: DateTime<Utc>,
        latest_retry: DateTime<Utc>,
    ) -> Result<u64, RepositoryError>;

    /// Writes back `status`, `attempts`, `next_attempt_at`, `last_error` and `delivered_at` after attempts, in one
    /// transaction.
    async fn delivery_settle_many(&self, deliveries: &[Delivery]) -> Result<(), RepositoryError>;

    /// The delivery with this id.
    async fn delivery_find(&self, id: DeliveryId) -> Result<Option<Delivery>, RepositoryError>;

    /// The deliveries of a job's results, oldest first.
    async fn delivery_list_of_job(&self, job_id: JobId) -> Result<Vec<Delivery>, RepositoryError>;
}
