use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{Clock, TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskRequest};
use serde_json::Value;

mod config;

#[cfg(unix)]
mod allow_list;
#[cfg(unix)]
mod capture;
#[cfg(unix)]
mod definition;
#[cfg(unix)]
mod exit;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod invocation;
#[cfg(unix)]
mod memory;
#[cfg(unix)]
mod private_folder;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod run_log;

pub use config::{ProcessConfig, ProcessConfigError};

/// How long what a process left behind may go on, so that what it still has to print is not lost, and how long is
/// waited for the rest of the output when it was killed.
const LINGER: Duration = Duration::from_millis(500);

/// The runtime `process`: tasks that are processes of their own, of commands that the configuration allows.
///
/// ```
/// use std::sync::Arc;
/// use chrono::DateTime;
/// use ratchet_interfaces::{ManualClock, TaskExecutor};
/// use ratchet_runtimes::{ProcessConfig, ProcessRuntime};
/// let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
/// let config = ProcessConfig {
///     enabled: true,
///     allowed_commands: vec!["date".to_owned()],
///     ..ProcessConfig::default()
/// };
/// let runtime = ProcessRuntime::new(config, clock)?;
/// assert_eq!(runtime.runtime(), "process");
/// # Ok::<(), ratchet_runtimes::ProcessConfigError>(())
/// ```
pub struct ProcessRuntime {
    config: Arc<ProcessConfig>,
    clock: Arc<dyn Clock>,
}

impl ProcessRuntime {
    /// A runtime that may do what the configuration says.
    ///
    /// # Errors
    /// [`ProcessConfigError`] as from [`ProcessConfig::validated`].
    pub fn new(config: ProcessConfig, clock: Arc<dyn Clock>) -> Result<Self, ProcessConfigError> {
        Ok(Self {
            config: Arc::new(config.validated()?),
            clock,
        })
    }

    fn refuses_all(&self) -> Option<TaskError> {
        let told = "the runtime \"process\" is off: process.enabled is false in the server's settings";
        (!self.config.enabled).then(|| TaskError::of(TaskErrorKind::Permission, told))
    }
}

#[cfg(unix)]
impl ProcessRuntime {
    fn checked(&self, task: &TaskDefinition) -> Result<definition::ProcessDefinition, TaskError> {
        let definition = definition::ProcessDefinition::of(task)
            .map_err(|wrong| TaskError::of(TaskErrorKind::Definition, wrong))?;
        allow_list::program(&self.config, &definition.command)?;
        if let Some(folder) = &definition.working_folder {
            allow_list::working_folder(&self.config, folder)?;
        }
        Ok(definition)
    }

    async fn run(&self, request: TaskRequest) -> Result<Value, TaskError> {
        let definition = definition::ProcessDefinition::of(&request.task)
            .map_err(|wrong| TaskError::of(TaskErrorKind::Definition, wrong))?;
        let config = Arc::clone(&self.config);
        let prepared = tokio::task::spawn_blocking(move || {
            let invocation = invocation::Invocation::of(&config, &definition, &request)?;
            Ok::<_, TaskError>((invocation, definition, request))
        });
        let (mut invocation, definition, request) = prepared.await.map_err(|failure| {
            let told = format!("preparing the process failed: {failure}");
            TaskError::of(TaskErrorKind::Panic, told)
        })??;
        let bounds = run::Bounds {
            clock: &*self.clock,
            stop_grace: Duration::from_secs(self.config.stop_grace_seconds),
            // It is within 64 MiB.
            max_output: usize::try_from(self.config.max_output_bytes).unwrap_or(usize::MAX),
        };
        let outcome = run::run(&bounds, &definition, &mut invocation, &request).await;
        invocation.folder.remove().await;
        outcome
    }
}

#[cfg(not(unix))]
impl ProcessRuntime {
    fn checked(&self, _: &TaskDefinition) -> Result<(), TaskError> {
        let told = "the runtime \"process\" needs a system that is a Unix";
        Err(TaskError::of(TaskErrorKind::Definition, told))
    }

    async fn run(&self, request: TaskRequest) -> Result<Value, TaskError> {
        self.checked(&request.task).map(|()| Value::Null)
    }
}

#[async_trait]
impl TaskExecutor for ProcessRuntime {
    fn runtime(&self) -> &str {
        "process"
    }

    fn check(&self, task: &TaskDefinition) -> Option<String> {
        self.refuses_all()
            .or_else(|| self.checked(task).err())
            .map(|wrong| wrong.message)
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        match self.refuses_all() {
            Some(refusal) => Err(refusal),
            None => self.run(request).await,
        }
    }

    /// The grace of the configuration, and some time to collect what was killed.
    fn stop_grace(&self) -> Duration {
        Duration::from_secs(self.config.stop_grace_seconds + 1) + 2 * LINGER
    }
}
