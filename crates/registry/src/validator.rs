use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use jsonschema::{ValidationError, Validator};
use ratchet_interfaces::{TaskDefinition, TaskExecutor, TaskId, TaskValidator, ValidationIssue};
use serde_json::Value;

use crate::folder::{INPUT_SCHEMA_FILE, OUTPUT_SCHEMA_FILE, program_file};

/// The most issues told of one input: a long list of wrong elements helps nobody.
const MAX_ISSUES: usize = 100;

/// Checks definitions, and input and output against a task's JSON Schemas. What is said of an input or output never
/// repeats its values, which may be secret or long.
///
/// Each task's schemas are compiled once, and again when they have changed.
///
/// ```
/// use ratchet_interfaces::{TaskDefinition, TaskId, TaskValidator};
/// use ratchet_registry::SchemaValidator;
/// use serde_json::json;
/// let task = TaskDefinition { input_schema: Some(json!({"properties": {"url": {"type": "string"}}})), ..TaskDefinition::new(TaskId::new(), "fetch", "1", "builtin") };
/// let validator = SchemaValidator::default();
/// assert!(validator.validate_task(&task).is_empty());
/// assert_eq!(validator.validate_input(&task, &json!({"url": 7}))[0].field, "/input/url");
/// ```
#[derive(Default)]
pub struct SchemaValidator {
    compiled: RwLock<HashMap<(TaskId, Side), Arc<Compiled>>>,
    /// By name; `None` when nobody said which there are.
    runtimes: Option<BTreeMap<String, Arc<dyn TaskExecutor>>>,
}

/// Which end of a task a schema is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Side {
    Input,
    Output,
}

#[derive(Debug)]
struct Compiled {
    schema: Value,
    validator: Validator,
}

impl TaskValidator for SchemaValidator {
    fn validate_task(&self, task: &TaskDefinition) -> Vec<ValidationIssue> {
        let texts = [
            ("name", &task.name),
            ("version", &task.version),
            ("runtime", &task.runtime),
        ];
        let empty = texts
            .into_iter()
            .filter(|(_, text)| text.trim().is_empty())
            .map(|(field, _)| issue(task, field, "it must not be empty"));
        let schemas = [
            ("inputSchema", &task.input_schema),
            ("outputSchema", &task.output_schema),
        ];
        let broken = schemas.into_iter().filter_map(|(field, schema)| {
            let refused = compile(schema.as_ref()?).err()?;
            Some(schema_issue(task, place_of(task, field), &refused))
        });
        empty.chain(broken).chain(self.source_issue(task)).collect()
    }

    fn validate_input(&self, task: &TaskDefinition, input: &Value) -> Vec<ValidationIssue> {
        self.validate(task, Side::Input, input)
    }

    fn validate_output(&self, task: &TaskDefinition, output: &Value) -> Vec<ValidationIssue> {
        self.validate(task, Side::Output, output)
    }
}

impl SchemaValidator {
    /// Has a task's source checked by its runtime as well, which must be one of these.
    #[must_use]
    pub fn with_runtimes(mut self, runtimes: &[Arc<dyn TaskExecutor>]) -> Self {
        let named = runtimes
            .iter()
            .map(|runtime| (runtime.runtime().to_owned(), Arc::clone(runtime)));
        self.runtimes = Some(named.collect());
        self
    }

    fn source_issue(&self, task: &TaskDefinition) -> Option<ValidationIssue> {
        let runtimes = self.runtimes.as_ref()?;
        if task.runtime.trim().is_empty() {
            return None;
        }
        let Some(runtime) = runtimes.get(&task.runtime) else {
            let known: Vec<&str> = runtimes.keys().map(String::as_str).collect();
            let message = format!(
                "is \"{}\": the runtimes here are {}",
                task.runtime,
                known.join(", ")
            );
            return Some(issue(task, "runtime", message));
        };
        let wrong = runtime.check(task)?;
        let file = program_file(&task.runtime).unwrap_or("source");
        // A runtime may name the file itself, with the place in it.
        let rest = wrong.strip_prefix(file);
        let wrong = rest.map_or(wrong.as_str(), |rest| rest.trim_start_matches([':', ' ']));
        Some(issue(task, file, wrong))
    }

    fn validate(&self, task: &TaskDefinition, side: Side, value: &Value) -> Vec<ValidationIssue> {
        let (schema, field, root) = match side {
            Side::Input => (&task.input_schema, "inputSchema", "/input"),
            Side::Output => (&task.output_schema, "outputSchema", "/output"),
        };
        let Some(schema) = schema else {
            return Vec::new();
        };
        let compiled = match self.compiled(task.id, side, schema) {
            Ok(compiled) => compiled,
            Err(refused) => return vec![schema_issue(task, place_of(task, field), &refused)],
        };
        if compiled.validator.is_valid(value) {
            return Vec::new();
        }
        compiled
            .validator
            .iter_errors(value)
            .take(MAX_ISSUES)
            .map(|error| {
                let field = format!("{root}{}", error.instance_path());
                issue(task, &field, error.masked().to_string())
            })
            .collect()
    }

    /// The compiled schema: the one that is kept, unless it is of another schema by now.
    fn compiled(
        &self,
        task: TaskId,
        side: Side,
        schema: &Value,
    ) -> Result<Arc<Compiled>, ValidationError<'static>> {
        // The map is whole after every statement that changes it.
        let kept = self.compiled.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.get(&(task, side)).filter(|kept| kept.schema == *schema) {
            return Ok(Arc::clone(kept));
        }
        drop(kept);
        let compiled = Arc::new(Compiled {
            schema: schema.clone(),
            validator: compile(schema)?,
        });
        self.compiled
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((task, side), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// A schema is also checked against the draft that it names; without a draft, it is of 2020-12.
fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::validator_for(schema)
}

/// Where a schema stands: of a task that lies in a folder, the file.
fn place_of(task: &TaskDefinition, field: &'static str) -> &'static str {
    match (task.folder(), field) {
        (Some(_), "inputSchema") => INPUT_SCHEMA_FILE,
        (Some(_), "outputSchema") => OUTPUT_SCHEMA_FILE,
        _ => field,
    }
}

fn schema_issue(task: &TaskDefinition, field: &str, refused: &ValidationError<'_>) -> ValidationIssue {
    let place = refused.instance_path().to_string();
    let place = if place.is_empty() {
        "its top"
    } else {
        place.as_str()
    };
    issue(
        task,
        field,
        format!("it is not a valid JSON Schema at {place}: {refused}"),
    )
}

fn issue(task: &TaskDefinition, field: &str, message: impl Into<String>) -> ValidationIssue {
    ValidationIssue {
        task: task.name.clone(),
        field: field.to_owned(),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(input_schema: Value) -> TaskDefinition {
        TaskDefinition {
            input_schema: Some(input_schema),
            ..TaskDefinition::new(TaskId::new(), "fetch", "1", "builtin")
        }
    }

    fn told(issues: Vec<ValidationIssue>) -> Vec<String> {
        issues.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_field_that_must_not_be_empty_is_named() {
        let mut task = task(json!(true));
        task.version = String::new();
        task.runtime = " ".to_owned();
        assert_eq!(
            told(SchemaValidator::default().validate_task(&task)),
            [
                "task fetch: version: it must not be empty",
                "task fetch: runtime: it must not be empty"
            ]
        );
    }

    #[test]
    fn a_schema_that_is_none_is_named_with_the_place() {
        let mut task = task(json!({"properties": {"url": {"type": "sting"}}}));
        task.output_schema = Some(json!(7));
        let issues = SchemaValidator::default().validate_task(&task);
        assert_eq!(issues.len(), 2);
        assert_eq!(issues[0].field, "inputSchema");
        assert!(
            issues[0].message.contains("at /properties/url/type: \"sting\""),
            "{}",
            issues[0]
        );
        assert_eq!(issues[1].field, "outputSchema");
        assert!(issues[1].message.contains("at its top"), "{}", issues[1]);
        assert_eq!(
            SchemaValidator::default().validate_input(&task, &json!({})),
            issues[..1]
        );
    }

    #[test]
    fn a_schema_that_needs_another_document_or_an_unknown_draft_is_refused() {
        for schema in [
            json!({"$ref": "https://example.com/other.json"}),
            json!({"$ref": "file:///etc/hostname"}),
            json!({"$schema": "https://example.com/draft"}),
            json!({"pattern": "("}),
        ] {
            let issues = SchemaValidator::default().validate_task(&task(schema.clone()));
            assert_eq!(issues.len(), 1, "{schema}");
        }
    }

    #[test]
    fn a_wrong_input_is_told_by_its_json_pointer_and_without_its_values() {
        let task = task(json!({
            "type": "object",
            "properties": {
                "a/b": {"type": "array", "items": {"type": "integer"}},
                "token": true,
                "url": {"minLength": 99},
            },
            "required": ["token"],
            "additionalProperties": false,
        }));
        let input = json!({"a/b": [1, "hunter2"], "url": "hunter2", "more": "hunter2"});
        let mut issues = SchemaValidator::default().validate_input(&task, &input);
        issues.sort_by(|a, b| a.field.cmp(&b.field));
        let fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["/input", "/input", "/input/a~1b/1", "/input/url"]);
        let told = told(issues);
        assert!(!told.concat().contains("hunter2"), "{told:?}");
        assert!(
            told.concat().contains("\"token\" is a required property"),
            "{told:?}"
        );
        let right = json!({"token": 1, "a/b": [1, 2]});
        assert_eq!(SchemaValidator::default().validate_input(&task, &right), []);
    }

    #[test]
    fn any_input_suits_a_task_without_a_schema_and_a_flood_of_issues_is_cut() {
        let mut task = task(json!({"items": {"type": "integer"}}));
        let input = json!(vec!["x"; 1_000]);
        assert_eq!(
            SchemaValidator::default().validate_input(&task, &input).len(),
            MAX_ISSUES
        );
        task.input_schema = None;
        assert_eq!(SchemaValidator::default().validate_input(&task, &input), []);
    }

    #[test]
    fn an_output_is_checked_against_the_output_schema() {
        let mut task = task(json!({"type": "object"}));
        task.output_schema = Some(json!({"properties": {"status": {"const": "ok"}}}));
        let validator = SchemaValidator::default();
        assert_eq!(validator.validate_output(&task, &json!({"status": "ok"})), []);
        let issues = validator.validate_output(&task, &json!({"status": "hunter2"}));
        assert_eq!(issues[0].field, "/output/status");
        assert!(!issues[0].message.contains("hunter2"), "{}", issues[0].message);
    }

    #[test]
    fn a_schema_is_compiled_once_and_again_when_it_changes() {
        let mut task = task(json!({"type": "object"}));
        task.output_schema = Some(json!({"type": "string"}));
        let validator = SchemaValidator::default();
        let compiled = |task: &TaskDefinition| {
            let schema = task.input_schema.as_ref().unwrap();
            validator.compiled(task.id, Side::Input, schema).unwrap()
        };
        let first = compiled(&task);
        assert_eq!(validator.validate_output(&task, &json!("a")), []);
        assert_eq!(validator.validate_input(&task, &json!(7)).len(), 1);
        assert!(Arc::ptr_eq(&first, &compiled(&task)));
        task.input_schema = Some(json!({"type": "integer"}));
        assert!(!Arc::ptr_eq(&first, &compiled(&task)));
        assert_eq!(validator.validate_input(&task, &json!(7)), []);
        assert_eq!(validator.compiled.read().unwrap().len(), 2);
    }
}
