use std::io;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::system::{self, Space};
use crate::settings::{Settings, TaskSettings};

const TASKS: &str = "task folder";
const OUTPUT: &str = "output folder";
const PROCESSES: &str = "process folder";

const MIB: u64 = 1 << 20;
/// With less, a transaction may not fit any more.
const TOO_LITTLE: u64 = 64 * MIB;
/// With less, it is time to make room.
const LITTLE: u64 = 1_024 * MIB;
const FEW_FILES: u64 = 1_000;

pub(super) fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![tasks(&settings.tasks), output(&settings.output.folder)];
    if let (true, Some(folder)) = (settings.process.enabled, &settings.process.folder) {
        findings.push(readable(PROCESSES, folder, "process.folder"));
    }
    let existing = existing_ancestor(&settings.output.folder);
    findings.push(space("output's disk", &existing));
    findings
}

fn tasks(settings: &TaskSettings) -> Finding {
    match settings.folder() {
        None => Finding::ok(
            TASKS,
            format!("none ({} does not exist)", TaskSettings::DEFAULT_FOLDER),
        ),
        Some(folder) => readable(TASKS, &folder, "tasks.folder"),
    }
}

/// A folder that is only read.
fn readable(check: &'static str, folder: &Path, key: &str) -> Finding {
    let shown = folder.display();
    if !folder.exists() {
        return Finding::warning(
            check,
            format!("{shown} does not exist"),
            format!("make it, or set {key} to another one"),
        );
    }
    if !folder.is_dir() {
        return Finding::error(
            check,
            format!("{shown} is no folder"),
            format!("set {key} to a folder"),
        );
    }
    match system::may_list(folder) {
        Ok(()) => Finding::ok(check, format!("{shown} can be read")),
        Err(error) => Finding::error(
            check,
            format!("{shown} cannot be read: {error}"),
            format!("let the user of this process read it (chmod o+rx {shown}, or chown)"),
        ),
    }
}

fn output(folder: &Path) -> Finding {
    let shown = folder.display();
    let existing = existing_ancestor(folder);
    if !existing.is_dir() {
        return Finding::error(
            OUTPUT,
            format!("{} is no folder", existing.display()),
            "set output.folder to a folder, or to one that can be made",
        );
    }
    match (system::may_write(&existing), existing == folder) {
        (Ok(()), true) => Finding::ok(OUTPUT, format!("{shown} can be written to")),
        (Ok(()), false) => Finding::ok(OUTPUT, format!("{shown} does not exist, and can be made")),
        (Err(error), _) => Finding::error(
            OUTPUT,
            format!("{shown} cannot be written to: {}: {error}", existing.display()),
            "let the user of this process write there (chown), or set output.folder to another one",
        ),
    }
}

/// The folder itself, or what is nearest to it of what exists.
fn existing_ancestor(folder: &Path) -> PathBuf {
    let here = Path::new(".");
    let nearest = folder.ancestors().find(|path| path.exists());
    nearest
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(here)
        .to_owned()
}

/// How much can still be written where a folder is.
pub(super) fn space(check: &'static str, folder: &Path) -> Finding {
    judge_space(check, system::space(folder))
}

fn judge_space(check: &'static str, space: io::Result<Option<Space>>) -> Finding {
    let advice = "make room: jobs and results are not lost while it is full, but nothing fires; \
                  scheduler.job_retention_days and ledger_retention_days say how long they are kept";
    match space {
        Err(error) => Finding::warning(
            check,
            format!("how much is free cannot be told: {error}"),
            "see that there is room",
        ),
        Ok(None) => Finding::ok(check, "how much is free cannot be told on this system"),
        Ok(Some(Space {
            free_bytes,
            free_files,
        })) => {
            let told = format!("{} are free", in_words(free_bytes));
            if free_bytes < TOO_LITTLE || free_files == Some(0) {
                Finding::error(check, told, advice)
            } else if free_bytes < LITTLE {
                Finding::warning(check, told, advice)
            } else if let Some(files) = free_files.filter(|files| *files < FEW_FILES) {
                Finding::warning(check, format!("{told}, and room for {files} files"), advice)
            } else {
                Finding::ok(check, told)
            }
        }
    }
}

pub(super) fn in_words(bytes: u64) -> String {
    match bytes / MIB {
        0 => format!("{bytes} bytes"),
        mib @ 1..10_240 => format!("{mib} MiB"),
        mib => format!("{} GiB", mib / 1_024),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn of(free_bytes: u64, free_files: Option<u64>) -> Verdict {
        let space = Space {
            free_bytes,
            free_files,
        };
        judge_space("disk", Ok(Some(space))).verdict
    }

    #[test]
    fn a_disk_that_fills_is_a_warning_and_a_full_one_an_error() {
        assert_eq!(of(20_480 * MIB, Some(1 << 20)), Verdict::Ok);
        assert_eq!(of(20_480 * MIB, None), Verdict::Ok);
        assert_eq!(of(500 * MIB, None), Verdict::Warning);
        assert_eq!(of(20_480 * MIB, Some(10)), Verdict::Warning);
        assert_eq!(of(20_480 * MIB, Some(0)), Verdict::Error);
        assert_eq!(of(MIB, None), Verdict::Error);
    }

    #[test]
    fn a_folder_for_results_may_be_yet_to_be_made_but_not_be_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let finding = output(&folder.path().join("a/b"));
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(finding.message.ends_with("can be made"), "{}", finding.message);
        assert!(!folder.path().join("a").exists());
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(output(&file.join("b")).verdict, Verdict::Error);
    }

    #[test]
    fn a_folder_of_tasks_that_does_not_exist_is_a_warning_and_a_file_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            readable(TASKS, folder.path(), "tasks.folder").verdict,
            Verdict::Ok
        );
        let missing = folder.path().join("missing");
        assert_eq!(
            readable(TASKS, &missing, "tasks.folder").verdict,
            Verdict::Warning
        );
        std::fs::write(&missing, "").unwrap();
        assert_eq!(readable(TASKS, &missing, "tasks.folder").verdict, Verdict::Error);
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_suits_them() {
        assert_eq!(in_words(500), "500 bytes");
        assert_eq!(in_words(70 * MIB), "70 MiB");
        assert_eq!(in_words(40_960 * MIB), "40 GiB");
    }
}
