use clap::Args;
use serde_json::json;

use crate::cli::{CliError, CommonArgs};
use crate::command::apply::standard_input;
use crate::command::connection::{Call, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::json::typed_json;
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
    /// What it does
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The JSON Schema of its input: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    input_schema: Option<String>,
    /// The JSON Schema of what it returns: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    output_schema: Option<String>,
    /// Anything to be kept with it: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
    /// Do not let its jobs run before it is enabled
    #[arg(long)]
    disabled: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl CreateArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let source = if self.file == "-" {
            standard_input()?
        } else {
            std::fs::read_to_string(&self.file)
                .map_err(|error| CliError::Usage(format!("{}: {error}", self.file)))?
        };
        let json = |flag, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| typed_json(flag, text)).transpose()
        };
        let request = body([
            ("name", Some(json!(self.name))),
            ("version", Some(json!(self.version))),
            ("description", self.description.as_ref().map(|text| json!(text))),
            ("enabled", self.disabled.then_some(json!(false))),
            ("inputSchema", json("--input-schema", &self.input_schema)?),
            ("outputSchema", json("--output-schema", &self.output_schema)?),
            ("metadata", json("--metadata", &self.metadata)?),
            ("sourceCode", Some(json!(source))),
        ]);
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
