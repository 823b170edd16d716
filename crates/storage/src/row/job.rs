use ratchet_interfaces::{JobId, NodeId, OutputDestination, RepositoryError, ScheduleId, TaskId, UnifiedJob};
use sea_orm::entity::prelude::*;

use super::{Reading, json, micros, rank};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub schedule_id: Option<Uuid>,
    pub scheduled_for: Option<i64>,
    pub origin: String,
    pub request: i64,
    pub task_id: Uuid,
    pub input: String,
    pub priority: i16,
    pub status: String,
    pub attempts: i64,
    pub retry_count: i64,
    pub max_retries: i64,
    pub run_after: i64,
    pub lease_owner: Option<Uuid>,
    pub lease_until: Option<i64>,
    pub timeout_seconds: Option<i64>,
    pub stop_requested_at: Option<i64>,
    pub error: Option<String>,
    pub output_destinations: String,
    pub queued_at: i64,
    pub started_at: Option<i64>,
    pub completed_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("schedule_id", Kind::Id),
    ("scheduled_for", Kind::Int),
    ("origin", Kind::Text),
    ("request", Kind::Int),
    ("task_id", Kind::Id),
    ("input", Kind::Text),
    ("priority", Kind::Small),
    ("status", Kind::Text),
    ("attempts", Kind::Int),
    ("retry_count", Kind::Int),
    ("max_retries", Kind::Int),
    ("run_after", Kind::Int),
    ("lease_owner", Kind::Id),
    ("lease_until", Kind::Int),
    ("timeout_seconds", Kind::Int),
    ("stop_requested_at", Kind::Int),
    ("error", Kind::Text),
    ("output_destinations", Kind::Text),
    ("queued_at", Kind::Int),
    ("started_at", Kind::Int),
    ("completed_at", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, job: &UnifiedJob) {
    let UnifiedJob {
        id,
        schedule_id,
        scheduled_for,
        origin,
        request,
        task_id,
        input,
        priority,
        status,
        attempts,
        retry_count,
        max_retries,
        run_after,
        lease_owner,
        lease_until,
        timeout_seconds,
        stop_requested_at,
        error,
        output_destinations,
        queued_at,
        started_at,
        completed_at,
    } = job;
    batch.push([
        Cell::Id(id.as_uuid()),
        Cell::id(schedule_id.map(ScheduleId::as_uuid)),
        Cell::int(scheduled_for.map(micros)),
        Cell::Text(origin.as_str()),
        Cell::Int((*request).into()),
        Cell::Id(task_id.as_uuid()),
        Cell::Text(&json(input)),
        Cell::Int(rank(*priority).into()),
        Cell::Text(status.as_str()),
        Cell::Int((*attempts).into()),
        Cell::Int((*retry_count).into()),
        Cell::Int((*max_retries).into()),
        Cell::Int(micros(*run_after)),
        Cell::id(lease_owner.map(NodeId::as_uuid)),
        Cell::int(lease_until.map(micros)),
        Cell::int(timeout_seconds.map(i64::from)),
        Cell::int(stop_requested_at.map(micros)),
        Cell::text(error.as_deref()),
        Cell::Text(&json(output_destinations)),
        Cell::Int(micros(*queued_at)),
        Cell::int(started_at.map(micros)),
        Cell::int(completed_at.map(micros)),
    ]);
}

pub(crate) fn read(row: Model) -> Result<UnifiedJob, RepositoryError> {
    let Model {
        id,
        schedule_id,
        scheduled_for,
        origin,
        request,
        task_id,
        input,
        priority,
        status,
        attempts,
        retry_count,
        max_retries,
        run_after,
        lease_owner,
        lease_until,
        timeout_seconds,
        stop_requested_at,
        error,
        output_destinations,
        queued_at,
        started_at,
        completed_at,
    } = row;
    let id = JobId::from_uuid(id);
    let reading = Reading::of("job", &id);
    Ok(UnifiedJob {
        id,
        schedule_id: schedule_id.map(ScheduleId::from_uuid),
        scheduled_for: reading.instant_or_none("scheduled_for", scheduled_for)?,
        origin: reading.name("origin", &origin)?,
        request: reading.number("request", request)?,
        task_id: TaskId::from_uuid(task_id),
        input: reading.json("input", &input)?,
        priority: reading.priority(priority)?,
        status: reading.name("status", &status)?,
        attempts: reading.number("attempts", attempts)?,
        retry_count: reading.number("retry_count", retry_count)?,
        max_retries: reading.number("max_retries", max_retries)?,
        run_after: reading.instant("run_after", run_after)?,
        lease_owner: lease_owner.map(NodeId::from_uuid),
        lease_until: reading.instant_or_none("lease_until", lease_until)?,
        timeout_seconds: timeout_seconds
            .map(|seconds| reading.number("timeout_seconds", seconds))
            .transpose()?,
        stop_requested_at: reading.instant_or_none("stop_requested_at", stop_requested_at)?,
        error,
        output_destinations: reading
            .json::<Vec<OutputDestination>>("output_destinations", &output_destinations)?,
        queued_at: reading.instant("queued_at", queued_at)?,
        started_at: reading.instant_or_none("started_at", started_at)?,
        completed_at: reading.instant_or_none("completed_at", completed_at)?,
    })
}
