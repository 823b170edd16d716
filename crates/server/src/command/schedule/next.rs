use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;

use super::view::instants;
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::typed;
use crate::command::named::{self, Exactness, id};
use crate::command::table::Canvas;

#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    /// The schedule's name or id
    schedule: String,
    /// How many instants
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    count: u32,
    /// Those later than this instant: RFC 3339, or from now as in +7d
    #[arg(
        long,
        value_name = "INSTANT",
        allow_hyphen_values = true,
        default_value = "now"
    )]
    from: String,
    #[command(flatten)]
    form: FormArgs,
}

impl NextArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let from = typed("--from", &self.from, now)?;
        let next = connected(common, Purpose::Read, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Prefix).await?;
            let next = Call::get(format!("/schedules/{}/next", id(&schedule)))
                .with("count", self.count)
                .with("from", from.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
            Ok(connection.send(next).await?.data())
        })?;
        self.form
            .print(&next, || instants(Canvas::of_stdout(), &next, now))
    }
}
