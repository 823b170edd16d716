use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ratchet_interfaces::{TaskDefinition, TaskListing, TaskValidator, ValidationIssue};
use ratchet_registry::{FileSystemRegistry, SchemaValidator, read_test_cases};

use super::runtimes::{Allowance, Requests};
use crate::cli::{CliError, CommonArgs, print};
use crate::command::paint::Paint;

#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The folder of a task, or one with tasks below it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    allowance: Allowance,
}

impl ValidateArgs {
    pub(super) fn run(&self, common: &CommonArgs) -> Result<(), CliError> {
        let settings = common.settings()?;
        let validator =
            SchemaValidator::default().with_runtimes(&self.allowance.runtimes(&settings, &Requests::Real)?);
        let folders = folders_below(&self.folder)?;
        let TaskListing {
            tasks, mut issues, ..
        } = FileSystemRegistry::new("files", [&self.folder]).scan();
        for task in &tasks {
            issues.extend(
                validator
                    .validate_task(task)
                    .into_iter()
                    .map(|issue| in_folder(task, issue)),
            );
        }
        for folder in &folders {
            issues.extend(read_test_cases(folder).err().unwrap_or_default());
        }
        // The order is that of the folders, however they were looked at.
        issues.sort_by(|a, b| a.task.cmp(&b.task));
        let paint = Paint::of(&std::io::stdout());
        let mut text = String::new();
        for task in &tasks {
            let folder = task.folder().unwrap_or_default();
            if !issues.iter().any(|issue| issue.task == folder) {
                let _ = writeln!(text, "{} {} {}", paint.good("ok  "), task.name, task.version);
            }
        }
        for ValidationIssue { task, field, message } in &issues {
            let _ = writeln!(text, "{} {task}/{field}: {message}", paint.bad("FAIL"));
        }
        print(&text)?;
        match issues.len() {
            0 => Ok(()),
            1 => Err(CliError::Failed("1 thing is wrong".to_owned())),
            several => Err(CliError::Failed(format!("{several} things are wrong"))),
        }
    }
}

/// The folders of tasks below a folder that somebody named, of which there must be some.
pub(super) fn folders_below(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !folder.is_dir() {
        return Err(CliError::Usage(format!(
            "DIR is \"{}\": it is no folder; allowed is that of a task, or one with tasks below it",
            folder.display()
        )));
    }
    let folders = FileSystemRegistry::task_folders(folder);
    if folders.is_empty() {
        return Err(CliError::Usage(format!(
            "DIR is \"{}\": neither it nor a folder below it has a metadata.json; `ratchet task new` makes a task",
            folder.display()
        )));
    }
    Ok(folders)
}

fn in_folder(task: &TaskDefinition, issue: ValidationIssue) -> ValidationIssue {
    ValidationIssue {
        task: task.folder().unwrap_or(&issue.task).to_owned(),
        ..issue
    }
}
