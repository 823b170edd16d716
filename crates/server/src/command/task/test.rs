use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use ratchet_interfaces::{
    LogLevel, Progress, TaskDefinition, TaskError, TaskMonitor, TaskValidator, ValidationIssue,
};
use ratchet_registry::{SchemaValidator, TestCase, read_task_folder, read_test_cases};
use serde_json::Value;

use super::differences::differences;
use super::mocks::Mocks;
use super::once::{Once, timeout_of};
use super::runtimes::{Allowance, Requests};
use super::validate::folders_below;
use crate::cli::{CliError, CommonArgs, print};
use crate::command::paint::Paint;
use crate::settings::Settings;

/// How long a test may take whose task does not say how long it may run, in seconds.
const TIMEOUT_SECONDS: u64 = 60;
/// How many lines of the log of a failed test are shown: the last ones.
const LOG_LINES: usize = 50;

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The folder of a task, or one with tasks below it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only the tests of whose task's or own name this is a part
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    #[command(flatten)]
    allowance: Allowance,
}

/// Keeps what a task says.
#[derive(Default)]
struct Kept(Mutex<Vec<(LogLevel, String)>>);

impl TaskMonitor for Kept {
    fn log(&self, level: LogLevel, message: &str) {
        // The list is whole after every statement that changes it.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= 2 * LOG_LINES {
            lines.drain(..LOG_LINES);
        }
        lines.push((level, message.to_owned()));
    }

    fn progress(&self, _: Progress) {}
}

/// A task and its tests, or everything that is wrong with them.
type Tested = Result<(TaskDefinition, Vec<TestCase>), Vec<ValidationIssue>>;

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    /// Folders whose tests could not be run.
    broken: usize,
    untested: usize,
}

impl TestArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let settings = common.settings()?;
        let folders = folders_below(&self.folder)?;
        let executor = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let paint = Paint::of(&std::io::stdout());
        let begin = Instant::now();
        let mut tally = Tally::default();
        for folder in &folders {
            executor.block_on(self.folder(folder, &settings, paint, &mut tally))?;
        }
        executor.shutdown_background();
        let Tally {
            passed,
            failed,
            broken,
            untested,
        } = tally;
        let mut summary = format!("\n{passed} passed, {failed} failed");
        if broken > 0 {
            let _ = write!(summary, ", {broken} not in order");
        }
        if untested > 0 {
            let _ = write!(summary, ", {untested} without tests");
        }
        print(&format!("{summary} ({:.1} s)\n", begin.elapsed().as_secs_f64()))?;
        match (passed, failed + broken, self.filter) {
            (0, 0, Some(filter)) => Err(CliError::Usage(format!(
                "--filter is \"{filter}\": no test's name has it in it"
            ))),
            (_, 0, _) => Ok(()),
            _ => Err(CliError::Failed("not all tests passed".to_owned())),
        }
    }

    /// Runs the tests of one task.
    async fn folder(
        &self,
        folder: &Path,
        settings: &Settings,
        paint: Paint,
        tally: &mut Tally,
    ) -> Result<(), CliError> {
        let (task, cases) = match self.read(folder, settings)? {
            Ok(read) => read,
            Err(issues) => {
                tally.broken += 1;
                let mut text = format!("{}\n", folder.display());
                for ValidationIssue { field, message, .. } in issues {
                    let _ = writeln!(text, "  {} {field}: {message}", paint.bad("FAIL"));
                }
                return print(&text);
            }
        };
        let task = Arc::new(task);
        let wanted = |case: &&TestCase| {
            let filter = self.filter.as_deref();
            filter.is_none_or(|part| task.name.contains(part) || case.name.contains(part))
        };
        let wanted: Vec<&TestCase> = cases.iter().filter(wanted).collect();
        if cases.is_empty() && self.filter.is_none() {
            tally.untested += 1;
            let note = paint.faint("no tests");
            return print(&format!(
                "{} {} ({})\n  {note}\n",
                task.name,
                task.version,
                folder.display()
            ));
        }
        if wanted.is_empty() {
            return Ok(());
        }
        print(&format!(
            "{} {} ({})\n",
            task.name,
            task.version,
            folder.display()
        ))?;
        for case in wanted {
            let begin = Instant::now();
            let log = Arc::new(Kept::default());
            let faults = self.case(&task, case, settings, Arc::clone(&log)).await?;
            let took = paint.faint(&format!("({} ms)", begin.elapsed().as_millis()));
            if faults.is_empty() {
                tally.passed += 1;
                print(&format!("  {} {} {took}\n", paint.good("ok  "), case.name))?;
                continue;
            }
            tally.failed += 1;
            let mut text = format!("  {} {} {took}\n", paint.bad("FAIL"), case.name);
            let _ = writeln!(
                text,
                "       {}",
                paint.faint(&folder.join(&case.file).display().to_string())
            );
            for fault in faults {
                let _ = writeln!(text, "       {}", fault.replace('\n', "\n       "));
            }
            let lines = log.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for (level, message) in lines.iter().skip(lines.len().saturating_sub(LOG_LINES)) {
                let _ = writeln!(
                    text,
                    "       {}",
                    paint.log(*level, &message.replace('\n', "\n       "))
                );
            }
            print(&text)?;
        }
        Ok(())
    }

    /// The task in a folder and its tests, or everything that is wrong with them.
    fn read(&self, folder: &Path, settings: &Settings) -> Result<Tested, CliError> {
        let validator =
            SchemaValidator::default().with_runtimes(&self.allowance.runtimes(settings, &Requests::Real)?);
        let (task, mut issues) = match read_task_folder(folder) {
            Ok(task) => {
                let issues = validator.validate_task(&task);
                (Some(task), issues)
            }
            Err(issues) => (None, issues),
        };
        let cases = read_test_cases(folder).unwrap_or_else(|faults| {
            issues.extend(faults);
            Vec::new()
        });
        Ok(match task {
            Some(task) if issues.is_empty() => Ok((task, cases)),
            _ => Err(issues),
        })
    }

    /// Runs one test, and says what is wrong.
    async fn case(
        &self,
        task: &Arc<TaskDefinition>,
        case: &TestCase,
        settings: &Settings,
        log: Arc<Kept>,
    ) -> Result<Vec<String>, CliError> {
        let mocks = Arc::new(Mocks::new(case.mocks.clone()));
        let runtimes = self
            .allowance
            .runtimes(settings, &Requests::Mocked(Arc::clone(&mocks)))?;
        let Some(runtime) = runtimes
            .into_iter()
            .find(|runtime| runtime.runtime() == task.runtime)
        else {
            return Ok(vec![format!("there is no runtime {}", task.runtime)]);
        };
        let once = Once {
            task: Arc::clone(task),
            input: case.input.clone(),
            runtime,
            monitor: log,
            timeout: timeout_of(task, TIMEOUT_SECONDS).min(Duration::from_secs(TIMEOUT_SECONDS)),
        };
        let outcome = once.run(std::future::pending()).await;
        let mut faults = judge(case, outcome);
        // Also where the task caught the error and went on.
        for request in mocks.unanswered() {
            faults.push(format!(
                "{request}: no mock answers this request, and tests do not reach the network"
            ));
        }
        Ok(faults)
    }
}

/// What is wrong with how a test ended.
fn judge(case: &TestCase, outcome: Result<Value, TaskError>) -> Vec<String> {
    match (outcome, case.should_fail) {
        (Ok(output), true) => vec![format!("it must fail, and returned {output}")],
        (Ok(output), false) => {
            let expected = case.expected.as_ref();
            expected.map_or_else(Vec::new, |expected| differences(expected, &output))
        }
        (Err(error), false) => vec![format!("it failed ({}): {}", error.kind, error.message)],
        (Err(error), true) => match &case.expected_error {
            Some(part) if !error.message.contains(part) => {
                vec![format!(
                    "its error must contain \"{part}\", and is: {}",
                    error.message
                )]
            }
            _ => Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case() -> TestCase {
        TestCase {
            file: "tests/a.json".to_owned(),
            name: "a".to_owned(),
            input: json!({}),
            expected: None,
            should_fail: false,
            expected_error: None,
            mocks: Vec::new(),
        }
    }

    #[test]
    fn a_test_is_judged_by_what_it_expects() {
        let fails = || Err(TaskError::failed("no such user: 7"));
        let returns = || Ok(json!({"a": 1}));
        assert_eq!(judge(&case(), returns()), Vec::<String>::new());
        assert_eq!(judge(&case(), fails()), ["it failed (task): no such user: 7"]);
        let expected = |value| TestCase {
            expected: Some(value),
            ..case()
        };
        assert_eq!(judge(&expected(json!({"a": 1})), returns()), Vec::<String>::new());
        assert_eq!(
            judge(&expected(json!({"a": 2})), returns()),
            ["/a: expected 2, got 1"]
        );
        assert_eq!(judge(&expected(json!(null)), returns()).len(), 1);
        let failing = |error: Option<&str>| TestCase {
            should_fail: true,
            expected_error: error.map(str::to_owned),
            ..case()
        };
        assert_eq!(judge(&failing(None), fails()), Vec::<String>::new());
        assert_eq!(judge(&failing(Some("user: 7")), fails()), Vec::<String>::new());
        assert_eq!(
            judge(&failing(Some("user: 8")), fails()),
            ["its error must contain \"user: 8\", and is: no such user: 7"]
        );
        assert_eq!(
            judge(&failing(None), returns()),
            ["it must fail, and returned {\"a\":1}"]
        );
    }
}
