use std::io::IsTerminal;
use std::sync::Arc;

use clap::Args;
use ratchet_interfaces::{LogLevel, Progress, TaskErrorKind, TaskMonitor, TaskValidator};
use ratchet_registry::SchemaValidator;
use serde_json::json;

use super::lookup::task;
use super::once::{Once, timeout_of};
use super::runtimes::{Allowance, Requests};
use crate::cli::{CliError, CommonArgs, print};
use crate::command::json::typed_json;
use crate::command::paint::Paint;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The folder of a task, or its name, and with @VERSION one version of it
    #[arg(value_name = "DIR|NAME[@VERSION]")]
    task: String,
    /// The input: JSON, or @FILE, or @- for standard input [default: {}]
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// How long it may run, in seconds [default: the task's own timeout, or scheduler.job_timeout_seconds]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=604_800))]
    timeout: Option<u32>,
    #[command(flatten)]
    allowance: Allowance,
}

/// Shows what a task says on standard error.
struct OnStandardError(Paint);

impl TaskMonitor for OnStandardError {
    fn log(&self, level: LogLevel, message: &str) {
        eprintln!("{}", self.0.log(level, message));
    }

    fn progress(&self, progress: Progress) {
        let Progress { percent, message } = progress;
        let message = message.unwrap_or_default();
        eprintln!(
            "{}",
            self.0.faint(format!("{percent:3.0} % {message}").trim_end())
        );
    }
}

impl RunArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let settings = common.settings()?;
        let task = Arc::new(task(&self.task, &settings)?);
        let input = match &self.input {
            Some(text) => typed_json("--input", text)?,
            None => json!({}),
        };
        let runtimes = self.allowance.runtimes(&settings, &Requests::Real)?;
        let issues = SchemaValidator::default()
            .with_runtimes(&runtimes)
            .validate_task(&task);
        if let [first, ..] = &issues[..] {
            return Err(CliError::Failed(first.to_string()));
        }
        let Some(runtime) = runtimes
            .into_iter()
            .find(|runtime| runtime.runtime() == task.runtime)
        else {
            return Err(CliError::Failed(format!("there is no runtime {}", task.runtime)));
        };
        let timeout = match self.timeout {
            Some(seconds) => std::time::Duration::from_secs(u64::from(seconds)),
            None => timeout_of(&task, settings.scheduler.job_timeout_seconds),
        };
        let once = Once {
            task,
            input,
            runtime,
            monitor: Arc::new(OnStandardError(Paint::of(&std::io::stderr()))),
            timeout,
        };
        let executor = tokio::runtime::Runtime::new().map_err(|error| CliError::failed(&error))?;
        let outcome = executor.block_on(async {
            let stopped = async {
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending().await
                }
            };
            once.run(stopped).await
        });
        // What a runtime left running on a thread of its own does not hold the process up.
        executor.shutdown_background();
        match outcome {
            Ok(output) if std::io::stdout().is_terminal() => print(&format!("{output:#}\n")),
            Ok(output) => print(&format!("{output}\n")),
            Err(error) if error.kind == TaskErrorKind::Input => Err(CliError::Usage(error.message)),
            Err(error) => Err(CliError::Failed(format!("{} ({})", error.message, error.kind))),
        }
    }
}
