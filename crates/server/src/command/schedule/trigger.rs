use clap::Args;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::job::{WaitArgs, tell_who_runs_it};
use crate::command::json::typed_json;
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct TriggerArgs {
    /// The schedule's name or id
    schedule: String,
    /// The input of the job, instead of the schedule's: JSON, or @FILE, or @- for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Wait until the job has ended, as `ratchet job wait` does
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    waiting: WaitArgs,
    #[command(flatten)]
    form: FormArgs,
}

impl TriggerArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let input = self
            .input
            .as_ref()
            .map(|text| typed_json("--input", text))
            .transpose()?;
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let trigger =
                Call::post(format!("/schedules/{}/trigger", id(&schedule))).sending(body([("input", input)]));
            let triggered = connection.send(trigger).await?.data();
            let job = &triggered["job"];
            if self.wait {
                return self
                    .waiting
                    .wait(connection, &[id(job).to_owned()], self.form)
                    .await;
            }
            tell_who_runs_it(connection);
            self.form.print(&triggered, || {
                format!("{}: job {}\n", harmless(text(&triggered, "message")), id(job))
            })
        })
    }
}
