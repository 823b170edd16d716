use std::path::Path;
use std::sync::Arc;

use ratchet_interfaces::{
    Page, PageRequest, RepositoryError, RepositoryFactory, Task, TaskDefinition, TaskFilter, TaskId,
    TaskListing, TaskRegistry, TaskSort, ValidationIssue, compare_versions, with_causes,
};
use ratchet_registry::{EmbeddedRegistry, FileSystemRegistry, is_task_folder, read_task_folder};

use crate::cli::{CliError, CommonArgs};
use crate::command::stored::{missing_file, read_from};
use crate::settings::Settings;

/// The registry of the tasks that come with the server, and that of the folder.
pub(super) const EMBEDDED: &str = "embedded";
pub(super) const FILES: &str = "files";

/// What each registry of a server with these settings has now.
pub(super) fn offered(settings: &Settings) -> Result<Vec<(&'static str, TaskListing)>, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| CliError::failed(&error))?;
    let embedded = EmbeddedRegistry::new().map_err(|error| CliError::failed(&error))?;
    let embedded = runtime
        .block_on(embedded.list_tasks())
        .map_err(|error| CliError::failed(&error))?;
    let mut listings = vec![(EMBEDDED, embedded)];
    if let Some(folder) = settings.tasks.folder() {
        listings.push((FILES, FileSystemRegistry::new(FILES, [folder]).scan()));
    }
    Ok(listings)
}

/// Every stored task, and those that are damaged; none when there is no database yet.
pub(super) fn stored(
    common: &CommonArgs,
    settings: &Settings,
) -> Result<(Vec<Task>, Vec<ValidationIssue>), CliError> {
    if missing_file(&settings.database.url)?.is_some() {
        return Ok((Vec::new(), Vec::new()));
    }
    read_from(common, async |repositories| all(repositories).await)
}

async fn all(
    repositories: Arc<dyn RepositoryFactory>,
) -> Result<(Vec<Task>, Vec<ValidationIssue>), CliError> {
    let failed = |error| CliError::failed(&error);
    let tasks = repositories.tasks();
    let (filter, sort) = (TaskFilter::default(), TaskSort::default());
    let (mut found, mut issues) = (Vec::new(), Vec::new());
    loop {
        let begin = (found.len() + issues.len()) as u64;
        let request = PageRequest::new(begin, PageRequest::MAX_LIMIT).map_err(failed)?;
        let list = |request| tasks.task_list(&filter, sort, request);
        let (page, damaged) = Page::readable(request, list).await.map_err(failed)?;
        let is_last = ((page.items.len() + damaged.len()) as u64) < PageRequest::MAX_LIMIT;
        found.extend(page.items);
        issues.extend(damaged.into_iter().filter_map(|row| match row {
            RepositoryError::CorruptRow {
                id, column, source, ..
            } => Some(ValidationIssue {
                task: id,
                field: column.to_owned(),
                message: format!("the stored value cannot be read: {}", with_causes(&*source)),
            }),
            _ => None,
        }));
        if is_last {
            return Ok((found, issues));
        }
    }
}

/// The task that somebody means by an id, `NAME` or `NAME@VERSION`: without a version, the latest.
pub(super) fn named<'a, T>(
    text: &str,
    tasks: impl IntoIterator<Item = &'a T>,
    definition: impl Fn(&T) -> &TaskDefinition,
) -> Option<&'a T> {
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let id = text.parse::<TaskId>().ok();
    tasks
        .into_iter()
        .filter(|task| {
            let task = definition(task);
            if let Some(id) = id {
                return task.id == id;
            }
            task.name == name && version.is_none_or(|version| task.version == version)
        })
        .max_by(|a, b| compare_versions(&definition(a).version, &definition(b).version))
}

/// The error that nothing has this name: it offers the versions where one is wrong, and else the names.
pub(super) fn unknown<'a>(text: &str, tasks: impl Iterator<Item = &'a TaskDefinition>) -> CliError {
    let tasks: Vec<&TaskDefinition> = tasks.collect();
    let versions = text.split_once('@').map(|(name, _)| {
        let mut versions: Vec<&TaskDefinition> =
            tasks.iter().copied().filter(|task| task.name == name).collect();
        versions.sort_by(|a, b| compare_versions(&a.version, &b.version));
        versions
            .iter()
            .map(|task| format!("{name}@{}", task.version))
            .collect()
    });
    let versions: Option<Vec<String>> = versions.filter(|versions: &Vec<String>| !versions.is_empty());
    let mut offered = versions.unwrap_or_else(|| {
        let mut names: Vec<String> = tasks.iter().map(|task| task.name.clone()).collect();
        names.sort();
        names
    });
    offered.dedup();
    CliError::Failed(format!(
        "no task is named \"{text}\"; there are {}",
        if offered.is_empty() {
            "none".to_owned()
        } else {
            offered.join(", ")
        }
    ))
}

/// The task in a folder, or with a name.
pub(super) fn task(text: &str, settings: &Settings) -> Result<TaskDefinition, CliError> {
    let folder = Path::new(text);
    if is_task_folder(folder) {
        return read_task_folder(folder).map_err(|issues| {
            let told: Vec<String> = issues
                .iter()
                .map(|issue| format!("{}/{}: {}", issue.task, issue.field, issue.message))
                .collect();
            CliError::Failed(format!("the task is not in order:\n  {}", told.join("\n  ")))
        });
    }
    let listings = offered(settings)?;
    let tasks = || listings.iter().flat_map(|(_, listing)| &listing.tasks);
    named(text, tasks(), |task| task)
        .cloned()
        .ok_or_else(|| unknown(text, tasks()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_names_a_wrong_version_is_offered_those_that_there_are() {
        let task = |name, version| TaskDefinition::new(TaskId::new(), name, version, "javascript");
        let tasks = [task("b", "1.10.0"), task("b", "1.9.0"), task("a", "1")];
        for (text, offered) in [("b@2", "b@1.9.0, b@1.10.0"), ("c@2", "a, b"), ("c", "a, b")] {
            let error = unknown(text, tasks.iter());
            assert!(matches!(error, CliError::Failed(_)), "{text}");
            let expected = format!("no task is named \"{text}\"; there are {offered}");
            assert_eq!(error.to_string(), expected);
        }
        assert!(unknown("c", [].iter()).to_string().ends_with("there are none"));
    }
}
