use ratchet_interfaces::{RetryPolicy, TaskDefinition, TaskId, TaskLimits};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::field::whole_number;
use super::memory_size::memory_size;
use super::{DEFAULT_RUNTIME, Faults, METADATA_FILE, Object};

/// Every key that means something.
const KEYS: [&str; 11] = [
    "name",
    "version",
    "uuid",
    "label",
    "description",
    "tags",
    "runtime",
    "timeout",
    "memory_limit",
    "retry",
    "concurrency",
];

const LONGEST_NAME: usize = 200;
const LONGEST_VERSION: usize = 100;
const LONGEST_TEXT: usize = 10_000;
const MOST_TAGS: usize = 100;
const LONGEST_TIMEOUT: u32 = 604_800;
const MOST_CONCURRENT: u32 = 1_000_000;

/// What `metadata.json` says. What is wrong is `None`, and a fault.
pub(super) struct Metadata {
    pub(super) id: Option<TaskId>,
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) label: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) runtime: Option<String>,
    pub(super) limits: TaskLimits,
    pub(super) retry: Option<RetryPolicy>,
    /// Keys that mean nothing here.
    pub(super) more: Map<String, Value>,
}

impl Metadata {
    pub(super) fn read(fields: Map<String, Value>, faults: &mut Faults) -> Self {
        let mut object = Object {
            file: METADATA_FILE,
            fields,
            faults,
        };
        let name = object.identifier("name", LONGEST_NAME);
        let version = object.identifier("version", LONGEST_VERSION);
        let id = object.read("uuid", |value| {
            let uuid = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
            uuid.filter(|uuid| !uuid.is_nil()).map(TaskId::from_uuid).ok_or_else(|| {
                "allowed is a UUID such as \"7f6a2e8c-4c1d-4b8e-9a34-1c3f0d5b6e7a\", which is that of one version"
                    .to_owned()
            })
        });
        let label = object.text("label", LONGEST_NAME);
        let description = object.text("description", LONGEST_TEXT);
        let tags = object.read("tags", tags).unwrap_or_default();
        let runtime = match object.fields.contains_key("runtime") {
            true => object.text("runtime", LONGEST_NAME),
            false => Some(DEFAULT_RUNTIME.to_owned()),
        };
        let timeout_seconds = object.read("timeout", |value| {
            whole_number(value, 1, LONGEST_TIMEOUT, " seconds")
        });
        let memory_bytes = object.read("memory_limit", memory_size);
        let retry = object.read("retry", |value| {
            serde_json::from_value::<RetryPolicy>(value.clone()).map_err(|error| error.to_string())
        });
        let (max_concurrent, max_per_key) = object.concurrency();
        if let Some(value) = object.take(TaskDefinition::FOLDER) {
            object.refuse(
                TaskDefinition::FOLDER,
                &value,
                "the registry itself says by this key where the task lies; use another",
            );
        }
        let Object { fields: more, .. } = object;
        faults.misspelt(METADATA_FILE, &more, &KEYS);
        Self {
            id,
            name,
            version,
            label,
            description,
            tags,
            runtime,
            limits: TaskLimits {
                timeout_seconds,
                memory_bytes,
                max_concurrent,
                max_per_key,
            },
            retry,
            more,
        }
    }
}

impl Object<'_> {
    /// A required text that a person types behind a command, such as `hello` in `hello@1.0.0`.
    fn identifier(&mut self, field: &str, most: usize) -> Option<String> {
        if self.fields.get(field).is_none_or(Value::is_null) {
            self.fields.remove(field);
            self.missing(field, "every task has one");
            return None;
        }
        self.read(field, |value| {
            let allowed = |text: &&str| {
                let is_clean = !text.chars().any(|c| c.is_control() || c == '@');
                is_clean && !text.is_empty() && text.trim() == *text && text.chars().count() <= most
            };
            value.as_str().filter(allowed).map(str::to_owned).ok_or_else(|| {
                format!(
                    "allowed is a text of 1 through {most} characters, without @, control characters, and white \
                     space at its ends"
                )
            })
        })
    }

    fn concurrency(&mut self) -> (Option<u32>, Option<u32>) {
        const KEYS: [&str; 2] = ["limit", "per_key"];
        let rule = "allowed is an object such as {\"limit\": 5, \"per_key\": 1}";
        let Some(value) = self.take("concurrency") else {
            return (None, None);
        };
        let Value::Object(mut fields) = value else {
            self.refuse("concurrency", &value, rule);
            return (None, None);
        };
        let [limit, per_key] = KEYS.map(|key| {
            let value = fields.remove(key).filter(|value| !value.is_null())?;
            match whole_number(&value, 1, MOST_CONCURRENT, " jobs") {
                Ok(number) => Some(number),
                Err(rule) => {
                    self.refuse(&format!("concurrency.{key}"), &value, rule);
                    None
                }
            }
        });
        for (key, value) in &fields {
            self.refuse(&format!("concurrency.{key}"), value, rule);
        }
        (limit, per_key)
    }
}

fn tags(value: &Value) -> Result<Vec<String>, String> {
    let rule =
        || format!("allowed is a list of up to {MOST_TAGS} texts of 1 through {LONGEST_NAME} characters");
    let tags = value
        .as_array()
        .filter(|tags| tags.len() <= MOST_TAGS)
        .ok_or_else(rule)?;
    tags.iter()
        .map(|tag| {
            tag.as_str()
                .filter(|tag| !tag.trim().is_empty() && tag.chars().count() <= LONGEST_NAME)
                .map(str::to_owned)
                .ok_or_else(rule)
        })
        .collect()
}
