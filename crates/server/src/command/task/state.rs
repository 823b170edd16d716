use clap::Args;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{self, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The task's name, NAME@VERSION or id
    #[arg(value_name = "TASK")]
    task: String,
    #[command(flatten)]
    form: FormArgs,
}

impl StateArgs {
    pub(super) fn run(self, common: &CommonArgs, enabled: bool) -> Result<(), CliError> {
        connected(common, Purpose::Change, async |connection| {
            let task = named::version_of_task(connection, &self.task).await?;
            let (verb, done) = if enabled {
                ("enable", "enabled: its jobs run")
            } else {
                ("disable", "disabled: its jobs fail until it is enabled")
            };
            let change = Call::post(format!("/tasks/{}/{verb}", id(&task)));
            let changed = connection.send(change).await?.data();
            self.form.print(&changed, || {
                let name = harmless(text(&changed, "name"));
                format!("{name} {} is {done}\n", harmless(text(&changed, "version")))
            })
        })
    }
}
