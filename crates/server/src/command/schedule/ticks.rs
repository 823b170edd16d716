use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::{Clock, TickOutcome};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local, typed};
use crate::command::named::{self, Exactness, id, text};
use crate::command::page::PageArgs;
use crate::command::schedule::fields::names;
use crate::command::table::{Canvas, Cell, Tone};

#[derive(Debug, Args)]
pub(crate) struct TicksArgs {
    /// The schedule's name or id
    schedule: String,
    /// Only ticks at this instant or later: RFC 3339, or from now as in -7d
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// Only ticks at this instant or earlier
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
    /// Only those with this outcome; may be given several times
    #[arg(long, value_name = "OUTCOME", ignore_case = true,
          value_parser = names(TickOutcome::ALL, TickOutcome::as_str))]
    outcome: Vec<String>,
    /// Only those that were asked for by hand
    #[arg(long)]
    by_hand: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    form: FormArgs,
}

impl TicksArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let instant = |flag: &str, text: &Option<String>| -> Result<Option<String>, CliError> {
            let instant = text.as_ref().map(|text| typed(flag, text, now)).transpose()?;
            let written =
                |instant: DateTime<Utc>| instant.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            Ok(instant.map(written))
        };
        let (from, to) = (instant("--from", &self.from)?, instant("--to", &self.to)?);
        let outcomes = (!self.outcome.is_empty()).then(|| self.outcome.join(","));
        let rows = connected(common, Purpose::Read, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Prefix).await?;
            let ticks = Call::get(format!("/schedules/{}/ticks", id(&schedule)))
                .with_some("scheduledFor_gte", from)
                .with_some("scheduledFor_lte", to)
                .with_some("outcome_in", outcomes)
                .with_some("byHand", self.by_hand.then_some(true));
            connection.list(ticks, self.page.most()).await
        })?;
        self.page.tell_of_more(&rows);
        let data = Value::Array(rows.rows);
        self.form.print(&data, || table(Canvas::of_stdout(), &data))
    }
}

fn table(canvas: Canvas, ticks: &Value) -> String {
    let none = Vec::new();
    let rows = ticks.as_array().unwrap_or(&none).iter().map(|tick| {
        let instant = |field: &str| in_field(tick, field).map_or_else(String::new, local);
        let count = tick["count"].as_u64().unwrap_or(1);
        let which = if count > 1 {
            format!(
                "{} to {}, {count} ticks",
                instant("scheduledFor"),
                instant("through")
            )
        } else {
            instant("scheduledFor")
        };
        let outcome = text(tick, "outcome").to_lowercase();
        let tone = match &*outcome {
            "failed_to_create" => Tone::Bad,
            outcome if outcome.starts_with("skipped") => Tone::Doubtful,
            "excluded" => Tone::Faint,
            _ => Tone::Good,
        };
        let late = tick["latenessSeconds"].as_f64().unwrap_or_default();
        [
            which.into(),
            Cell::toned(outcome, tone),
            format!("{late:.3} s").into(),
            text(tick, "jobId").into(),
            text(tick, "reason").into(),
        ]
    });
    canvas.table(["TICK", "OUTCOME", "LATE", "JOB", "REASON"], rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn many_ticks_with_one_outcome_are_a_line() {
        let ticks = json!([
            {"scheduledFor": "2026-03-01T00:00:00Z", "through": "2026-03-01T00:00:00Z", "count": 1,
             "outcome": "FIRED", "jobId": "x", "latenessSeconds": 0.0015, "reason": null},
            {"scheduledFor": "2026-02-01T00:00:00Z", "through": "2026-02-28T00:00:00Z", "count": 28,
             "outcome": "SKIPPED_MISFIRE", "jobId": null, "latenessSeconds": 3.0, "reason": "the server was down"},
        ]);
        let table = table(Canvas::plain(), &ticks);
        let lines: Vec<&str> = table.lines().collect();
        assert!(
            lines[1].contains("fired") && lines[1].contains("0.002 s  x"),
            "{table}"
        );
        assert!(
            lines[2].contains("28 ticks") && lines[2].ends_with("the server was down"),
            "{table}"
        );
    }
}
