use chrono::{DateTime, SecondsFormat, SubsecRound, TimeZone, Utc};
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_recurrence::Zone;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected_beside};
use crate::command::form::FormArgs;
use crate::command::moment::typed;
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet why system_heartbeat 2026-03-29T02:30:00Z\n  \
                        ratchet why nightly-backup\n  \
                        ratchet why nightly-backup -1h --server https://ratchet.example.org\n\n\
                        A beginning of its name will do, if no other schedule begins like that."
)]
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
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let clock = SystemClock::new();
        // Ticks are whole seconds: what is counted from now is one too.
        let instant = typed("the instant", &self.instant, clock.now().trunc_subsecs(0))?;
        let (schedule, account) = connected_beside(common, Purpose::Read, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Prefix).await?;
            let why = Call::get(format!("/schedules/{}/why", id(&schedule))).with("at", written(instant));
            let account = connection.send(why).await?.data();
            Ok((schedule, account))
        })?;
        self.form.print(&account, || told(&schedule, &account, instant))
    }
}

/// The answer, and the instant as clocks in the zone of the schedule show it.
fn told(schedule: &Value, account: &Value, instant: DateTime<Utc>) -> String {
    let words = harmless(text(account, "words"));
    let timezone = text(schedule, "timezone");
    match timezone.parse::<Zone>() {
        Ok(zone) if zone != Zone::UTC => {
            let local = written(instant.with_timezone(&zone.tz()));
            format!("{words} ({} is {local} in {timezone})\n", written(instant))
        }
        // What cannot be read as a zone is told in the words.
        _ => format!("{words}\n"),
    }
}

fn written<Z: TimeZone<Offset: std::fmt::Display>>(instant: DateTime<Z>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instant_is_also_told_as_clocks_of_the_schedule_show_it() {
        let account = json!({"words": "not due"});
        let instant = "2026-07-01T12:00:00Z".parse().unwrap();
        for (timezone, expected) in [
            ("UTC", "not due\n"),
            (
                "Europe/Berlin",
                "not due (2026-07-01T12:00:00Z is 2026-07-01T14:00:00+02:00 in Europe/Berlin)\n",
            ),
            ("Mars/Olympus", "not due\n"),
        ] {
            let schedule = json!({"timezone": timezone});
            assert_eq!(told(&schedule, &account, instant), expected);
        }
    }
}
