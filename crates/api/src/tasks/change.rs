use chrono::{DateTime, SubsecRound, Utc};
use ratchet_interfaces::{Task, TaskDefinition, TaskId, ValidationIssue};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::body::{nullable, present};
use crate::error::ApiError;
use crate::example;
use crate::state::Services;

/// The most characters of a name.
const LONGEST_NAME: usize = 200;
/// The most characters of a version.
const LONGEST_VERSION: usize = 100;
/// The most characters of a description.
const LONGEST_TEXT: usize = 10_000;
/// What runs the code that the API keeps.
const RUNTIME: &str = "javascript";

/// A task that is to be created, and kept in the database.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTask {
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "add")]
    name: String,
    /// Name and version together are unique.
    #[schema(min_length = 1, max_length = 100, example = "1.0.0")]
    version: String,
    /// What it does.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    /// Whether jobs of it may run.
    #[schema(default = true)]
    enabled: Option<bool>,
    /// JSON Schema of the input of its jobs.
    #[schema(value_type = Option<Value>)]
    input_schema: Option<Value>,
    /// JSON Schema of what it returns.
    #[schema(value_type = Option<Value>)]
    output_schema: Option<Value>,
    /// Anything that its owner wants to keep with it.
    #[schema(value_type = Option<Value>)]
    metadata: Option<Value>,
    /// Its program, in JavaScript; `code` is the same. Without one its jobs fail, and say so.
    #[serde(alias = "code")]
    #[schema(example = json!(example::SOURCE_CODE))]
    source_code: Option<String>,
}

impl CreateTask {
    pub(super) fn checked(self, services: &Services) -> Result<Task, ApiError> {
        let Self {
            name,
            version,
            description,
            enabled,
            input_schema,
            output_schema,
            metadata,
            source_code,
        } = self;
        let now = now(services);
        let definition = TaskDefinition {
            description,
            input_schema,
            output_schema,
            metadata,
            ..TaskDefinition::new(TaskId::new(), name, version, TaskDefinition::NO_CODE)
        };
        let task = Task {
            enabled: enabled.unwrap_or(true),
            validated_at: Some(now),
            ..Task::new(with_source(definition, source_code), Task::DATABASE, now)
        };
        check(services, &task.definition)?;
        Ok(task)
    }
}

/// Changes of a task. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PatchTask {
    /// Its name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Its version: name and version together are unique.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    version: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, max_length = 10_000, example = "Adds two numbers")]
    description: Option<Option<String>>,
    /// The one thing that can be changed of a task that the API does not keep.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Value>)]
    input_schema: Option<Option<Value>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Value>)]
    output_schema: Option<Option<Value>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Value>)]
    metadata: Option<Option<Value>>,
    /// Its program, in JavaScript; `code` is the same. Null takes it away.
    #[serde(default, alias = "code", deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    source_code: Option<Option<String>>,
}

impl PatchTask {
    /// The task with these changes.
    pub(super) fn applied_to(self, before: Task, services: &Services) -> Result<Task, ApiError> {
        let given = self.first_of_definition();
        let Self {
            name,
            version,
            description,
            enabled,
            input_schema,
            output_schema,
            metadata,
            source_code,
        } = self;
        let now = now(services);
        let task = Task {
            enabled: enabled.unwrap_or(before.enabled),
            updated_at: now,
            ..before
        };
        let Some(field) = given else {
            return Ok(task);
        };
        if !task.is_of_database() {
            return Err(ApiError::conflict(format!(
                "{field}: registry {} has task {} {}: change it there; only `enabled` can be changed here",
                task.registry, task.definition.name, task.definition.version
            )));
        }
        let before = task.definition;
        let definition = TaskDefinition {
            name: name.unwrap_or(before.name),
            version: version.unwrap_or(before.version),
            description: description.unwrap_or(before.description),
            input_schema: input_schema.unwrap_or(before.input_schema),
            output_schema: output_schema.unwrap_or(before.output_schema),
            metadata: metadata.unwrap_or(before.metadata),
            ..before
        };
        let definition = match source_code {
            None => definition,
            Some(source) => with_source(definition, source),
        };
        check(services, &definition)?;
        Ok(Task {
            definition,
            validated_at: Some(now),
            ..task
        })
    }

    /// The first field that is given of what a registry says of a task.
    fn first_of_definition(&self) -> Option<&'static str> {
        let fields = [
            ("name", self.name.is_some()),
            ("version", self.version.is_some()),
            ("description", self.description.is_some()),
            ("inputSchema", self.input_schema.is_some()),
            ("outputSchema", self.output_schema.is_some()),
            ("metadata", self.metadata.is_some()),
            ("sourceCode", self.source_code.is_some()),
        ];
        fields
            .into_iter()
            .find(|(_, is_given)| *is_given)
            .map(|(field, _)| field)
    }
}

fn with_source(definition: TaskDefinition, source: Option<String>) -> TaskDefinition {
    let runtime = match source {
        Some(_) => RUNTIME,
        None => TaskDefinition::NO_CODE,
    };
    TaskDefinition {
        runtime: runtime.to_owned(),
        source,
        ..definition
    }
}

/// As it is stored.
pub(super) fn now(services: &Services) -> DateTime<Utc> {
    services.clock.now().trunc_subsecs(6)
}

/// Refuses a definition that is not in order, naming the first field and what is wrong with it.
fn check(services: &Services, definition: &TaskDefinition) -> Result<(), ApiError> {
    identifier("name", &definition.name, LONGEST_NAME)?;
    identifier("version", &definition.version, LONGEST_VERSION)?;
    let length = definition.description.as_deref().unwrap_or("").chars().count();
    if length > LONGEST_TEXT {
        let rule = format!("it has {length} characters: at most {LONGEST_TEXT} are allowed");
        return Err(ApiError::invalid("description", rule));
    }
    if definition.folder().is_some() {
        let rule = format!(
            "it has the key \"{}\", by which a registry says where a task lies: use another",
            TaskDefinition::FOLDER
        );
        return Err(ApiError::invalid("metadata", rule));
    }
    let issues = services.validator.validate_task(definition);
    let Some(first) = issues.first() else {
        return Ok(());
    };
    let field = wire_name(&first.field);
    let words: Vec<&str> = issues
        .iter()
        .filter(|issue| wire_name(&issue.field) == field)
        .map(|ValidationIssue { message, .. }| message.as_str())
        .collect();
    Err(ApiError::invalid(field, words.join("; ")))
}

/// How a field that a validator names is called in the API: what is none of these is of the program.
fn wire_name(field: &str) -> &'static str {
    match field {
        "name" => "name",
        "version" => "version",
        "inputSchema" => "inputSchema",
        "outputSchema" => "outputSchema",
        _ => "sourceCode",
    }
}

/// A text that people type: of printing characters, with something on each side.
fn identifier(field: &str, text: &str, most: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    let rule = if !(1..=most).contains(&length) {
        format!("it has {length} characters: 1 to {most} are allowed")
    } else if text.trim() != text || text.chars().any(|c| c.is_control() || c == '@') {
        format!("{text:?} is not allowed: no @, no control characters, and no white space at its ends")
    } else {
        return Ok(());
    };
    Err(ApiError::invalid(field, rule))
}
