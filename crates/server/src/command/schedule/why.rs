use chrono::SubsecRound;
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative, typed};
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::{Canvas, harmless};

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The schedule's name or id
    schedule: String,
    /// The instant: RFC 3339, now, or from now as in -1h
    #[arg(default_value = "now", allow_hyphen_values = true)]
    instant: String,
    #[command(flatten)]
    form: FormArgs,
}

impl WhyArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        // Ticks are whole seconds: what is counted from now is one too.
        let now = SystemClock::new().now().trunc_subsecs(0);
        let instant = typed("the instant", &self.instant, now)?;
        let account = connected(common, Purpose::Read, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Prefix).await?;
            let why = Call::get(format!("/schedules/{}/why", id(&schedule)))
                .with("at", instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true));
            Ok(connection.send(why).await?.data())
        })?;
        self.form.print(&account, || {
            let words = harmless(text(&account, "words"));
            let at = |field: &str| in_field(&account, field).map(|at| local_and_relative(at, now).into());
            let around =
                Canvas::of_stdout().fields([("tick before", at("previous")), ("tick after", at("next"))]);
            format!("{words}\n{around}")
        })
    }
}
