use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    Delivery, DeliveryAttempt, DeliveryFilter, DeliveryId, DeliverySort, JobId, Page, PageRequest,
    RepositoryError,
};

/// The tables `deliveries`, the outbox, and `delivery_attempts`, its history. Deliveries are written with the result:
/// see [`crate::JobRepository::job_settle_many`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeliveryRepository: Send + Sync {
    /// Up to `limit` pending deliveries whose next attempt is due at `now`, oldest first, without those that are under
    /// way and those whose [`lane`](crate::OutputDestination::lane) is full. One whose row cannot be read is failed,
    /// with the reason in its `last_error`, and does not keep the others.
    async fn delivery_list_due(
        &self,
        now: DateTime<Utc>,
        limit: u32,
        under_way: &[DeliveryId],
        full_lanes: &[String],
    ) -> Result<Vec<Delivery>, RepositoryError>;

    /// The earliest next attempt of the pending deliveries that is later than `now`, if there is one.
    async fn delivery_next_attempt(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, RepositoryError>;

    /// Brings forward what waits for too long because the clock was ahead when it was written, and has been set back
    /// since: a pending delivery that was not tried yet is due at `now`, and one that was is due as long after `now` as
    /// it was due after its last attempt. Says how many were brought forward.
    async fn delivery_bring_forward(&self, now: DateTime<Utc>) -> Result<u64, RepositoryError>;

    /// Writes back `status`, `attempts`, `next_attempt_at`, `last_error` and `delivered_at` after attempts, and the
    /// attempts themselves, in one transaction. What was deleted meanwhile is left out. A call that is repeated because
    /// its answer was lost writes nothing twice.
    async fn delivery_settle_many(
        &self,
        settled: &[(Delivery, DeliveryAttempt)],
    ) -> Result<(), RepositoryError>;

    /// The delivery with this id.
    async fn delivery_find(&self, id: DeliveryId) -> Result<Option<Delivery>, RepositoryError>;

    /// A page of the deliveries that match, and how many match.
    async fn delivery_list(
        &self,
        filter: &DeliveryFilter,
        sort: DeliverySort,
        request: PageRequest,
    ) -> Result<Page<Delivery>, RepositoryError>;

    /// The deliveries of a job's results, oldest first.
    async fn delivery_list_of_job(&self, job_id: JobId) -> Result<Vec<Delivery>, RepositoryError>;

    /// The history of a delivery, oldest first.
    async fn delivery_attempt_list(
        &self,
        id: DeliveryId,
        request: PageRequest,
    ) -> Result<Page<DeliveryAttempt>, RepositoryError>;

    /// Has a delivery that failed begin again from its first attempt, which is due at `now`. False when there is none, or
    /// it has not failed. Whoever calls it raises the signal that deliveries are available.
    async fn delivery_retry(&self, id: DeliveryId, now: DateTime<Utc>) -> Result<bool, RepositoryError>;
}
