use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use ratchet_interfaces::{TaskDefinition, TaskListing, ValidationIssue};

use crate::folder::{is_task_folder, read_task_folder};

/// How deep below a root a task may lie.
const DEEPEST: usize = 32;
/// How many folders are looked into: a root that is a whole disk is a mistake.
const MOST_FOLDERS: usize = 100_000;

/// A walk through folders in search of tasks.
#[derive(Default)]
pub(crate) struct Scan {
    tasks: Vec<PathBuf>,
    issues: Vec<ValidationIssue>,
    unreadable: Vec<String>,
    /// The folders that were looked into, without links, so that a link that leads back does not lead on.
    visited: HashSet<PathBuf>,
}

impl Scan {
    /// Looks for tasks in a folder that must exist.
    pub(crate) fn root(&mut self, root: &Path) {
        match root.canonicalize() {
            Ok(real) => self.folder(root, &real, &real, 0),
            Err(error) => self.unreadable(root, format!("the folder cannot be read: {error}")),
        }
    }

    /// The folders of tasks that were found.
    pub(crate) fn folders(self) -> Vec<PathBuf> {
        self.tasks
    }

    /// Reads the tasks that were found.
    pub(crate) fn listing(self) -> TaskListing {
        let Self {
            tasks: folders,
            issues,
            unreadable,
            visited: _,
        } = self;
        let mut listing = TaskListing {
            tasks: Vec::new(),
            issues,
            unreadable,
        };
        let mut by_id: HashMap<_, String> = HashMap::new();
        let mut by_name: HashMap<_, String> = HashMap::new();
        for folder in folders {
            let shown = folder.display().to_string();
            let task = match read_task_folder(&folder) {
                Ok(task) => task,
                Err(issues) => {
                    listing.issues.extend(issues);
                    listing.unreadable.push(shown);
                    continue;
                }
            };
            let key = (task.name.clone(), task.version.clone());
            if let Some(first) = by_name.get(&key) {
                listing.issues.push(duplicate(&shown, "version", &task, first));
            } else if let Some(first) = by_id.get(&task.id) {
                listing.issues.push(duplicate(&shown, "uuid", &task, first));
            } else {
                by_name.insert(key, shown.clone());
                by_id.insert(task.id, shown);
                listing.tasks.push(task);
            }
        }
        listing
    }

    fn folder(&mut self, folder: &Path, real: &Path, root: &Path, depth: usize) {
        if !self.visited.insert(real.to_owned()) {
            return;
        }
        if depth > DEEPEST || self.visited.len() > MOST_FOLDERS {
            let rule = format!(
                "it is not looked into: at most {DEEPEST} folders below each other and {MOST_FOLDERS} together are"
            );
            return self.unreadable(folder, rule);
        }
        if is_task_folder(folder) {
            self.tasks.push(folder.to_owned());
            return;
        }
        let mut below = Vec::new();
        let entries = folder
            .read_dir()
            .and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        match entries {
            Ok(entries) => below.extend(entries.into_iter().map(|entry| entry.path())),
            Err(error) => return self.unreadable(folder, format!("the folder cannot be read: {error}")),
        }
        below.sort();
        for path in below {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || name == "node_modules" || !path.is_dir() {
                continue;
            }
            match path.canonicalize() {
                Ok(real) if real.starts_with(root) => self.folder(&path, &real, root, depth + 1),
                Ok(_) => self.issues.push(ValidationIssue {
                    task: path.display().to_string(),
                    field: ".".to_owned(),
                    message: "the folder is a symbolic link that leads out of where tasks are looked for: it is not \
                              followed"
                        .to_owned(),
                }),
                Err(error) => self.unreadable(&path, format!("the folder cannot be read: {error}")),
            }
        }
    }

    fn unreadable(&mut self, folder: &Path, message: String) {
        let folder = folder.display().to_string();
        self.issues.push(ValidationIssue {
            task: folder.clone(),
            field: ".".to_owned(),
            message,
        });
        self.unreadable.push(folder);
    }
}

fn duplicate(folder: &str, field: &str, task: &TaskDefinition, first: &str) -> ValidationIssue {
    let message = match field {
        "uuid" => format!(
            "is \"{}\": that is the uuid of the task in {first}, and each version has one of its own",
            task.id
        ),
        _ => format!(
            "is \"{}\": {first} has task {} in this version already",
            task.version, task.name
        ),
    };
    ValidationIssue {
        task: folder.to_owned(),
        field: format!("metadata.json: {field}"),
        message,
    }
}
