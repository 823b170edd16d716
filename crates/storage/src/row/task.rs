use ratchet_interfaces::{RepositoryError, Task, TaskDefinition, TaskId, TaskLimits};
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
    pub label: Option<String>,
    pub description: Option<String>,
    pub tags: String,
    pub runtime: String,
    pub source: Option<String>,
    pub registry: String,
    pub input_schema: Option<String>,
    pub output_schema: Option<String>,
    pub timeout_seconds: Option<i64>,
    pub memory_bytes: Option<i64>,
    pub max_concurrent: Option<i64>,
    pub max_per_key: Option<i64>,
    pub gate: Option<String>,
    pub retry: Option<String>,
    pub metadata: Option<String>,
    pub enabled: bool,
    pub removed_at: Option<i64>,
    pub validated_at: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub revision: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(crate) const COLUMNS: &[BatchColumn] = &[
    ("id", Kind::Id),
    ("name", Kind::Text),
    ("name_lower", Kind::Text),
    ("version", Kind::Text),
    ("label", Kind::Text),
    ("description", Kind::Text),
    ("tags", Kind::Text),
    ("runtime", Kind::Text),
    ("source", Kind::Text),
    ("registry", Kind::Text),
    ("input_schema", Kind::Text),
    ("output_schema", Kind::Text),
    ("timeout_seconds", Kind::Int),
    ("memory_bytes", Kind::Int),
    ("max_concurrent", Kind::Int),
    ("max_per_key", Kind::Int),
    ("gate", Kind::Text),
    ("retry", Kind::Text),
    ("metadata", Kind::Text),
    ("enabled", Kind::Bool),
    ("removed_at", Kind::Int),
    ("validated_at", Kind::Int),
    ("created_at", Kind::Int),
    ("updated_at", Kind::Int),
    ("revision", Kind::Int),
];

pub(crate) fn push(batch: &mut Batch, task: &Task) {
    let Task {
        definition:
            TaskDefinition {
                id,
                name,
                version,
                label,
                description,
                tags,
                runtime,
                source,
                input_schema,
                output_schema,
                limits:
                    TaskLimits {
                        timeout_seconds,
                        memory_bytes,
                        max_concurrent,
                        max_per_key,
                    },
                retry,
                metadata,
            },
        registry,
        enabled,
        removed_at,
        validated_at,
        created_at,
        updated_at,
        revision,
    } = task;
    batch.push([
        Cell::Id(id.as_uuid()),
        Cell::Text(name),
        Cell::Text(&name.to_lowercase()),
        Cell::Text(version),
        Cell::text(label.as_deref()),
        Cell::text(description.as_deref()),
        Cell::Text(&json(tags)),
        Cell::Text(runtime),
        Cell::text(source.as_deref()),
        Cell::Text(registry),
        Cell::text(input_schema.as_ref().map(json).as_deref()),
        Cell::text(output_schema.as_ref().map(json).as_deref()),
        Cell::int(timeout_seconds.map(i64::from)),
        Cell::int(memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))),
        Cell::int(max_concurrent.map(i64::from)),
        Cell::int(max_per_key.map(i64::from)),
        Cell::text(max_concurrent.map(|_| format!("task {id}")).as_deref()),
        Cell::text(retry.as_ref().map(json).as_deref()),
        Cell::text(metadata.as_ref().map(json).as_deref()),
        Cell::bool(*enabled),
        Cell::int(removed_at.map(micros)),
        Cell::int(validated_at.map(micros)),
        Cell::Int(micros(*created_at)),
        Cell::Int(micros(*updated_at)),
        Cell::Int((*revision).into()),
    ]);
}

pub(crate) fn read(row: Model) -> Result<Task, RepositoryError> {
    let Model {
        id,
        name,
        name_lower: _,
        version,
        label,
        description,
        tags,
        runtime,
        source,
        registry,
        input_schema,
        output_schema,
        timeout_seconds,
        memory_bytes,
        max_concurrent,
        max_per_key,
        gate: _,
        retry,
        metadata,
        enabled,
        removed_at,
        validated_at,
        created_at,
        updated_at,
        revision,
    } = row;
    let id = TaskId::from_uuid(id);
    let reading = Reading::of("task", &id);
    Ok(Task {
        definition: TaskDefinition {
            id,
            name,
            version,
            label,
            description,
            tags: reading.json("tags", &tags)?,
            runtime,
            source,
            input_schema: reading.json_or_none("input_schema", input_schema.as_deref())?,
            output_schema: reading.json_or_none("output_schema", output_schema.as_deref())?,
            limits: TaskLimits {
                timeout_seconds: reading.number_or_none("timeout_seconds", timeout_seconds)?,
                memory_bytes: reading.number_or_none("memory_bytes", memory_bytes)?,
                max_concurrent: reading.number_or_none("max_concurrent", max_concurrent)?,
                max_per_key: reading.number_or_none("max_per_key", max_per_key)?,
            },
            retry: reading.json_or_none("retry", retry.as_deref())?,
            metadata: reading.json_or_none("metadata", metadata.as_deref())?,
        },
        registry,
        enabled,
        removed_at: reading.instant_or_none("removed_at", removed_at)?,
        validated_at: reading.instant_or_none("validated_at", validated_at)?,
        created_at: reading.instant("created_at", created_at)?,
        updated_at: reading.instant("updated_at", updated_at)?,
        revision: reading.number("revision", revision)?,
    })
}
