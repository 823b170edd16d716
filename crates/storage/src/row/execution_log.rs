use ratchet_interfaces::{ExecutionId, ExecutionLogLine, RepositoryError};
use sea_orm::entity::prelude::*;

use super::{Reading, micros};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "execution_logs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub execution_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub seq: i64,
    pub logged_at: i64,
    pub level: String,
    pub message: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("execution_id", Kind::Id),
    ("seq", Kind::Int),
    ("logged_at", Kind::Int),
    ("level", Kind::Text),
    ("message", Kind::Text),
];

pub(crate) fn push(batch: &mut Batch, line: &ExecutionLogLine) {
    let ExecutionLogLine {
        execution_id,
        seq,
        at,
        level,
        message,
    } = line;
    batch.push([
        Cell::Id(execution_id.as_uuid()),
        Cell::Int((*seq).into()),
        Cell::Int(micros(*at)),
        Cell::Text(level.as_str()),
        Cell::Text(message),
    ]);
}

pub(crate) fn read(row: Model) -> Result<ExecutionLogLine, RepositoryError> {
    let Model {
        execution_id,
        seq,
        logged_at,
        level,
        message,
    } = row;
    let execution_id = ExecutionId::from_uuid(execution_id);
    let key = format!("{execution_id}, line {seq}");
    let reading = Reading::of("execution log", &key);
    Ok(ExecutionLogLine {
        execution_id,
        seq: reading.number("seq", seq)?,
        at: reading.instant("logged_at", logged_at)?,
        level: reading.name("level", &level)?,
        message,
    })
}
