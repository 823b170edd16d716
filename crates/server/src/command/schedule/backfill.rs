use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use super::user;
use crate::cli::{CliError, CommonArgs};
use crate::command::confirmation::Confirmation;
use crate::command::connection::{Call, Connection, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::job::tell_who_runs_it;
use crate::command::json::typed_json;
use crate::command::moment::{in_field, local, typed};
use crate::command::named::{self, Exactness, id, text};

/// The most instants of one answer of the API.
const MOST_INSTANTS: u32 = 1_000;

#[derive(Debug, Args)]
pub(crate) struct BackfillArgs {
    /// The schedule's name or id
    schedule: String,
    /// The first instant of the range: RFC 3339, or from now as in -7d
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: String,
    /// The first instant after the range
    #[arg(
        long,
        value_name = "INSTANT",
        allow_hyphen_values = true,
        default_value = "now"
    )]
    to: String,
    /// The newest tick first
    #[arg(long)]
    newest_first: bool,
    /// How many ticks at the most
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max: u32,
    /// How many jobs may start a minute [default: as fast as they run]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    per_minute: Option<u32>,
    /// Ticks that became a job already, too
    #[arg(long)]
    include_done: bool,
    /// The input of the jobs, instead of the schedule's: JSON, or @FILE, or @- for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    input: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Who asks for it [default: the user of this process]
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Only say what it would do
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    form: FormArgs,
}

/// The ticks of a range, as far as they were counted.
struct Ticks {
    count: u32,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
    /// Whether there are more.
    goes_on: bool,
}

impl BackfillArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let (from, to) = (typed("--from", &self.from, now)?, typed("--to", &self.to, now)?);
        if from >= to {
            return Err(CliError::Usage(format!(
                "--to is \"{}\": it must be later than --from, which is \"{}\"",
                self.to, self.from
            )));
        }
        let input = self
            .input
            .as_ref()
            .map(|text| typed_json("--input", text))
            .transpose()?;
        let request = body([
            ("from", Some(json!(from))),
            ("to", Some(json!(to))),
            ("order", self.newest_first.then(|| json!("NEWEST_FIRST"))),
            ("maxCount", Some(json!(self.max))),
            ("perMinute", self.per_minute.map(|count| json!(count))),
            ("onlyMissing", self.include_done.then_some(Value::Bool(false))),
            ("input", input),
            ("by", self.by.clone().or_else(user).map(|by| json!(by))),
            ("note", self.note.as_ref().map(|note| json!(note))),
        ]);
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let ticks = ticks(connection, &schedule, from, to).await?;
            let plan = self.plan(text(&schedule, "name"), ticks.as_ref());
            if ticks.is_none() || self.dry_run {
                let count = ticks.as_ref().map_or(0, |ticks| ticks.count);
                let data = json!({"ticks": count, "goesOn": ticks.is_some_and(|ticks| ticks.goes_on)});
                return self.form.print(&data, || format!("{plan}\n"));
            }
            self.confirmation.ask(&plan)?;
            let backfill = Call::post(format!("/schedules/{}/backfill", id(&schedule))).sending(request);
            let made = connection.send(backfill).await?.data();
            tell_who_runs_it(connection);
            self.form.print(&made, || tell(&made))
        })
    }

    /// What would be done, in a sentence.
    fn plan(&self, name: &str, ticks: Option<&Ticks>) -> String {
        let Some(ticks) = ticks else {
            return format!("{name} has no tick in that range: there is nothing to make up for.");
        };
        let Ticks {
            count,
            first,
            last,
            goes_on,
        } = ticks;
        let more = if *goes_on { " or more" } else { "" };
        let (first, last) = (local(*first), local(*last));
        let end = if *goes_on {
            "on".to_owned()
        } else {
            format!("to {last}")
        };
        let done = if self.include_done {
            "those that became a job are run again"
        } else {
            "those that became a job are left out"
        };
        let order = if self.newest_first { "newest" } else { "oldest" };
        let limit = if *goes_on || *count > self.max {
            format!("; at most {}, the {order} first", self.max)
        } else {
            String::new()
        };
        format!("Make up for {count}{more} ticks of {name} from {first} {end} ({done}{limit})?")
    }
}

/// Counts the ticks in a range by the schedule's expression as it is now.
async fn ticks(
    connection: &Connection,
    schedule: &Value,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Option<Ticks>, CliError> {
    // The answer has what is later than an instant, and the range begins with its first.
    let before = from - TimeDelta::microseconds(1);
    let next = Call::get(format!("/schedules/{}/next", id(schedule)))
        .with(
            "from",
            before.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        )
        .with("count", MOST_INSTANTS);
    let next = connection.send(next).await?.data();
    let instants = next["instants"].as_array().cloned().unwrap_or_default();
    let all = instants.len();
    let within: Vec<DateTime<Utc>> = instants
        .iter()
        .filter_map(|instant| in_field(instant, "utc"))
        .take_while(|instant| *instant < to)
        .collect();
    let (Some(first), Some(last)) = (within.first(), within.last()) else {
        return Ok(None);
    };
    Ok(Some(Ticks {
        count: u32::try_from(within.len()).unwrap_or(u32::MAX),
        first: *first,
        last: *last,
        goes_on: within.len() == all && all >= MOST_INSTANTS as usize,
    }))
}

fn tell(made: &Value) -> String {
    let number = |field: &str| made[field].as_u64().unwrap_or_default();
    let mut told = format!("jobs: {}\n", number("jobs"));
    if let (Some(first), Some(last)) = (in_field(made, "first"), in_field(made, "last")) {
        told.push_str(&format!(
            "  for the ticks from {} to {}\n",
            local(first),
            local(last)
        ));
    }
    if let Some(last) = in_field(made, "lastStart") {
        told.push_str(&format!("  the last may start at {}\n", local(last)));
    }
    for (field, words) in [
        ("hadJobs", "left out because they have a job"),
        ("beyondMax", "left out because of --max"),
    ] {
        if number(field) > 0 {
            told.push_str(&format!("  {} {words}\n", number(field)));
        }
    }
    told
}
