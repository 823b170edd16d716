use std::path::Path;

use ratchet_interfaces::{TaskDefinition, TaskId, ValidationIssue};
use serde_json::{Map, Value};
use uuid::Uuid;

mod contained;
mod field;
mod memory_size;
mod metadata;
mod test_case;

pub use test_case::{FetchMock, MockAnswer, TestCase, read_test_cases};

use contained::Contained;
pub(crate) use field::told;
use field::{Object, misspelt};
use metadata::Metadata;

/// What makes a folder a task.
pub const METADATA_FILE: &str = "metadata.json";
/// The JSON Schema of a task's input.
pub(crate) const INPUT_SCHEMA_FILE: &str = "input.schema.json";
/// The JSON Schema of a task's output.
pub(crate) const OUTPUT_SCHEMA_FILE: &str = "output.schema.json";

/// The runtime of a task that names none.
const DEFAULT_RUNTIME: &str = "javascript";

const METADATA_BYTES: u64 = 64 << 10;
const PROGRAM_BYTES: u64 = 1 << 20;
const SCHEMA_BYTES: u64 = 1 << 20;

/// The ids of tasks that name none are UUIDs of version 5 in this namespace.
const NAMESPACE: Uuid = Uuid::from_u128(0x6c0f_1c5e_8d0b_4f4e_9b57_2f6c_1d1f_7a31);

/// The file that holds the program of a runtime's tasks; `None` where the runtime needs none.
#[must_use]
pub fn program_file(runtime: &str) -> Option<&'static str> {
    match runtime {
        "javascript" => Some("main.js"),
        "http" => Some("request.json"),
        "process" => Some("process.json"),
        _ => None,
    }
}

/// The id of a version of a task that names none itself: the same on every machine.
///
/// ```
/// use ratchet_registry::task_id_of;
/// assert_eq!(task_id_of("hello", "1.0.0"), task_id_of("hello", "1.0.0"));
/// assert_ne!(task_id_of("hello", "1.0.0"), task_id_of("hello", "1.0.1"));
/// ```
#[must_use]
pub fn task_id_of(name: &str, version: &str) -> TaskId {
    TaskId::from_uuid(Uuid::new_v5(&NAMESPACE, format!("{name}@{version}").as_bytes()))
}

/// Whether a folder is that of a task.
#[must_use]
pub fn is_task_folder(folder: &Path) -> bool {
    // A link that leads nowhere is a task's file as well, and told of when the task is read.
    folder.join(METADATA_FILE).symlink_metadata().is_ok()
}

/// Reads the task in a folder. Its schemas and its program are not looked into.
///
/// # Errors
/// Everything that is wrong with it, each with file, field, value and rule.
pub fn read_task_folder(folder: &Path) -> Result<TaskDefinition, Vec<ValidationIssue>> {
    let mut faults = Faults::of(folder);
    match read(folder, &mut faults) {
        Some(definition) if faults.issues.is_empty() => Ok(definition),
        _ => Err(faults.issues),
    }
}

fn read(folder: &Path, faults: &mut Faults) -> Option<TaskDefinition> {
    let files = match Contained::open(folder) {
        Ok(files) => files,
        Err(error) => {
            faults.file(".", format!("the folder cannot be read: {error}"));
            return None;
        }
    };
    let known = faults.json(&files, METADATA_FILE, METADATA_BYTES);
    let metadata = match known {
        Some(Value::Object(fields)) => Some(Metadata::read(fields, faults)),
        Some(other) => {
            faults.file(
                METADATA_FILE,
                format!("is {}: a JSON object is needed", told(&other)),
            );
            None
        }
        None if faults.issues.is_empty() => {
            faults.file(METADATA_FILE, "does not exist".to_owned());
            None
        }
        None => None,
    };
    let schemas = [INPUT_SCHEMA_FILE, OUTPUT_SCHEMA_FILE].map(|name| faults.json(&files, name, SCHEMA_BYTES));
    let [input_schema, output_schema] = schemas;
    let Metadata {
        id,
        name,
        version,
        label,
        description,
        tags,
        runtime,
        limits,
        retry,
        mut more,
    } = metadata?;
    let runtime = runtime?;
    let source = program_file(&runtime).and_then(|file| faults.program(&files, file, &runtime));
    let (name, version) = (name?, version?);
    more.insert(
        TaskDefinition::FOLDER.to_owned(),
        Value::String(folder.display().to_string()),
    );
    Some(TaskDefinition {
        id: id.unwrap_or_else(|| task_id_of(&name, &version)),
        name,
        version,
        label,
        description,
        tags,
        runtime,
        source,
        input_schema,
        output_schema,
        limits,
        retry,
        metadata: Some(Value::Object(more)),
    })
}

/// What is wrong with a task's folder.
struct Faults {
    folder: String,
    issues: Vec<ValidationIssue>,
}

impl Faults {
    fn of(folder: &Path) -> Self {
        Self {
            folder: folder.display().to_string(),
            issues: Vec::new(),
        }
    }

    fn file(&mut self, file: &str, message: String) {
        self.issues.push(ValidationIssue {
            task: self.folder.clone(),
            field: file.to_owned(),
            message,
        });
    }

    fn field(&mut self, file: &str, field: &str, message: String) {
        self.file(&format!("{file}: {field}"), message);
    }

    fn text(&mut self, files: &Contained, name: &str, most: u64) -> Option<String> {
        files.read(name, most).unwrap_or_else(|message| {
            self.file(name, message);
            None
        })
    }

    /// What a file of JSON holds; `None` when there is no such file, or when it is a fault.
    fn json(&mut self, files: &Contained, name: &str, most: u64) -> Option<Value> {
        let text = self.text(files, name, most)?;
        match serde_json::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.file(name, format!("is not JSON: {error}"));
                None
            }
        }
    }

    fn program(&mut self, files: &Contained, name: &str, runtime: &str) -> Option<String> {
        let before = self.issues.len();
        match self.text(files, name, PROGRAM_BYTES) {
            Some(text) if text.trim().is_empty() => {
                self.file(
                    name,
                    format!("is empty: a task of runtime {runtime} is in this file"),
                );
            }
            Some(text) => return Some(text),
            None if self.issues.len() == before => {
                self.file(
                    name,
                    format!("does not exist: a task of runtime {runtime} is in this file"),
                );
            }
            None => {}
        }
        None
    }

    /// Points out what is nearly a known key.
    fn misspelt(&mut self, file: &str, left: &Map<String, Value>, known: &[&str]) {
        for (key, value) in left {
            if let Some(meant) = misspelt(key, known) {
                let message = format!("is {}: there is no such key; did you mean {meant}?", told(value));
                self.field(file, key, message);
            }
        }
    }
}
