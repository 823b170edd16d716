use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::view::{SHOWN, shown};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Connection, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::Canvas;

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The schedule's name or id
    schedule: String,
    #[command(flatten)]
    form: FormArgs,
}

impl ShowArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let (schedule, next) = connected(common, Purpose::Read, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Prefix).await?;
            let next = if self.form.is_table() {
                next_of(connection, &schedule).await?
            } else {
                None
            };
            Ok((schedule, next))
        })?;
        let now = SystemClock::new().now();
        self.form.print(&schedule, || {
            shown(Canvas::of_stdout(), &schedule, next.as_ref(), now)
        })
    }
}

/// The next instants of a schedule that has some of its own and fires.
pub(super) async fn next_of(connection: &Connection, schedule: &Value) -> Result<Option<Value>, CliError> {
    let has_none = text(schedule, "cronExpression").starts_with("after ")
        || text(schedule, "state") != "ACTIVE"
        || schedule["enabled"] != true;
    if has_none {
        return Ok(None);
    }
    let next = Call::get(format!("/schedules/{}/next", id(schedule))).with("count", SHOWN);
    Ok(Some(connection.send(next).await?.data()))
}
