use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ratchet_manifest::crontab::{Options, Remark, TASK, import};
use ratchet_manifest::write;

use crate::cli::{CliError, print};
use crate::command::apply::standard_input;
use crate::command::export::FileForm;

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Make a file for `ratchet apply` of a crontab; needs no database and changes nothing
    #[command(
        after_help = "Examples:\n  crontab -l | ratchet import crontab - --timezone Europe/Berlin >schedules.yaml\n  \
                            ratchet import crontab /etc/crontab --user-field --task-folder tasks\n\n\
                            Each entry becomes a schedule that runs its command by /bin/sh, with a task of the runtime \
                            `process`, which --task-folder writes. The settings must allow it:\n  \
                            [process]\n  enabled = true\n  allowed_commands = [\"/bin/sh\"]\n\n\
                            What cannot be carried over is told on standard error, with its line. The exit code is 1 when \
                            an entry was not imported."
    )]
    Crontab(CrontabArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CrontabArgs {
    /// The crontab; - is standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Each entry names a user before its command, as in /etc/crontab and /etc/cron.d
    #[arg(long)]
    user_field: bool,
    /// The IANA time zone of entries that no CRON_TZ is above: that of the machine on which cron ran
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    timezone: String,
    /// The task that runs the commands
    #[arg(long, value_name = "NAME", default_value = "crontab")]
    task: String,
    /// Write the task into this folder of tasks
    #[arg(long, value_name = "DIR")]
    task_folder: Option<PathBuf>,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = FileForm::Yaml)]
    output: FileForm,
}

impl ImportCommand {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let Self::Crontab(arguments) = self;
        arguments.run()
    }
}

impl CrontabArgs {
    fn run(self) -> Result<(), CliError> {
        let text = if self.file == "-" {
            standard_input()?
        } else {
            fs::read_to_string(&self.file)
                .map_err(|error| CliError::Usage(format!("{}: {error}", self.file)))?
        };
        if let Err(error) = self.timezone.parse::<ratchet_recurrence::Zone>() {
            return Err(CliError::Usage(format!("--timezone: {error}")));
        }
        let imported = import(
            &text,
            &Options {
                user_field: self.user_field,
                timezone: &self.timezone,
                task: &self.task,
            },
        );
        let written =
            write(&imported.schedules, self.output.into()).map_err(|error| CliError::failed(&error))?;
        if let Some(folder) = &self.task_folder {
            write_task(&folder.join(&self.task))?;
        }
        tell(&imported.remarks).map_err(|error| CliError::failed(&error))?;
        print(&written)?;
        match imported.remarks.iter().filter(|remark| remark.lost).count() {
            0 => Ok(()),
            1 => Err(CliError::Failed("1 line was not imported".to_owned())),
            lost => Err(CliError::Failed(format!("{lost} lines were not imported"))),
        }
    }
}

/// What holds for all entries comes after what is about single lines.
fn tell(remarks: &[Remark]) -> std::io::Result<()> {
    let mut stderr = std::io::stderr().lock();
    for Remark { line, text, lost: _ } in remarks {
        writeln!(stderr, "line {line}: {text}")?;
    }
    writeln!(
        stderr,
        "all: commands run as the user of the server, in a private folder instead of the user's home unless HOME is set, \
         with the PATH of process.path unless PATH is set; their output goes into the execution's log"
    )
}

/// A task that is there already is left as it is.
fn write_task(folder: &Path) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::Failed(format!("{}: {error}", folder.display()));
    if folder.try_exists().map_err(failed)? {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in TASK {
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    Ok(())
}
