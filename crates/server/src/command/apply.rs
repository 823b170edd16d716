use std::io::{IsTerminal, Read, Write};

use axum::http::Method;
use clap::{Args, ValueEnum};
use ratchet_manifest::{Form, Source, read};
use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::paint::Paint;

pub(crate) mod requests;
mod told;

use requests::{InProcess, Requests, data};
use told::{Counts, changes};

const PATH: &str = "/api/v1/schedules/apply";

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
    /// Do not ask before schedules are deleted
    #[arg(long)]
    yes: bool,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

impl ApplyArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let schedules = self.schedules()?;
        InProcess::during(common, async |requests| self.apply(schedules, requests).await)
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

    async fn apply(&self, schedules: Vec<Value>, requests: &impl Requests) -> Result<(), CliError> {
        let mut request = json!({
            "schedules": schedules,
            "prune": self.prune,
            "adopt": self.adopt,
            "managedBy": self.managed_by,
            "dryRun": true,
        });
        let plan = data(requests.send(Method::POST, PATH, Some(&request)).await?)?;
        let counts = Counts::of(&plan)?;
        if self.output == Output::Text {
            print(&changes(&plan, Paint::of(&std::io::stdout())))?;
        }
        if self.dry_run || counts.changes() == 0 {
            print(&match self.output {
                Output::Text if counts.changes() == 0 => {
                    format!("nothing to do: {} unchanged\n", counts.unchanged)
                }
                Output::Text => counts.to_do(),
                Output::Json => format!("{plan:#}\n"),
            })?;
            return if self.exit_code && counts.changes() > 0 {
                Err(CliError::Different)
            } else {
                Ok(())
            };
        }
        if counts.delete > 0 && !self.yes {
            self.ask(counts)?;
        }
        request["dryRun"] = json!(false);
        // What was looked at is done, or nothing.
        request["plan"] = plan["plan"].clone();
        let applied = data(requests.send(Method::POST, PATH, Some(&request)).await?)?;
        print(&match self.output {
            Output::Text => Counts::of(&applied)?.done(),
            Output::Json => format!("{applied:#}\n"),
        })
    }

    /// Whoever deletes a schedule deletes its ledger.
    fn ask(&self, counts: Counts) -> Result<(), CliError> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() || self.files.iter().any(|file| file == "-") {
            return Err(CliError::Usage(format!(
                "this deletes schedules and their ledgers ({}): repeat it with --yes if that is meant",
                counts.delete
            )));
        }
        let mut stderr = std::io::stderr().lock();
        let asked = write!(stderr, "{}Apply? [y/N] ", counts.to_do()).and_then(|()| stderr.flush());
        asked.map_err(|error| CliError::failed(&error))?;
        let mut answer = String::new();
        stdin
            .read_line(&mut answer)
            .map_err(|error| CliError::failed(&error))?;
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(CliError::Failed("nothing was changed".to_owned())),
        }
    }
}

fn source(name: &str) -> Result<Source, CliError> {
    if name == "-" {
        return Ok(Source {
            name: "standard input".to_owned(),
            form: Form::Yaml,
            text: standard_input()?,
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
