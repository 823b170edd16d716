use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::filter::{conditions, sort_keys};
use crate::name::named_enum;
use crate::{
    Bound, Choice, DeliveryError, DeliveryId, ExecutionId, Filter, InstantBound, JobId, JobStatus,
    OutputDestination, ScheduleId, TextMatch,
};

/// What is told of a job that ended: the envelope of its output. In JSON its keys are in camelCase and its status is in
/// upper case, as in the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// The job.
    pub job: JobId,
    /// The execution that ended it.
    pub execution: ExecutionId,
    /// The task's name; `None` when it is not known any more.
    pub task: Option<String>,
    /// The task's version.
    pub version: Option<String>,
    /// The schedule that made the job, if one did.
    pub schedule: Option<ScheduleId>,
    /// The nominal tick, if the job stands for one.
    pub tick: Option<DateTime<Utc>>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How the job ended.
    #[serde(serialize_with = "in_upper_case")]
    pub status: JobStatus,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// What the task returned, if it did.
    pub output: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn in_upper_case<S: Serializer>(status: &JobStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&status.as_str().to_ascii_uppercase())
}

impl JobResult {
    /// The result of a job that succeeded, of which nothing else is known.
    #[must_use]
    pub const fn completed(
        job: JobId,
        execution: ExecutionId,
        output: Value,
        ended_at: DateTime<Utc>,
    ) -> Self {
        Self {
            job,
            execution,
            task: None,
            version: None,
            schedule: None,
            tick: None,
            attempt: 1,
            status: JobStatus::Completed,
            ended_at,
            error: None,
            output,
        }
    }
}

named_enum! {
    /// Where a delivery stands.
    pub enum DeliveryStatus: "delivery status" {
        /// It waits for its first or next attempt.
        Pending = "pending",
        /// It arrived.
        Delivered = "delivered",
        /// It did not arrive, and there will be no other attempt.
        Failed = "failed",
    }
}

/// One result on its way to one destination: a row of the outbox, written with the result itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The job whose result it is.
    pub job_id: JobId,
    /// The execution whose result it is.
    pub execution_id: ExecutionId,
    /// Where it goes.
    pub destination: OutputDestination,
    /// What is delivered.
    pub payload: JobResult,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts were made.
    pub attempts: u32,
    /// It is not attempted before this instant.
    pub next_attempt_at: DateTime<Utc>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it arrived.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// Which deliveries a list holds.
pub type DeliveryFilter = Filter<DeliveryCondition>;

conditions! {
    /// What a delivery must be to stand in a list.
    pub enum DeliveryCondition {
        /// See [`Delivery::id`].
        Id(Choice<DeliveryId>) = "id",
        /// See [`Delivery::job_id`].
        JobId(Choice<JobId>) = "job_id",
        /// See [`Delivery::execution_id`].
        ExecutionId(Choice<ExecutionId>) = "execution_id",
        /// See [`Delivery::status`].
        Status(Choice<DeliveryStatus>) = "status",
        /// See [`Delivery::attempts`].
        Attempts(Bound<u64>) = "attempts",
        /// See [`Delivery::last_error`].
        LastError(TextMatch) = "last_error",
        /// See [`Delivery::created_at`].
        CreatedAt(InstantBound) = "created_at",
        /// See [`Delivery::delivered_at`].
        DeliveredAt(InstantBound) = "delivered_at",
    }
}

sort_keys! {
    /// What a list of deliveries is sorted by. Ties are broken by id.
    pub enum DeliverySort, by default CreatedAt Descending {
        /// By the time when they were written.
        CreatedAt,
    }
}

/// An attempt at a delivery that is over: a line of its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Which attempt it was, from 1. A delivery that is retried by hand begins again from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: TimeDelta,
    /// What the destination said, or where the result is.
    pub detail: Option<String>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// That a result has left this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReceipt {
    /// What the destination said, or where the result is: `HTTP 204`, the path of a file.
    pub detail: Option<String>,
}

/// Brings a result to its destination, at least once.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OutputDelivery: Send + Sync {
    /// What is wrong with a destination, before anything is delivered to it; `None` when nothing is.
    fn check(&self, destination: &OutputDestination) -> Option<String>;

    /// Makes one attempt. On success the result has left this process.
    async fn deliver(&self, delivery: &Arc<Delivery>) -> Result<DeliveryReceipt, DeliveryError>;
}
