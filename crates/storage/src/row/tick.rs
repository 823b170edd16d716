use ratchet_interfaces::{JobId, RepositoryError, ScheduleId, Tick, TickRecord};
use sea_orm::entity::prelude::*;

use super::{Reading, count, length, micros, reading};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ticks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub schedule_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub scheduled_for: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub request: i64,
    pub through: i64,
    pub tick_count: i64,
    pub outcome: String,
    pub reason: Option<String>,
    pub job_id: Option<Uuid>,
    pub lateness_us: i64,
    pub decided_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("schedule_id", Kind::Id),
    ("scheduled_for", Kind::Int),
    ("request", Kind::Int),
    ("through", Kind::Int),
    ("tick_count", Kind::Int),
    ("outcome", Kind::Text),
    ("reason", Kind::Text),
    ("job_id", Kind::Id),
    ("lateness_us", Kind::Int),
    ("decided_at", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, schedule_id: ScheduleId, request: u32, record: &TickRecord) {
    let TickRecord {
        scheduled_for,
        through,
        count: ticks,
        outcome,
        reason,
        job_id,
        lateness,
        decided_at,
    } = record;
    batch.push([
        Cell::Id(schedule_id.as_uuid()),
        Cell::Int(micros(*scheduled_for)),
        Cell::Int(request.into()),
        Cell::Int(micros(*through)),
        Cell::Int(count(*ticks)),
        Cell::Text(outcome.as_str()),
        Cell::text(reason.as_deref()),
        Cell::id(job_id.map(JobId::as_uuid)),
        Cell::Int(length(*lateness)),
        Cell::Int(micros(*decided_at)),
    ]);
}

pub(crate) fn read(row: Model) -> Result<Tick, RepositoryError> {
    let Model {
        schedule_id,
        scheduled_for,
        request,
        through,
        tick_count,
        outcome,
        reason,
        job_id,
        lateness_us,
        decided_at,
    } = row;
    let schedule_id = ScheduleId::from_uuid(schedule_id);
    let key = format!("{schedule_id} at {scheduled_for}, request {request}");
    let reading = Reading::of("tick", &key);
    Ok(Tick {
        schedule_id,
        request: reading.number("request", request)?,
        record: TickRecord {
            scheduled_for: reading.instant("scheduled_for", scheduled_for)?,
            through: reading.instant("through", through)?,
            count: reading.number("tick_count", tick_count)?,
            outcome: reading.name("outcome", &outcome)?,
            reason: reason.map(Into::into),
            job_id: job_id.map(JobId::from_uuid),
            lateness: reading::delta(lateness_us),
            decided_at: reading.instant("decided_at", decided_at)?,
        },
    })
}
