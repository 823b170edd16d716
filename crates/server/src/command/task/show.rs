use std::fmt::Write;

use clap::Args;
use ratchet_interfaces::{TaskDefinition, TaskLimits};
use serde_json::{Value, json};

use super::list::{Known, known};
use super::lookup::{named, unknown};
use crate::cli::{CliError, CommonArgs};
use crate::command::form::FormOrJsonArgs;
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The task's name, NAME@VERSION or id
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    form: FormOrJsonArgs,
}

impl ShowArgs {
    pub(super) fn run(&self, common: &CommonArgs) -> Result<(), CliError> {
        let (known, _) = known(common)?;
        let Some(found) = named(&self.task, &known, |known| &known.task) else {
            return Err(unknown(&self.task, known.iter().map(|known| &known.task)));
        };
        let Known {
            task,
            registry,
            state,
        } = found;
        let mut shown = json!(task);
        shown["registry"] = json!(registry);
        shown["state"] = json!(state);
        let others: Vec<&str> = known
            .iter()
            .map(|known| &known.task)
            .filter(|task| task.name == found.task.name && task.version != found.task.version)
            .map(|task| task.version.as_str())
            .collect();
        self.form.print(&shown, || told(found, &others))
    }
}

fn told(known: &Known, others: &[&str]) -> String {
    let Known {
        task,
        registry,
        state,
    } = known;
    let TaskDefinition {
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
        limits,
        retry,
        metadata: _,
    } = task;
    let TaskLimits {
        timeout_seconds,
        memory_bytes,
        max_concurrent,
        max_per_key,
    } = *limits;
    let number = |number: Option<u64>, unit: &str| number.map(|number| format!("{number}{unit}"));
    let lines = [
        ("id", Some(id.to_string())),
        ("label", label.clone()),
        ("description", description.clone()),
        ("tags", (!tags.is_empty()).then(|| tags.join(", "))),
        ("runtime", Some(runtime.clone())),
        ("registry", Some(registry.clone())),
        ("folder", task.folder().map(str::to_owned)),
        ("state", Some((*state).to_owned())),
        ("other versions", (!others.is_empty()).then(|| others.join(", "))),
        ("timeout", number(timeout_seconds.map(u64::from), " s")),
        ("memory", number(memory_bytes, " bytes")),
        ("runs at once", number(max_concurrent.map(u64::from), "")),
        ("… of one key", number(max_per_key.map(u64::from), "")),
        ("retry", retry.as_ref().map(|retry| json!(retry).to_string())),
        (
            "program",
            source.as_ref().map(|source| format!("{} bytes", source.len())),
        ),
    ];
    let mut text = harmless(&format!("{name} {version}\n"));
    for (field, value) in lines {
        if let Some(value) = value {
            let value = harmless(&value);
            let _ = writeln!(
                text,
                "  {field:<15} {}",
                value.replace('\n', "\n                  ")
            );
        }
    }
    for (field, schema) in [("input", input_schema), ("output", output_schema)] {
        if let Some(schema) = schema {
            let _ = writeln!(text, "\n{field} schema\n{}", pretty(schema));
        }
    }
    text
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
