use chrono::{DateTime, Utc};
use ratchet_interfaces::{Choice, Delivery, DeliveryCondition, DeliverySort, DeliveryStatus, JobId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::destination::Destination;
use crate::envelope::Many;
use crate::error::{ApiError, ErrorEnvelope};
use crate::example;
use crate::id::PathId;
use crate::jobs::TAG;
use crate::jobs::read::stored;
use crate::list::{ListQuery, Listed, Offer, Sort, field};
use crate::named::{DeliveryStatusName, Name};
use crate::readable::Readable;
use crate::state::Services;

/// The list of the deliveries of a job's results.
#[derive(Debug)]
pub(crate) struct Deliveries;

impl Listed for Deliveries {
    type Condition = DeliveryCondition;
    type Sort = DeliverySort;
    const OFFER: Offer<DeliveryCondition, DeliverySort> = Offer {
        fields: &[
            &field("id", DeliveryCondition::Id, "The id"),
            &field(
                "executionId",
                DeliveryCondition::ExecutionId,
                "The execution whose result it is",
            ),
            &field("status", DeliveryCondition::Status, "Where it stands"),
            &field(
                "attempts",
                DeliveryCondition::Attempts,
                "How many attempts were made",
            ),
            &field(
                "lastError",
                DeliveryCondition::LastError,
                "Why the last attempt failed",
            ),
            &field("createdAt", DeliveryCondition::CreatedAt, "When it was written"),
            &field("deliveredAt", DeliveryCondition::DeliveredAt, "When it arrived"),
        ],
        sorts: &[Sort::by("createdAt", DeliverySort::CreatedAt)],
        default_order: "by `createdAt`, newest first",
    };
}

/// A result on its way to one destination.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Its id.
    #[schema(example = json!(example::DELIVERY))]
    id: Uuid,
    /// The job whose result it is.
    job_id: Uuid,
    /// The execution whose result it is.
    execution_id: Uuid,
    /// Where it goes. Secrets are masked.
    destination: Destination,
    /// How far it is.
    status: DeliveryStatusName,
    /// How many attempts were made.
    #[schema(example = 1)]
    attempts: u32,
    /// When it is attempted next; null if it will not be.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed.
    #[schema(example = json!(null))]
    last_error: Option<String>,
    /// When it was written, with the result.
    created_at: DateTime<Utc>,
    /// When it arrived.
    #[schema(example = "2026-01-05T08:00:01Z")]
    delivered_at: Option<DateTime<Utc>>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let Delivery {
            id,
            job_id,
            execution_id,
            destination,
            payload: _,
            status,
            attempts,
            next_attempt_at,
            last_error,
            created_at,
            delivered_at,
        } = delivery;
        Self {
            id: id.as_uuid(),
            job_id: job_id.as_uuid(),
            execution_id: execution_id.as_uuid(),
            destination: Destination(destination),
            status: Name(status),
            attempts,
            next_attempt_at: (status == DeliveryStatus::Pending).then_some(next_attempt_at),
            last_error,
            created_at,
            delivered_at,
        }
    }
}

/// What became of a job's results on their way to their destinations, newest first.
#[utoipa::path(
    get,
    path = "/jobs/{id}/deliveries",
    tag = TAG,
    operation_id = "jobs_deliveries",
    params(("id" = Uuid, Path), ListQuery<Deliveries>),
    responses(
        (status = 200, body = Many<DeliveryView>),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
        (status = 404, body = ErrorEnvelope),
    )
)]
pub(super) async fn list(
    services: Services,
    PathId(id): PathId<JobId>,
    query: ListQuery<Deliveries>,
) -> Result<Many<DeliveryView>, ApiError> {
    let job = stored(&services, id).await?;
    let filter = query.filter.and(DeliveryCondition::JobId(Choice::Is(job.id)));
    let deliveries = services.repositories.deliveries();
    let list = |request| deliveries.delivery_list(&filter, query.sort, request);
    let page = Readable::read(query.page, list).await?.map(DeliveryView::from);
    Ok(Many::new("deliveries", page, query.page, services.clock.now()))
}
