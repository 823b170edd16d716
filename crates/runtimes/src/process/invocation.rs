use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use ratchet_interfaces::{TaskContext, TaskError, TaskErrorKind, TaskRequest};
use ratchet_template::Template;
use rustix::io::Errno;
use serde_json::Value;
use tokio::process::Command;

use super::definition::{ProcessDefinition, StdinForm};
use super::private_folder::PrivateFolder;
use super::{ProcessConfig, allow_list};
use crate::template_fields::template_fields;

/// One run's process, ready to be started: everything that can be told of it beforehand is found to be in order.
pub(super) struct Invocation {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(OsString, OsString)>,
    working_folder: PathBuf,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) folder: PrivateFolder,
}

impl Invocation {
    /// Makes the run's private folder. It reads and writes files, and so blocks.
    pub(super) fn of(
        config: &ProcessConfig,
        definition: &ProcessDefinition,
        request: &TaskRequest,
    ) -> Result<Self, TaskError> {
        let program = allow_list::program(config, &definition.command)?;
        let fields = template_fields(request);
        let args = (0..)
            .zip(&definition.args)
            .map(|(at, arg)| rendered(&format!("args[{at}]"), arg, &fields))
            .collect::<Result<_, _>>()?;
        let of_task = definition
            .env
            .iter()
            .map(|(name, value)| Ok((name.clone(), rendered(&format!("env.{name}"), value, &fields)?)))
            .collect::<Result<Vec<_>, TaskError>>()?;
        let input = request.input.to_string().into_bytes();
        let folder = PrivateFolder::with_input(&input).map_err(|error| {
            let told = format!("the private folder of the run cannot be made: {error}");
            TaskError::of(TaskErrorKind::Panic, told)
        })?;
        let stdin = match &definition.stdin {
            StdinForm::Json => Some(input),
            StdinForm::None => None,
            StdinForm::Text(text) => Some(text_of(text, &fields)?.into_bytes()),
        };
        let working_folder = match &definition.working_folder {
            Some(wanted) => allow_list::working_folder(config, wanted)?,
            None => folder.work(),
        };
        let env = of_run(config, request, &folder)
            .into_iter()
            .chain(
                of_task
                    .into_iter()
                    .map(|(name, value)| (name.into(), value.into())),
            )
            .collect();
        Ok(Self {
            program,
            args,
            env,
            working_folder,
            stdin,
            folder,
        })
    }

    /// The process to be. Nothing of this server's environment reaches it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.working_folder);
        command
    }

    /// Why the system would not start it.
    pub(super) fn refusal(&self, error: &io::Error) -> TaskError {
        let (kind, told) = match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) => (
                TaskErrorKind::Definition,
                "it, the interpreter in its first line (#!), or its working folder is not found".to_owned(),
            ),
            (io::ErrorKind::PermissionDenied, _) => (
                TaskErrorKind::Permission,
                "the system does not allow to run it, or to enter its working folder".to_owned(),
            ),
            (io::ErrorKind::ArgumentListTooLong, _) => (
                TaskErrorKind::Input,
                "its arguments and variables are longer than the system allows".to_owned(),
            ),
            (_, Some(code)) if code == Errno::NOEXEC.raw_os_error() => (
                TaskErrorKind::Definition,
                "it is no program for this system; a script begins with #! and its interpreter".to_owned(),
            ),
            // Too many processes, too little memory, a program that is being written: it may pass.
            _ => (TaskErrorKind::Panic, error.to_string()),
        };
        let program = self.program.display();
        TaskError::of(kind, format!("\"{program}\" cannot be started: {told}"))
    }
}

/// What every process finds in its environment. A task's own variables come after these, and replace them.
fn of_run(
    config: &ProcessConfig,
    request: &TaskRequest,
    folder: &PrivateFolder,
) -> Vec<(OsString, OsString)> {
    let TaskContext {
        execution_id,
        job_id,
        task_id: _,
        task_version,
        scheduled_for,
        attempt,
    } = &request.context;
    let own = |path: &Path| OsString::from(path);
    let mut env: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), config.path.clone().into()),
        ("HOME".into(), own(&folder.work())),
        ("TMPDIR".into(), own(&folder.work())),
        ("LANG".into(), "C.UTF-8".into()),
        ("TZ".into(), "UTC".into()),
        ("RATCHET_EXECUTION_ID".into(), execution_id.to_string().into()),
        ("RATCHET_JOB_ID".into(), job_id.to_string().into()),
        ("RATCHET_TASK".into(), request.task.name.clone().into()),
        ("RATCHET_TASK_VERSION".into(), task_version.clone().into()),
        ("RATCHET_ATTEMPT".into(), attempt.to_string().into()),
        ("RATCHET_INPUT_FILE".into(), own(&folder.input_file())),
    ];
    if let Some(tick) = scheduled_for {
        let tick = tick.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        env.push(("RATCHET_SCHEDULED_FOR".into(), tick.into()));
    }
    env
}

fn text_of(template: &Template, fields: &Value) -> Result<String, TaskError> {
    template
        .render(fields)
        .map_err(|error| TaskError::of(TaskErrorKind::Input, format!("process.json: {error}")))
}

/// A text for the system, for which a zero byte is its end.
fn rendered(name: &str, template: &Template, fields: &Value) -> Result<String, TaskError> {
    let text = text_of(template, fields)?;
    if text.contains('\0') {
        let told = format!("process.json: {name} has a zero byte, which the system does not allow");
        return Err(TaskError::of(TaskErrorKind::Input, told));
    }
    Ok(text)
}
