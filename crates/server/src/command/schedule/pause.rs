use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use super::state::tell;
use super::user;
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::moment::typed;
use crate::command::named::{self, Exactness, id};

#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    /// The schedule's name or id
    schedule: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// When it resumes by itself: RFC 3339, or from now as in +2h
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    until: Option<String>,
    /// Who pauses it [default: the user of this process]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The schedule's name or id
    schedule: String,
    /// Skip what it missed, whatever its misfire policy says
    #[arg(long)]
    skip_missed: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl PauseArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let until = self
            .until
            .as_ref()
            .map(|text| typed("--until", text, now))
            .transpose()?;
        let request = body([
            ("by", self.by.or_else(user).map(|by| json!(by))),
            ("note", self.note.map(|note| json!(note))),
            ("resumeAt", until.map(|instant| json!(instant))),
        ]);
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let pause = Call::post(format!("/schedules/{}/pause", id(&schedule))).sending(request);
            let paused = connection.send(pause).await?.data();
            self.form.print(&paused, || tell(&paused, "paused", now))
        })
    }
}

impl ResumeArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let request = body([
            ("by", user().map(|by| json!(by))),
            ("skipMissed", self.skip_missed.then_some(Value::Bool(true))),
        ]);
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let resume = Call::post(format!("/schedules/{}/resume", id(&schedule))).sending(request);
            let resumed = connection.send(resume).await?.data();
            self.form
                .print(&resumed, || tell(&resumed, "resumed", SystemClock::new().now()))
        })
    }
}
