use std::fmt::Write;

use clap::Args;
use ratchet_interfaces::{Task, TaskDefinition, TaskListing};
use serde_json::{Value, json};

use super::lookup::{offered, stored};
use crate::cli::{CliError, CommonArgs};
use crate::command::form::FormOrJsonArgs;

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
        let settings = common.settings()?;
        let listings = offered(&settings)?;
        let known = joined(&listings, stored(common, &settings)?);
        let issues: Vec<_> = listings.iter().flat_map(|(_, listing)| &listing.issues).collect();
        let tasks: Vec<Value> = known.iter().map(Known::brief).collect();
        let told: Vec<Value> = issues
            .iter()
            .map(|issue| json!({"task": issue.task, "field": issue.field, "message": issue.message}))
            .collect();
        self.form.print(&json!({"tasks": tasks, "issues": told}), || {
            let mut text = table(&known);
            if !issues.is_empty() {
                text.push_str("\nNot in order:\n");
            }
            for issue in issues {
                let _ = writeln!(text, "  {}/{}: {}", issue.task, issue.field, issue.message);
            }
            text
        })
    }
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
                (false, false, Some(_)) => "gone",
                (false, false, None) => "stored",
            },
            task: row.definition,
            registry: row.registry,
        }
    }));
    known.sort_by(|a, b| {
        let by_version = || ratchet_interfaces::compare_versions(&a.task.version, &b.task.version);
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

fn table(known: &[Known]) -> String {
    let heads = ["NAME", "VERSION", "RUNTIME", "REGISTRY", "STATE", "DESCRIPTION"].map(str::to_owned);
    let rows = known.iter().map(
        |Known {
             task,
             registry,
             state,
         }| {
            let description = task.description.as_deref().unwrap_or_default();
            [
                task.name.clone(),
                task.version.clone(),
                task.runtime.clone(),
                registry.clone(),
                (*state).to_owned(),
                description.lines().next().unwrap_or_default().to_owned(),
            ]
        },
    );
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::TaskId;

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
    fn columns_are_as_wide_as_their_widest_cell() {
        let known = Known {
            task: TaskDefinition {
                description: Some("Greets\nat length".to_owned()),
                ..TaskDefinition::new(TaskId::new(), "a-long-name", "1", "javascript")
            },
            registry: "files".to_owned(),
            state: "ready",
        };
        assert_eq!(
            table(&[known]),
            "NAME         VERSION  RUNTIME     REGISTRY  STATE  DESCRIPTION\n\
             a-long-name  1        javascript  files     ready  Greets\n"
        );
    }
}
