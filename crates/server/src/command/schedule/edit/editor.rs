//! A schedule as a text, in which somebody changes what is to be changed.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use crate::cli::CliError;

/// What can be changed, in the order in which it is shown.
const FIELDS: [&str; 13] = [
    "name",
    "description",
    "cronExpression",
    "timezone",
    "enabled",
    "taskId",
    "input",
    "priority",
    "maxRetries",
    "timeoutSeconds",
    "policies",
    "outputDestinations",
    "metadata",
];

const HEAD: &str =
    "# What is changed here is changed of the schedule when the editor is closed; null takes a value away.
# Secrets of destinations are masked: who changes a destination writes them anew.
";

/// Opens the text in the editor, and returns what was changed, as the API takes it.
pub(super) fn changes(schedule: &Value) -> Result<Value, CliError> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(CliError::Usage(
            "nothing is to be changed: say what with flags (`ratchet schedule edit --help`); an editor needs a terminal"
                .to_owned(),
        ));
    }
    let failed = |error: &dyn std::error::Error| CliError::failed(error);
    let mut file = tempfile::Builder::new()
        .prefix("ratchet-schedule-")
        .suffix(".yaml")
        .tempfile()
        .map_err(|error| failed(&error))?;
    file.write_all(written(schedule)?.as_bytes())
        .and_then(|()| file.flush())
        .map_err(|error| failed(&error))?;
    edit(file.path())?;
    let text = std::fs::read_to_string(file.path()).map_err(|error| failed(&error))?;
    read(schedule, &text).or_else(|error| {
        // Somebody's work is not thrown away for a mistake in it.
        let (_, path) = file.keep().map_err(|error| failed(&error))?;
        Err(CliError::Failed(format!(
            "{error}. The text is kept in {}",
            path.display()
        )))
    })
}

fn edit(path: &Path) -> Result<(), CliError> {
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    let editor = named.into_iter().find(|editor| !editor.trim().is_empty());
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // It may have arguments, as in "code --wait".
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(path).status();
    let status = status.map_err(|error| {
        CliError::Failed(format!(
            "the editor \"{editor}\" (VISUAL, EDITOR) cannot be started: {error}"
        ))
    })?;
    if status.success() {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "the editor \"{editor}\" ended with {status}: nothing was changed"
    )))
}

fn written(schedule: &Value) -> Result<String, CliError> {
    let mut text = HEAD.to_owned();
    for field in FIELDS {
        let one = Value::Object(Map::from_iter([(field.to_owned(), schedule[field].clone())]));
        let yaml = serde_saphyr::to_string(&one).map_err(|error| CliError::failed(&error))?;
        text.push_str(yaml.trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// What differs from the schedule as it was. What is missing is taken away.
fn read(before: &Value, text: &str) -> Result<Value, CliError> {
    let after: Value = serde_saphyr::from_str(text)
        .map_err(|error| CliError::Failed(format!("the text is no YAML: {error}")))?;
    let Value::Object(after) = after else {
        return Err(CliError::Failed("the text has no fields".to_owned()));
    };
    if let Some(unknown) = after.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(CliError::Failed(format!(
            "\"{unknown}\" is no field that can be changed: there are {}",
            FIELDS.join(", ")
        )));
    }
    let mut changes = Map::new();
    for field in FIELDS {
        let (before, after) = (&before[field], after.get(field).unwrap_or(&Value::Null));
        match (before, after) {
            _ if before == after => {}
            (Value::Object(before), Value::Object(after)) if field == "policies" => {
                let changed = differing(before, after);
                changes.insert(field.to_owned(), Value::Object(changed));
            }
            _ => {
                changes.insert(field.to_owned(), after.clone());
            }
        }
    }
    Ok(Value::Object(changes))
}

/// The policies that differ; one that is missing is taken away.
fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut changed: Map<String, Value> = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let missing = before
        .iter()
        .filter(|(name, value)| !after.contains_key(*name) && !value.is_null());
    changed.extend(missing.map(|(name, _)| (name.clone(), Value::Null)));
    changed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schedule() -> Value {
        json!({
            "id": "x", "version": 7, "name": "nightly", "description": "a: \"b\"\nc", "cronExpression": "30 2 * * *",
            "timezone": "UTC", "enabled": true, "taskId": "00000000-0000-0000-0000-000000000001", "input": {"n": 1.0},
            "priority": "NORMAL", "maxRetries": null, "timeoutSeconds": 60,
            "policies": {"graceSeconds": null, "spreadSeconds": 0.0, "maxRuns": 3, "overlap": "ALLOW"},
            "outputDestinations": [], "metadata": null,
        })
    }

    #[test]
    fn a_text_that_is_not_changed_changes_nothing() {
        let text = written(&schedule()).unwrap();
        assert!(
            text.contains("\nname: nightly\n") && !text.contains("version"),
            "{text}"
        );
        assert_eq!(read(&schedule(), &text).unwrap(), json!({}), "{text}");
    }

    #[test]
    fn what_is_changed_is_sent_and_what_is_missing_is_taken_away() {
        let text = written(&schedule()).unwrap();
        let text = text
            .replace("name: nightly", "name: daily")
            .replace("timeoutSeconds: 60\n", "")
            .replace("spreadSeconds: 0.0", "spreadSeconds: 2")
            .replace("  maxRuns: 3\n", "");
        assert_eq!(
            read(&schedule(), &text).unwrap(),
            json!({"name": "daily", "timeoutSeconds": null, "policies": {"spreadSeconds": 2, "maxRuns": null}})
        );
    }

    #[test]
    fn a_text_that_cannot_be_read_says_why() {
        for (text, words) in [
            ("name: [", "no YAML"),
            ("just words", "no fields"),
            ("nmae: x", "\"nmae\""),
        ] {
            let error = read(&schedule(), text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
