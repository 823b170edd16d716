use ratchet_interfaces::{DeliveryAttempt, DeliveryId, RepositoryError};
use sea_orm::entity::prelude::*;

use super::reading::delta;
use super::{Reading, length, micros};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub started_at: i64,
    pub attempt: i64,
    pub duration_us: i64,
    pub detail: Option<String>,
    pub error: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("delivery_id", Kind::Id),
    ("started_at", Kind::Int),
    ("attempt", Kind::Int),
    ("duration_us", Kind::Int),
    ("detail", Kind::Text),
    ("error", Kind::Text),
];

pub(crate) fn push(batch: &mut Batch, attempt: &DeliveryAttempt) {
    let DeliveryAttempt {
        delivery_id,
        attempt,
        started_at,
        duration,
        detail,
        error,
    } = attempt;
    batch.push([
        Cell::Id(delivery_id.as_uuid()),
        Cell::Int(micros(*started_at)),
        Cell::Int((*attempt).into()),
        Cell::Int(length(*duration)),
        Cell::text(detail.as_deref()),
        Cell::text(error.as_deref()),
    ]);
}

pub(crate) fn read(row: Model) -> Result<DeliveryAttempt, RepositoryError> {
    let Model {
        delivery_id,
        started_at,
        attempt,
        duration_us,
        detail,
        error,
    } = row;
    let delivery_id = DeliveryId::from_uuid(delivery_id);
    let reading = Reading::of("attempt at delivery", &delivery_id);
    Ok(DeliveryAttempt {
        delivery_id,
        attempt: reading.number("attempt", attempt)?,
        started_at: reading.instant("started_at", started_at)?,
        duration: delta(duration_us),
        detail,
        error,
    })
}
