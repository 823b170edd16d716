use std::io::Read;

use clap::Args;
use ratchet_manifest::{Form, Source, read};
use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::confirmation::Confirmation;
use crate::command::connection::{Call, Connection, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::paint::Paint;

mod told;

use told::{Counts, changes};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet apply schedules.yaml\n  ratchet apply team-*.toml --prune --managed-by team\n  \
                        ratchet apply schedules.yaml --dry-run --exit-code\n  \
                        ratchet export | sed s/UTC/Europe\\\\/Berlin/ | ratchet apply -\n\n\
                        A file:\n  schedules:\n    nightly:\n      task: import@1.2.0\n      cron: 30 2 * * *\n      \
                        timezone: Europe/Berlin\n    report:\n      task: report\n      after: nightly succeeded\n\n\
                        A schedule is found by its name. What is left out is at its default. All changes are made in one \
                        transaction, or none; what is as it is to be is not touched. docs/schedules-as-code.md has all \
                        fields.\n\n\
                        The exit code is 0 when it is done or there was nothing to do, 2 when a file is wrong, 1 when it \
                        failed; with --exit-code, 3 when there is something to do."
)]
pub(crate) struct ApplyArgs {
    /// Files that end with .yaml, .yml or .toml; - is YAML from standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Delete the schedules that an earlier apply of this set has made and that are in no file
    #[arg(long)]
    prune: bool,
    /// The name of the set to which new schedules belong
    #[arg(long, value_name = "NAME", default_value = "apply")]
    managed_by: String,
    /// Take schedules that exist into the set, so that --prune may delete them some day
    #[arg(long)]
    adopt: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: exit with 3 when there is something to do
    #[arg(long, requires = "dry_run")]
    exit_code: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    form: FormArgs,
}

impl ApplyArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let schedules = self.schedules()?;
        connected(common, Purpose::Begin, async |connection| {
            connection.take_tasks_in().await?;
            self.apply(schedules, connection).await
        })
    }

    /// What the files say; all that is wrong with them at once.
    fn schedules(&self) -> Result<Vec<Value>, CliError> {
        let mut sources = Vec::with_capacity(self.files.len());
        for name in &self.files {
            sources.push(source(name)?);
        }
        read(&sources, |name| std::env::var(name).ok()).map_err(|mistakes| {
            let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            CliError::Usage(told.join("\n       "))
        })
    }

    async fn apply(&self, schedules: Vec<Value>, connection: &Connection) -> Result<(), CliError> {
        let mut request = json!({
            "schedules": schedules,
            "prune": self.prune,
            "adopt": self.adopt,
            "managedBy": self.managed_by,
            "dryRun": true,
        });
        let plan = answered(connection, &request).await?;
        let counts = Counts::of(&plan)?;
        if self.form.is_table() {
            print(&changes(&plan, Paint::of(&std::io::stdout())))?;
        }
        if self.dry_run || counts.changes() == 0 {
            self.form.print(&plan, || match counts.changes() {
                0 => format!("nothing to do: {} unchanged\n", counts.unchanged),
                _ => counts.to_do(),
            })?;
            return if self.exit_code && counts.changes() > 0 {
                Err(CliError::Different)
            } else {
                Ok(())
            };
        }
        if counts.delete > 0 {
            let deleted = counts.delete;
            self.confirmation.ask(&format!(
                "This deletes schedules and their ledgers ({deleted}). Apply it?"
            ))?;
        }
        request["dryRun"] = json!(false);
        // What was looked at is done, or nothing.
        request["plan"] = plan["plan"].clone();
        let applied = answered(connection, &request).await?;
        let done = Counts::of(&applied)?;
        self.form.print(&applied, || done.done())
    }
}

/// What the API makes of a set of schedules; what is wrong with it, a mistake a line.
async fn answered(connection: &Connection, request: &Value) -> Result<Value, CliError> {
    let call = Call::post("/schedules/apply").sending(request.clone());
    match connection.send(call).await {
        Ok(answer) => Ok(answer.data()),
        Err(CliError::Usage(message)) => {
            Err(CliError::Usage(message.replace("; schedules[", "\n  schedules[")))
        }
        Err(error) => Err(error),
    }
}

fn source(name: &str) -> Result<Source, CliError> {
    if name == "-" {
        let text = standard_input()?;
        if text.trim().is_empty() {
            // It may be all that is left of a command that failed, and with --prune it would delete what there is.
            return Err(CliError::Usage(
                "standard input is empty: a set without schedules is written as `schedules: {}`".to_owned(),
            ));
        }
        return Ok(Source {
            name: "standard input".to_owned(),
            form: Form::Yaml,
            text,
        });
    }
    let form = Form::of_name(name).ok_or_else(|| {
        CliError::Usage(format!(
            "{name}: a file of schedules ends with .yaml, .yml or .toml"
        ))
    })?;
    let text = std::fs::read_to_string(name).map_err(|error| CliError::Usage(format!("{name}: {error}")))?;
    Ok(Source {
        name: name.to_owned(),
        form,
        text,
    })
}

pub(crate) fn standard_input() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| CliError::Usage(format!("standard input: {error}")))?;
    Ok(text)
}
