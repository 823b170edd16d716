use ratchet_interfaces::{Delivery, DeliveryId, ExecutionId, JobId, RepositoryError};
use sea_orm::entity::prelude::*;

use super::{Reading, json, micros};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "deliveries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub job_id: Uuid,
    pub execution_id: Uuid,
    pub lane: String,
    pub destination: String,
    pub payload: String,
    pub status: String,
    pub attempts: i64,
    pub waits_since: i64,
    pub next_attempt_at: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub delivered_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("job_id", Kind::Id),
    ("execution_id", Kind::Id),
    ("lane", Kind::Text),
    ("destination", Kind::Text),
    ("payload", Kind::Text),
    ("status", Kind::Text),
    ("attempts", Kind::Int),
    ("waits_since", Kind::Int),
    ("next_attempt_at", Kind::Int),
    ("last_error", Kind::Text),
    ("created_at", Kind::Int),
    ("delivered_at", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, delivery: &Delivery) {
    let Delivery {
        id,
        job_id,
        execution_id,
        destination,
        payload,
        status,
        attempts,
        next_attempt_at,
        last_error,
        created_at,
        delivered_at,
    } = delivery;
    batch.push([
        Cell::Id(id.as_uuid()),
        Cell::Id(job_id.as_uuid()),
        Cell::Id(execution_id.as_uuid()),
        Cell::Text(&destination.lane()),
        Cell::Text(&json(destination)),
        Cell::Text(&json(payload)),
        Cell::Text(status.as_str()),
        Cell::Int((*attempts).into()),
        Cell::Int(micros(*created_at)),
        Cell::Int(micros(*next_attempt_at)),
        Cell::text(last_error.as_deref()),
        Cell::Int(micros(*created_at)),
        Cell::int(delivered_at.map(micros)),
    ]);
}

pub(crate) fn read(row: Model) -> Result<Delivery, RepositoryError> {
    let Model {
        id,
        job_id,
        execution_id,
        lane: _,
        destination,
        payload,
        status,
        attempts,
        waits_since: _,
        next_attempt_at,
        last_error,
        created_at,
        delivered_at,
    } = row;
    let id = DeliveryId::from_uuid(id);
    let reading = Reading::of("delivery", &id);
    Ok(Delivery {
        id,
        job_id: JobId::from_uuid(job_id),
        execution_id: ExecutionId::from_uuid(execution_id),
        destination: reading.json("destination", &destination)?,
        payload: reading.json("payload", &payload)?,
        status: reading.name("status", &status)?,
        attempts: reading.number("attempts", attempts)?,
        next_attempt_at: reading.instant("next_attempt_at", next_attempt_at)?,
        last_error,
        created_at: reading.instant("created_at", created_at)?,
        delivered_at: reading.instant_or_none("delivered_at", delivered_at)?,
    })
}
