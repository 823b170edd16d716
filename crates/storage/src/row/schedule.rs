use ratchet_interfaces::{OutputDestination, RepositoryError, ScheduleId, TaskId, UnifiedSchedule};
use sea_orm::entity::prelude::*;

use super::{Reading, count, destinations, json, micros, rank};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "schedules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub task_id: Uuid,
    pub name: String,
    pub name_lower: String,
    pub description: Option<String>,
    pub cron_expression: String,
    pub timezone: String,
    pub input: String,
    pub enabled: bool,
    pub state: String,
    pub state_reason: Option<String>,
    pub misfire_policy: String,
    pub priority: i16,
    pub max_retries: i64,
    pub timeout_seconds: Option<i64>,
    pub next_run: Option<i64>,
    pub last_run: Option<i64>,
    pub run_count: i64,
    pub output_destinations: String,
    pub metadata: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("task_id", Kind::Id),
    ("name", Kind::Text),
    ("name_lower", Kind::Text),
    ("description", Kind::Text),
    ("cron_expression", Kind::Text),
    ("timezone", Kind::Text),
    ("input", Kind::Text),
    ("enabled", Kind::Bool),
    ("state", Kind::Text),
    ("state_reason", Kind::Text),
    ("misfire_policy", Kind::Text),
    ("priority", Kind::Small),
    ("max_retries", Kind::Int),
    ("timeout_seconds", Kind::Int),
    ("next_run", Kind::Int),
    ("last_run", Kind::Int),
    ("run_count", Kind::Int),
    ("output_destinations", Kind::Text),
    ("metadata", Kind::Text),
    ("version", Kind::Int),
    ("created_at", Kind::Int),
    ("updated_at", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, schedule: &UnifiedSchedule) {
    let UnifiedSchedule {
        id,
        task_id,
        name,
        description,
        cron_expression,
        timezone,
        input,
        enabled,
        state,
        state_reason,
        misfire_policy,
        priority,
        max_retries,
        timeout_seconds,
        next_run,
        last_run,
        run_count,
        output_destinations,
        metadata,
        version,
        created_at,
        updated_at,
    } = schedule;
    batch.push([
        Cell::Id(id.as_uuid()),
        Cell::Id(task_id.as_uuid()),
        Cell::Text(name),
        Cell::Text(&name.to_lowercase()),
        Cell::text(description.as_deref()),
        Cell::Text(cron_expression),
        Cell::Text(timezone),
        Cell::Text(&json(input)),
        Cell::bool(*enabled),
        Cell::Text(state.as_str()),
        Cell::text(state_reason.as_deref()),
        Cell::Text(misfire_policy.as_str()),
        Cell::Int(rank(*priority).into()),
        Cell::Int((*max_retries).into()),
        Cell::int(timeout_seconds.map(i64::from)),
        Cell::int(next_run.map(micros)),
        Cell::int(last_run.map(micros)),
        Cell::Int(count(*run_count)),
        Cell::Text(&destinations(output_destinations)),
        Cell::text(metadata.as_ref().map(json).as_deref()),
        Cell::Int((*version).into()),
        Cell::Int(micros(*created_at)),
        Cell::Int(micros(*updated_at)),
    ]);
}

pub(crate) fn read(row: Model) -> Result<UnifiedSchedule, RepositoryError> {
    let Model {
        id,
        task_id,
        name,
        name_lower: _,
        description,
        cron_expression,
        timezone,
        input,
        enabled,
        state,
        state_reason,
        misfire_policy,
        priority,
        max_retries,
        timeout_seconds,
        next_run,
        last_run,
        run_count,
        output_destinations,
        metadata,
        version,
        created_at,
        updated_at,
    } = row;
    let id = ScheduleId::from_uuid(id);
    let reading = Reading::of("schedule", &id);
    Ok(UnifiedSchedule {
        id,
        task_id: TaskId::from_uuid(task_id),
        name,
        description,
        cron_expression,
        timezone,
        input: reading.json("input", &input)?,
        enabled,
        state: reading.name("state", &state)?,
        state_reason,
        misfire_policy: reading.name("misfire_policy", &misfire_policy)?,
        priority: reading.priority(priority)?,
        max_retries: reading.number("max_retries", max_retries)?,
        timeout_seconds: timeout_seconds
            .map(|seconds| reading.number("timeout_seconds", seconds))
            .transpose()?,
        next_run: reading.instant_or_none("next_run", next_run)?,
        last_run: reading.instant_or_none("last_run", last_run)?,
        run_count: reading.number("run_count", run_count)?,
        output_destinations: reading
            .json::<Vec<OutputDestination>>("output_destinations", &output_destinations)?,
        metadata: reading.json_or_none("metadata", metadata.as_deref())?,
        version: reading.number("version", version)?,
        created_at: reading.instant("created_at", created_at)?,
        updated_at: reading.instant("updated_at", updated_at)?,
    })
}
