use clap::Args;

use crate::cli::{CliError, CommonArgs, print};
use crate::command::confirmation::Confirmation;
use crate::command::connection::{Call, Purpose, connected};
use crate::command::named::{self, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The task's name, NAME@VERSION or id
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    confirmation: Confirmation,
}

impl DeleteArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        connected(common, Purpose::Change, async |connection| {
            let task = named::version_of_task(connection, &self.task).await?;
            let (name, version) = (text(&task, "name"), text(&task, "version"));
            self.confirmation.ask(&format!(
                "Delete the task {name} {version}, and its jobs with their executions and logs?"
            ))?;
            connection
                .send(Call::delete(format!("/tasks/{}", id(&task))))
                .await?;
            print(&harmless(&format!("task {name} {version} was deleted\n")))
        })
    }
}
