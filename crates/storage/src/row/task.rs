use ratchet_interfaces::{RepositoryError, Task, TaskDefinition, TaskId};
use sea_orm::entity::prelude::*;

use super::{Reading, json, micros};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub name_lower: String,
    pub version: String,
    pub description: Option<String>,
    pub runtime: String,
    pub registry: String,
    pub input_schema: Option<String>,
    pub output_schema: Option<String>,
    pub metadata: Option<String>,
    pub enabled: bool,
    pub validated_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("name", Kind::Text),
    ("name_lower", Kind::Text),
    ("version", Kind::Text),
    ("description", Kind::Text),
    ("runtime", Kind::Text),
    ("registry", Kind::Text),
    ("input_schema", Kind::Text),
    ("output_schema", Kind::Text),
    ("metadata", Kind::Text),
    ("enabled", Kind::Bool),
    ("validated_at", Kind::Int),
    ("created_at", Kind::Int),
    ("updated_at", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, task: &Task) {
    let Task {
        definition:
            TaskDefinition {
                id,
                name,
                version,
                description,
                runtime,
                input_schema,
                output_schema,
                metadata,
            },
        registry,
        enabled,
        validated_at,
        created_at,
        updated_at,
    } = task;
    batch.push([
        Cell::Id(id.as_uuid()),
        Cell::Text(name),
        Cell::Text(&name.to_lowercase()),
        Cell::Text(version),
        Cell::text(description.as_deref()),
        Cell::Text(runtime),
        Cell::Text(registry),
        Cell::text(input_schema.as_ref().map(json).as_deref()),
        Cell::text(output_schema.as_ref().map(json).as_deref()),
        Cell::text(metadata.as_ref().map(json).as_deref()),
        Cell::bool(*enabled),
        Cell::int(validated_at.map(micros)),
        Cell::Int(micros(*created_at)),
        Cell::Int(micros(*updated_at)),
    ]);
}

pub(crate) fn read(row: Model) -> Result<Task, RepositoryError> {
    let Model {
        id,
        name,
        name_lower: _,
        version,
        description,
        runtime,
        registry,
        input_schema,
        output_schema,
        metadata,
        enabled,
        validated_at,
        created_at,
        updated_at,
    } = row;
    let id = TaskId::from_uuid(id);
    let reading = Reading::of("task", &id);
    Ok(Task {
        definition: TaskDefinition {
            id,
            name,
            version,
            description,
            runtime,
            input_schema: reading.json_or_none("input_schema", input_schema.as_deref())?,
            output_schema: reading.json_or_none("output_schema", output_schema.as_deref())?,
            metadata: reading.json_or_none("metadata", metadata.as_deref())?,
        },
        registry,
        enabled,
        validated_at: reading.instant_or_none("validated_at", validated_at)?,
        created_at: reading.instant("created_at", created_at)?,
        updated_at: reading.instant("updated_at", updated_at)?,
    })
}
