use ratchet_interfaces::{Execution, ExecutionId, JobId, NodeId, RepositoryError};
use sea_orm::entity::prelude::*;

use super::{Reading, reading};

/// The view of all attempts. One that runs is in its job's row, and is written to the table `executions` when it ends:
/// see `job::ended_execution`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub job_id: Uuid,
    pub attempt: i64,
    pub status: String,
    pub input: String,
    pub output: Option<String>,
    pub error: Option<String>,
    pub error_kind: Option<String>,
    pub progress: Option<String>,
    pub started_at: i64,
    pub completed_at: Option<i64>,
    pub duration_us: Option<i64>,
    pub node: Uuid,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) fn read(row: Model) -> Result<Execution, RepositoryError> {
    let Model {
        id,
        job_id,
        attempt,
        status,
        input,
        output,
        error,
        error_kind,
        progress,
        started_at,
        completed_at,
        duration_us,
        node,
    } = row;
    let id = ExecutionId::from_uuid(id);
    let reading = Reading::of("execution", &id);
    Ok(Execution {
        id,
        job_id: JobId::from_uuid(job_id),
        attempt: reading.number("attempt", attempt)?,
        status: reading.name("status", &status)?,
        input: reading.json("input", &input)?,
        output: reading.json_or_none("output", output.as_deref())?,
        error,
        error_kind: reading.name_or_none("error_kind", error_kind.as_deref())?,
        progress: reading.json_or_none("progress", progress.as_deref())?,
        started_at: reading.instant("started_at", started_at)?,
        completed_at: reading.instant_or_none("completed_at", completed_at)?,
        duration: duration_us.map(reading::delta),
        node: NodeId::from_uuid(node),
    })
}
