//! What somebody means by a name or an id.

use std::collections::HashMap;

use ratchet_interfaces::{JobId, ScheduleId, TaskId, compare_versions};
use serde_json::Value;

use crate::cli::{CliError, note};
use crate::command::connection::{Call, Connection};

/// The most names that are offered where none fits.
const OFFERED: u64 = 10;

/// How exactly a schedule must be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// The beginning of its name will do, if no other begins like that.
    Prefix,
    /// By its whole name or id: something is done with it.
    Whole,
}

/// The schedule with this id or name, as the API shows it.
pub(crate) async fn schedule(
    connection: &Connection,
    text: &str,
    exactness: Exactness,
) -> Result<Value, CliError> {
    if text.trim().is_empty() {
        // A variable that is not set would be the beginning of every name.
        return Err(CliError::Usage(
            "the schedule is \"\": it is a name or an id".to_owned(),
        ));
    }
    if let Ok(id) = text.parse::<ScheduleId>() {
        return Ok(connection.get(format!("/schedules/{id}")).await?.data());
    }
    let of_name = Call::get("/schedules").with("name", text).with("limit", 1);
    let mut of_name = connection.send(of_name).await?.body;
    if let Some(found) = of_name["data"].as_array_mut().and_then(Vec::pop) {
        return Ok(found);
    }
    if let Some(damaged) = of_name["meta"]["unreadable"][0]["id"].as_str() {
        // By its id it is refused in words that say what to do.
        return Ok(connection.get(format!("/schedules/{damaged}")).await?.data());
    }
    let alike = Call::get("/schedules").with("name_like", text);
    let alike = connection.list(alike, OFFERED).await?;
    let begins = |row: &&Value| row["name"].as_str().is_some_and(|name| name.starts_with(text));
    let mut beginning = alike.rows.iter().filter(begins);
    // Those that were not read might begin like that as well.
    let all_were_read = alike.total <= OFFERED;
    if let (Exactness::Prefix, true, Some(only), None) =
        (exactness, all_were_read, beginning.next(), beginning.next())
    {
        return Ok(only.clone());
    }
    let names: Vec<&str> = alike.rows.iter().filter_map(|row| row["name"].as_str()).collect();
    Err(unknown("schedule", text, &names, alike.total))
}

/// The `ETag` of a schedule that was read: its version.
pub(crate) fn etag(schedule: &Value) -> Option<String> {
    Some(format!("\"{}\"", schedule["version"].as_u64()?))
}

/// The id in an answer.
pub(crate) fn id(data: &Value) -> &str {
    text(data, "id")
}

/// A text in an answer; empty if it has none.
pub(crate) fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}

/// The id of the task that is meant by an id, `NAME` or `NAME@VERSION`: without a version, of the latest.
pub(crate) async fn task(connection: &Connection, given: &str) -> Result<String, CliError> {
    if let Ok(id) = given.parse::<TaskId>() {
        return Ok(id.to_string());
    }
    let versions = versions(connection, given).await?;
    let by_version = |a: &&Value, b: &&Value| {
        // One that can run counts before one that cannot.
        let runs = |task: &Value| task["enabled"] == true && task["removedAt"].is_null();
        let version = || compare_versions(text(a, "version"), text(b, "version"));
        runs(a).cmp(&runs(b)).then_with(version)
    };
    match versions.iter().max_by(by_version) {
        Some(found) => Ok(id(found).to_owned()),
        None => Err(unknown_task(connection, given).await?),
    }
}

/// The one task that is meant by an id, `NAME@VERSION`, or a `NAME` of which there is one version: something is done with it.
pub(crate) async fn version_of_task(connection: &Connection, given: &str) -> Result<Value, CliError> {
    if let Ok(id) = given.parse::<TaskId>() {
        return Ok(connection.get(format!("/tasks/{id}")).await?.data());
    }
    let mut versions = versions(connection, given).await?;
    match (versions.pop(), versions.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(unknown_task(connection, given).await?),
        (Some(last), false) => {
            let (name, _) = name_and_version(given);
            versions.push(last);
            let mut versions: Vec<&str> = versions.iter().map(|task| text(task, "version")).collect();
            versions.sort_by(|a, b| compare_versions(a, b));
            Err(CliError::Usage(format!(
                "\"{given}\" has several versions ({}): say which, as in {name}@{}",
                versions.join(", "),
                versions.last().copied().unwrap_or_default()
            )))
        }
    }
}

/// The tasks that are meant by `NAME` or `NAME@VERSION`. One that was made a moment ago may be in a folder only: where none is
/// stored, the folders are read, and it is looked for again.
async fn versions(connection: &Connection, given: &str) -> Result<Vec<Value>, CliError> {
    connection.take_tasks_in().await?;
    let (name, version) = name_and_version(given);
    let versions = Call::get("/tasks")
        .with("name", name)
        .with_some("version", version);
    let stored = connection.list(versions.clone(), u64::MAX).await?.rows;
    if !stored.is_empty() || !connection.is_of_a_server() {
        return Ok(stored);
    }
    match connection.send(Call::post("/tasks/sync")).await {
        Ok(_) => Ok(connection.list(versions, u64::MAX).await?.rows),
        Err(error) => {
            note(&format!(
                "the server does not read its folders of tasks anew: {error}"
            ));
            Ok(stored)
        }
    }
}

fn name_and_version(given: &str) -> (&str, Option<&str>) {
    match given.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (given, None),
    }
}

async fn unknown_task(connection: &Connection, given: &str) -> Result<CliError, CliError> {
    let (name, _) = name_and_version(given);
    let alike = Call::get("/tasks").with("name_like", name);
    let alike = connection.list(alike, OFFERED).await?;
    let names = alike.rows.iter();
    let names: Vec<String> = names
        .map(|row| format!("{}@{}", text(row, "name"), text(row, "version")))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(unknown("task", given, &names, alike.total))
}

/// An id of a job that was typed.
pub(crate) fn job(text: &str) -> Result<JobId, String> {
    text.parse()
        .map_err(|_| "a job is named by its id, which `ratchet job list` shows".to_owned())
}

fn unknown(what: &str, text: &str, names: &[&str], total: u64) -> CliError {
    let offered = match names {
        [] => format!("`ratchet {what} list` shows what there is"),
        names => {
            let more = total.saturating_sub(names.len() as u64);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            format!("there are {}{more}", names.join(", "))
        }
    };
    CliError::Failed(format!("no {what} has the name or id \"{text}\"; {offered}"))
}

/// The names of what rows refer to by id, each read once.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<String, String>,
}

impl Names {
    /// The name of the thing that a field of a row refers to: its id where it is gone, nothing where there is none.
    pub(crate) async fn of(
        &mut self,
        connection: &Connection,
        collection: &str,
        row: &Value,
        field: &str,
    ) -> String {
        let id = text(row, field);
        if id.is_empty() {
            return String::new();
        }
        if let Some(known) = self.known.get(id) {
            return known.clone();
        }
        let found = connection.get(format!("{collection}/{id}")).await;
        let name = found.map_or_else(
            |_| id.to_owned(),
            |answer| text(&answer.data(), "name").to_owned(),
        );
        self.known.insert(id.to_owned(), name.clone());
        name
    }
}

#[cfg(test)]
mod tests;
