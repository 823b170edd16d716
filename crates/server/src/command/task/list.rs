use std::fmt::Write;

use clap::Args;
use ratchet_interfaces::{Task, TaskDefinition, TaskId, TaskListing, ValidationIssue, compare_versions};
use serde_json::{Value, json};

use super::lookup::{offered, stored};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormOrJsonArgs;
use crate::command::named::{id, text};
use crate::command::table::{Canvas, Cell, Tone, harmless};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    form: FormOrJsonArgs,
}

/// A task as the registries and the database have it together.
pub(super) struct Known {
    pub(super) task: TaskDefinition,
    pub(super) registry: String,
    pub(super) state: &'static str,
}

impl ListArgs {
    pub(super) fn run(&self, common: &CommonArgs) -> Result<(), CliError> {
        let (known, issues) = known(common)?;
        let tasks: Vec<Value> = known.iter().map(Known::brief).collect();
        let told: Vec<Value> = issues
            .iter()
            .map(|issue| json!({"task": issue.task, "field": issue.field, "message": issue.message}))
            .collect();
        self.form.print(&json!({"tasks": tasks, "issues": told}), || {
            let mut text = table(Canvas::of_stdout(), &known);
            if !issues.is_empty() {
                text.push_str("\nNot in order:\n");
            }
            for issue in issues {
                let told = format!("  {}/{}: {}", issue.task, issue.field, issue.message);
                let _ = writeln!(text, "{}", harmless(&told));
            }
            text
        })
    }
}

/// The tasks of the server that was named, or else of the folders and the database here. What keeps others out is known where
/// the folders are.
pub(super) fn known(common: &CommonArgs) -> Result<(Vec<Known>, Vec<ValidationIssue>), CliError> {
    if common.server()?.is_some() {
        let rows = connected(common, Purpose::Read, async |connection| {
            Ok(connection.list(Call::get("/tasks"), u64::MAX).await?.rows)
        })?;
        let known: Result<_, _> = rows.into_iter().map(Known::of_server).collect();
        return Ok((sorted(known?), Vec::new()));
    }
    let settings = common.settings()?;
    let listings = offered(&settings)?;
    let (stored, damaged) = stored(common, &settings)?;
    let known = joined(&listings, stored);
    let issues = listings.into_iter().flat_map(|(_, listing)| listing.issues);
    Ok((known, issues.chain(damaged).collect()))
}

/// Who has which task, by name and version.
pub(super) fn joined(listings: &[(&'static str, TaskListing)], mut stored: Vec<Task>) -> Vec<Known> {
    let mut known = Vec::new();
    for (registry, listing) in listings {
        for task in &listing.tasks {
            let place = stored.iter().position(|row| row.definition.id == task.id);
            let row = place.map(|place| stored.swap_remove(place));
            known.push(Known {
                task: task.clone(),
                registry: (*registry).to_owned(),
                state: match row {
                    None => "new",
                    Some(row) if !row.enabled => "disabled",
                    Some(row) if row.removed_at.is_none() && is_same(&row.definition, task) => "ready",
                    Some(_) => "changed",
                },
            });
        }
    }
    known.extend(stored.into_iter().map(|row| {
        let listing = listings.iter().find(|(name, _)| *name == row.registry);
        let is_broken = row
            .definition
            .folder()
            .is_some_and(|folder| listing.is_some_and(|(_, listing)| listing.is_unreadable(folder)));
        Known {
            state: match (row.removed_at.is_some(), is_broken, listing) {
                (true, _, _) => "removed",
                (false, true, _) => "broken",
                (false, false, None) if !row.enabled => "disabled",
                (false, false, Some(_)) => "gone",
                (false, false, None) => "stored",
            },
            task: row.definition,
            registry: row.registry,
        }
    }));
    sorted(known)
}

/// By name, and the versions of one by their order.
fn sorted(mut known: Vec<Known>) -> Vec<Known> {
    known.sort_by(|a, b| {
        let by_version = || compare_versions(&a.task.version, &b.task.version);
        a.task.name.cmp(&b.task.name).then_with(by_version)
    });
    known
}

/// Where a task was read from does not make it another.
fn is_same(one: &TaskDefinition, other: &TaskDefinition) -> bool {
    let elsewhere = |task: &TaskDefinition| {
        let mut task = task.clone();
        if let Some(fields) = task.metadata.as_mut().and_then(Value::as_object_mut) {
            fields.remove(TaskDefinition::FOLDER);
        }
        task
    };
    elsewhere(one) == elsewhere(other)
}

impl Known {
    /// As a server shows it, which keeps to itself what is its own concern.
    fn of_server(mut row: Value) -> Result<Self, CliError> {
        let is = |field: &str| row[field] == true;
        let registry = text(&row, "registrySource").to_owned();
        let state = match (row["removedAt"].is_null(), is("enabled"), is("inSync")) {
            (false, ..) => "removed",
            (true, false, _) => "disabled",
            (true, true, false) => "changed",
            (true, true, true) if registry == Task::DATABASE => "stored",
            (true, true, true) => "ready",
        };
        let failed = |error: &dyn std::error::Error| CliError::failed(error);
        let id: TaskId = id(&row).parse().map_err(|error| failed(&error))?;
        let [name, version, runtime] = ["name", "version", "runtime"].map(|field| text(&row, field));
        let mut task = TaskDefinition::new(id, name, version, runtime);
        let own = |field: &str| row[field].as_str().map(str::to_owned);
        task.description = own("description");
        task.source = own("sourceCode");
        task.label = own("label");
        // A server of another version may not tell of these.
        let told = |field: &str| Some(as_declared(&row[field])).filter(|value| !value.is_null());
        let read = |field: &'static str, error| {
            CliError::Failed(format!(
                "{field} of task {name} {version} cannot be read: {error}"
            ))
        };
        if let Some(tags) = row["tags"].as_array() {
            task.tags = tags.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        if let Some(limits) = told("limits") {
            task.limits = serde_json::from_value(limits).map_err(|error| read("limits", error))?;
        }
        if let Some(retry) = told("retry") {
            task.retry = serde_json::from_value(retry).map_err(|error| read("retry", error))?;
        }
        let mut json = |field: &str| Some(row[field].take()).filter(|value| !value.is_null());
        task.input_schema = json("inputSchema");
        task.output_schema = json("outputSchema");
        task.metadata = json("metadata");
        Ok(Self {
            task,
            registry,
            state,
        })
    }

    fn brief(&self) -> Value {
        let Self {
            task,
            registry,
            state,
        } = self;
        json!({
            "name": task.name,
            "version": task.version,
            "id": task.id.to_string(),
            "label": task.label,
            "description": task.description,
            "tags": task.tags,
            "runtime": task.runtime,
            "registry": registry,
            "folder": task.folder(),
            "state": state,
        })
    }
}

/// What the API tells of limits and retries, as a task declares them: names of fields in snake_case, those of enumerations in
/// lower case.
fn as_declared(told: &Value) -> Value {
    match told {
        Value::String(name) => name.to_lowercase().into(),
        Value::Array(values) => values.iter().map(as_declared).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (in_snake_case(name), as_declared(value)))
            .collect(),
        other => other.clone(),
    }
}

fn in_snake_case(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

fn table(canvas: Canvas, known: &[Known]) -> String {
    let rows = known.iter().map(
        |Known {
             task,
             registry,
             state,
         }| {
            let description = task.description.as_deref().unwrap_or_default();
            [
                task.name.as_str().into(),
                task.version.as_str().into(),
                task.runtime.as_str().into(),
                registry.as_str().into(),
                shown(state),
                description.lines().next().unwrap_or_default().into(),
            ]
        },
    );
    canvas.table(
        ["NAME", "VERSION", "RUNTIME", "REGISTRY", "STATE", "DESCRIPTION"],
        rows,
    )
}

fn shown(state: &str) -> Cell {
    let tone = match state {
        "ready" | "stored" => Tone::Good,
        "new" => Tone::Plain,
        "changed" | "disabled" => Tone::Doubtful,
        _ => Tone::Bad,
    };
    Cell::toned(state, tone)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn the_state_says_what_the_next_synchronization_will_find() {
        let of = |name: &str| TaskDefinition {
            metadata: Some(json!({"folder": format!("tasks/{name}")})),
            ..TaskDefinition::new(TaskId::new(), name, "1", "javascript")
        };
        let row = |task: &TaskDefinition| Task::new(task.clone(), "files", DateTime::UNIX_EPOCH);
        let names = [
            "new", "ready", "changed", "disabled", "removed", "broken", "gone", "stored",
        ];
        let tasks = names.map(of);
        let [_, ready, changed, disabled, removed, broken, gone, stored] = &tasks;
        let mut moved = row(ready);
        moved.definition.metadata = Some(json!({"folder": "/elsewhere/ready"}));
        let mut other = row(changed);
        other.definition.source = Some("() => 2".to_owned());
        let rows = vec![
            moved,
            other,
            Task {
                enabled: false,
                ..row(disabled)
            },
            Task {
                removed_at: Some(DateTime::UNIX_EPOCH),
                ..row(removed)
            },
            row(broken),
            row(gone),
            Task {
                registry: "elsewhere".to_owned(),
                ..row(stored)
            },
        ];
        let listing = TaskListing {
            tasks: tasks[..4].to_vec(),
            issues: Vec::new(),
            unreadable: vec!["tasks/broken".to_owned()],
        };
        for known in joined(&[("files", listing)], rows) {
            assert_eq!(known.task.name, known.state);
        }
    }

    #[test]
    fn a_task_that_a_server_shows_is_known_by_what_it_says() {
        let of = |changes: Value| {
            let mut row = json!({
                "id": TaskId::new().to_string(), "name": "a", "version": "1", "description": "Adds", "enabled": true,
                "registrySource": "files", "runtime": "javascript", "inSync": true, "removedAt": null,
                "metadata": {"folder": "tasks/a"},
            });
            row.as_object_mut()
                .unwrap()
                .extend(changes.as_object().unwrap().clone());
            Known::of_server(row).unwrap()
        };
        assert_eq!(of(json!({})).task.folder(), Some("tasks/a"));
        let whole = of(json!({
            "label": "Sums", "tags": ["math"],
            "limits": {"timeoutSeconds": 60, "memoryBytes": null, "maxConcurrent": 2, "maxPerKey": null},
            "retry": {"maxRetries": 3, "backoff": {"type": "FIXED", "delaySeconds": 5.0}, "retryOn": ["NETWORK"], "neverOn": []},
        }));
        assert_eq!(whole.task.label.as_deref(), Some("Sums"));
        assert_eq!(whole.task.tags, ["math"]);
        assert_eq!(
            json!(whole.task.limits),
            json!({"timeout_seconds": 60, "memory_bytes": null, "max_concurrent": 2, "max_per_key": null})
        );
        assert_eq!(
            json!(whole.task.retry),
            json!({"max_retries": 3, "backoff": {"type": "fixed", "delay_seconds": 5.0}, "retry_on": ["network"]})
        );
        for (changes, state) in [
            (json!({}), "ready"),
            (json!({"inSync": false}), "changed"),
            (json!({"enabled": false, "inSync": false}), "disabled"),
            (
                json!({"enabled": false, "removedAt": "2026-01-01T00:00:00Z"}),
                "removed",
            ),
            (json!({"registrySource": "database"}), "stored"),
        ] {
            assert_eq!(of(changes).state, state);
        }
    }
}
