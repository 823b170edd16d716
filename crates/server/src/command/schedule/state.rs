use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative};
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The schedule's name or id
    schedule: String,
    #[command(flatten)]
    form: FormArgs,
}

impl StateArgs {
    pub(super) fn run(self, common: &CommonArgs, enabled: bool) -> Result<(), CliError> {
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let (verb, done) = if enabled {
                ("enable", "enabled")
            } else {
                ("disable", "disabled")
            };
            let change = Call::post(format!("/schedules/{}/{verb}", id(&schedule)));
            let changed = connection.send(change).await?.data();
            self.form
                .print(&changed, || tell(&changed, done, SystemClock::new().now()))
        })
    }
}

/// That something was done with a schedule, and when it runs next.
pub(super) fn tell(schedule: &Value, done: &str, now: DateTime<Utc>) -> String {
    let name = harmless(text(schedule, "name"));
    let next = match in_field(schedule, "nextRun") {
        Some(next) if schedule["pause"].is_null() => format!("; next run {}", local_and_relative(next, now)),
        _ => String::new(),
    };
    format!("{name} is {done}{next}\n")
}
