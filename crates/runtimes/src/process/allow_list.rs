use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use ratchet_interfaces::{TaskError, TaskErrorKind};

use super::ProcessConfig;

/// Finds the program of a command, if it may be run.
pub(super) fn program(config: &ProcessConfig, command: &str) -> Result<PathBuf, TaskError> {
    if config.allowed_commands.iter().any(|allowed| allowed == command) {
        return if command.contains('/') {
            executable(command, PathBuf::from(command))
        } else {
            in_path(config, command)
        };
    }
    match &config.folder {
        Some(folder) => in_folder(folder, command),
        None => Err(refused(command, "process.allowed_commands does not have it")),
    }
}

/// The folder in which a task wants its process to work, if it may.
pub(super) fn working_folder(config: &ProcessConfig, wanted: &Path) -> Result<PathBuf, TaskError> {
    let told = |kind, rule: &str| {
        Err(TaskError::of(
            kind,
            format!("working_folder is \"{}\": {rule}", wanted.display()),
        ))
    };
    let real = match wanted.canonicalize() {
        Ok(real) if real.is_dir() => real,
        Ok(_) => return told(TaskErrorKind::Definition, "it is no folder"),
        Err(error) => return told(kind_of(&error), &error.to_string()),
    };
    let is_below = |folder: &PathBuf| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder));
    if !config.working_folders.iter().any(is_below) {
        let rule = "it is not below a folder of process.working_folders";
        return told(TaskErrorKind::Permission, rule);
    }
    Ok(real)
}

fn in_path(config: &ProcessConfig, name: &str) -> Result<PathBuf, TaskError> {
    config
        .path
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.metadata().is_ok_and(|found| is_executable(&found)))
        .ok_or_else(|| {
            let told = format!("command is \"{name}\": no folder of process.path has such a program");
            TaskError::of(TaskErrorKind::Definition, told)
        })
}

/// A file of the folder of scripts. It is found by its real path, so that neither `..` nor a link leads out of it.
fn in_folder(folder: &Path, command: &str) -> Result<PathBuf, TaskError> {
    let path = Path::new(command);
    let is_below = path
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if command.is_empty() || !is_below {
        let rule = "neither process.allowed_commands nor the folder process.folder has it";
        return Err(refused(command, rule));
    }
    let real_folder = folder.canonicalize().map_err(|error| {
        let told = format!(
            "process.folder, \"{}\", cannot be read: {error}",
            folder.display()
        );
        TaskError::of(kind_of(&error), told)
    })?;
    let real = folder
        .join(path)
        .canonicalize()
        .map_err(|error| not_found(command, &error))?;
    if !real.starts_with(&real_folder) {
        return Err(refused(command, "it leads out of the folder process.folder"));
    }
    executable(command, real)
}

fn executable(command: &str, path: PathBuf) -> Result<PathBuf, TaskError> {
    let found = fs::metadata(&path).map_err(|error| not_found(command, &error))?;
    if !found.is_file() {
        let told = format!("command is \"{command}\": it is no file");
        return Err(TaskError::of(TaskErrorKind::Definition, told));
    }
    if !is_executable(&found) {
        return Err(refused(command, "its file is not executable"));
    }
    Ok(path)
}

fn is_executable(found: &Metadata) -> bool {
    found.is_file() && found.permissions().mode() & 0o111 != 0
}

fn refused(command: &str, rule: &str) -> TaskError {
    TaskError::of(
        TaskErrorKind::Permission,
        format!("command is \"{command}\": it may not be run: {rule}"),
    )
}

fn not_found(command: &str, error: &io::Error) -> TaskError {
    TaskError::of(kind_of(error), format!("command is \"{command}\": {error}"))
}

fn kind_of(error: &io::Error) -> TaskErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied => TaskErrorKind::Permission,
        _ => TaskErrorKind::Definition,
    }
}
