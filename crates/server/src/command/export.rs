use clap::{Args, ValueEnum};
use ratchet_manifest::{Form, write};
use serde_json::Value;

use crate::cli::{CliError, CommonArgs, print};
use crate::command::connection::{Connection, Purpose, connected};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet export >schedules.yaml\n  ratchet export --schedule nightly -o toml\n\n\
                        `ratchet apply` of what was exported changes nothing. Secrets are written as ********, which an \
                        apply takes for the stored secret as long as the URL is the same."
)]
pub(crate) struct ExportArgs {
    /// Only the schedule of this name; may be given several times
    #[arg(long = "schedule", value_name = "NAME")]
    schedules: Vec<String>,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = FileForm::Yaml)]
    output: FileForm,
}

/// The form of a file of schedules.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FileForm {
    Yaml,
    Toml,
}

impl From<FileForm> for Form {
    fn from(form: FileForm) -> Self {
        match form {
            FileForm::Yaml => Self::Yaml,
            FileForm::Toml => Self::Toml,
        }
    }
}

impl ExportArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        connected(common, Purpose::Read, async |connection| {
            self.export(connection).await
        })
    }

    async fn export(&self, connection: &Connection) -> Result<(), CliError> {
        let answer = connection.get("/schedules/export").await?;
        let Value::Array(mut all) = answer.data() else {
            return Err(CliError::Failed("the answer is no list of schedules".to_owned()));
        };
        if let Some(missing) = self
            .schedules
            .iter()
            .find(|wanted| all.iter().all(|schedule| schedule["name"] != **wanted))
        {
            return Err(CliError::Failed(format!("there is no schedule \"{missing}\"")));
        }
        if !self.schedules.is_empty() {
            all.retain(|schedule| self.schedules.iter().any(|wanted| schedule["name"] == *wanted));
        }
        print(&write(&all, self.output.into()).map_err(|error| CliError::failed(&error))?)
    }
}
