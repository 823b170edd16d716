use clap::Args;
use serde_json::json;

use super::fields::{FieldArgs, program};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Its program in JavaScript; - is standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// Its name: with its version, no other task has it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its version
    #[arg(id = "version_of_task", long = "version", value_name = "VERSION")]
    version: String,
    #[command(flatten)]
    fields: FieldArgs,
    /// Do not let its jobs run before it is enabled
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl CreateArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let mut request = self.fields.body()?;
        request["name"] = json!(self.name);
        request["version"] = json!(self.version);
        request["sourceCode"] = program(&self.file)?;
        if self.disabled {
            request["enabled"] = json!(false);
        }
        connected(common, Purpose::Change, async |connection| {
            let created = Call::post("/tasks").sending(request);
            let created = connection.send(created).await?.data();
            self.form.print(&created, || {
                let (name, version) = (text(&created, "name"), text(&created, "version"));
                harmless(&format!(
                    "task {name} {version} is kept in the database as {}\n",
                    id(&created)
                ))
            })
        })
    }
}
