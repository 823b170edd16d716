use chrono::{DateTime, Utc};
use ratchet_interfaces::{BusyInstant, ForecastBucket, ForecastTick};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example;

/// The ticks to come of all schedules that fire: each, or how many there are. One of `ticks`, `buckets` and `busiest` is there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Forecast)]
pub(crate) struct ForecastView {
    /// The first instant.
    pub(super) from: DateTime<Utc>,
    /// The first instant that does not belong to it any more.
    #[schema(example = "2026-01-06T08:00:00Z")]
    pub(super) to: DateTime<Utc>,
    /// Each tick, in the order in which they are due.
    pub(super) ticks: Option<Vec<ForecastTickView>>,
    /// When the first tick is due that is not in `ticks` any more, because there are more than `limit`: the `from` of the
    /// next request. The ticks of that very instant may come again.
    pub(super) next: Option<DateTime<Utc>>,
    /// How many ticks are due in each stretch of `bucketSeconds`.
    pub(super) buckets: Option<Vec<ForecastBucketView>>,
    /// The seconds in which most ticks are due, the busiest first.
    pub(super) busiest: Option<Vec<BusyInstantView>>,
}

/// A tick to come.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForecastTick)]
pub(crate) struct ForecastTickView {
    /// When it is due: the nominal instant and the schedule's spread.
    due_at: DateTime<Utc>,
    /// The nominal instant.
    scheduled_for: DateTime<Utc>,
    /// The schedule; null for one that is only thought of.
    #[schema(example = json!(example::SCHEDULE))]
    schedule_id: Option<Uuid>,
    /// Its name.
    #[schema(example = "nightly")]
    name: String,
}

/// How many ticks are due in a stretch of time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForecastBucket)]
pub(crate) struct ForecastBucketView {
    /// Where it begins.
    from: DateTime<Utc>,
    /// How many.
    #[schema(example = 12)]
    ticks: u64,
}

/// A second in which many ticks are due.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BusyInstant)]
pub(crate) struct BusyInstantView {
    /// The second.
    at: DateTime<Utc>,
    /// How many.
    #[schema(example = 12)]
    ticks: u64,
}

impl From<ForecastTick> for ForecastTickView {
    fn from(tick: ForecastTick) -> Self {
        let ForecastTick {
            due_at,
            scheduled_for,
            schedule_id,
            name,
        } = tick;
        Self {
            due_at,
            scheduled_for,
            schedule_id: schedule_id.map(|id| id.as_uuid()),
            name: name.to_string(),
        }
    }
}

impl From<ForecastBucket> for ForecastBucketView {
    fn from(bucket: ForecastBucket) -> Self {
        let ForecastBucket { from, ticks } = bucket;
        Self { from, ticks }
    }
}

impl From<BusyInstant> for BusyInstantView {
    fn from(busy: BusyInstant) -> Self {
        let BusyInstant { at, ticks } = busy;
        Self { at, ticks }
    }
}
