use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use ratchet_interfaces::{JobPriority, MisfirePolicy, OverlapPolicy};
use ratchet_recurrence::{Specification, Zone};
use serde_json::{Value, json};

use crate::cli::CliError;
use crate::command::connection::{Connection, body};
use crate::command::json::typed_json;
use crate::command::moment::length_flag;
use crate::command::named;

/// Names of an enumeration, as they are typed: in any case.
pub(crate) fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> PossibleValuesParser {
    all.iter().map(|value| name(*value)).collect::<Vec<_>>().into()
}

/// When a schedule fires.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct WhenArgs {
    /// In plain English: "weekday at 9am", "15 minutes", "first monday of every month at 8:00"
    #[arg(long, value_name = "WHEN", help_heading = "When it fires")]
    every: Option<String>,
    /// Cron with five fields (minute first), six (second first) or seven (year last), or any other specification:
    /// "@daily", "every 90m from 2026-01-01T00:00:00Z", "30 2 * * *; except 2026-12-24"
    #[arg(
        long,
        value_name = "EXPR",
        allow_hyphen_values = true,
        help_heading = "When it fires"
    )]
    cron: Option<String>,
    /// Whenever a job of this schedule has ended
    #[arg(long, value_name = "SCHEDULE", help_heading = "When it fires")]
    after: Option<String>,
}

/// How the job of the other schedule must have ended.
#[derive(Debug, Args)]
pub(super) struct ConditionArgs {
    /// With --after: how that job must have ended
    #[arg(long, value_name = "HOW", value_parser = ["succeeded", "finished", "failed"], requires = "after",
          conflicts_with_all = ["every", "cron"], help_heading = "When it fires")]
    on: Option<String>,
}

impl WhenArgs {
    /// The specification that was typed.
    pub(super) fn expression(&self, condition: &ConditionArgs) -> Option<String> {
        let after = |leader: &String| {
            let how = condition.on.as_deref().unwrap_or("succeeded");
            format!("after {leader} {how}")
        };
        let every = self.every.as_deref().map(str::trim).map(sentence);
        every
            .or_else(|| self.cron.clone())
            .or_else(|| self.after.as_ref().map(after))
    }
}

/// A sentence whose first word, "every", may have been the flag.
fn sentence(typed: &str) -> String {
    let reads = |text: &str| Specification::read(text, Zone::UTC).is_ok();
    let with_word = format!("every {typed}");
    let whole = typed.starts_with("every ") || (!reads(&with_word) && reads(typed));
    if whole { typed.to_owned() } else { with_word }
}

/// What else can be said of a schedule.
#[derive(Debug, Args)]
pub(super) struct FieldArgs {
    /// The IANA time zone in which it is read [default for a new one: UTC]
    #[arg(
        long,
        visible_alias = "tz",
        value_name = "ZONE",
        help_heading = "When it fires"
    )]
    pub(super) timezone: Option<String>,
    /// The input of its jobs: JSON, or @FILE, or @- for standard input
    #[arg(long, value_name = "JSON|@FILE", help_heading = "What it runs")]
    input: Option<String>,
    /// The priority of its jobs
    #[arg(long, value_name = "PRIORITY", ignore_case = true, help_heading = "What it runs",
          value_parser = names(JobPriority::ALL, JobPriority::as_str))]
    priority: Option<String>,
    /// How often a failed job is tried again [default: what its task says]
    #[arg(long, value_name = "N", help_heading = "What it runs")]
    max_retries: Option<u32>,
    /// How long a job may run, as in 90s or 15m [default: what its task or the server says]
    #[arg(long, value_name = "LENGTH", value_parser = length_flag, help_heading = "What it runs")]
    timeout: Option<Duration>,
    /// Where results go: JSON as in docs/outputs.md, or @FILE; may be given several times
    #[arg(long, value_name = "JSON|@FILE", help_heading = "What it runs")]
    destination: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT", help_heading = "What is known of it")]
    description: Option<String>,
    /// Anything that its owner wants to keep with it: JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", help_heading = "What is known of it")]
    metadata: Option<String>,
    #[command(flatten)]
    policies: PolicyArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Policies")]
struct PolicyArgs {
    /// What happens with missed ticks
    #[arg(long, value_name = "POLICY", ignore_case = true,
          value_parser = names(MisfirePolicy::ALL, MisfirePolicy::as_str))]
    misfire: Option<String>,
    /// How late a tick may be decided on without being missed, as in 30s
    #[arg(long, value_name = "LENGTH", value_parser = length_flag)]
    grace: Option<Duration>,
    /// How many missed ticks become jobs under catch_up
    #[arg(long, value_name = "N")]
    catch_up_max: Option<u32>,
    /// How long ago a tick may have been due to become a job under catch_up, as in 12h
    #[arg(long, value_name = "LENGTH", value_parser = length_flag)]
    catch_up_window: Option<Duration>,
    /// What happens with a tick while a job of the schedule is unfinished
    #[arg(long, value_name = "POLICY", ignore_case = true,
          value_parser = names(OverlapPolicy::ALL, OverlapPolicy::as_str))]
    overlap: Option<String>,
    /// How many jobs wait under buffer_all
    #[arg(long, value_name = "N")]
    buffer_limit: Option<u32>,
    /// Over how long its ticks are spread, by a fixed time for each schedule, as in 30s
    #[arg(long, value_name = "LENGTH", value_parser = length_flag)]
    spread: Option<Duration>,
    /// After so many runs it is completed
    #[arg(long, value_name = "N")]
    max_runs: Option<u64>,
    /// After so many jobs in a row that failed, it is paused
    #[arg(long, value_name = "N")]
    pause_after_failures: Option<u32>,
}

impl FieldArgs {
    /// What was given, by the API's names.
    pub(super) fn body(&self) -> Result<Value, CliError> {
        let json_of =
            |flag: &str, text: &Option<String>| text.as_ref().map(|text| typed_json(flag, text)).transpose();
        let policies = self.policies.body();
        Ok(body([
            ("timezone", self.timezone.as_ref().map(|zone| json!(zone))),
            ("input", json_of("--input", &self.input)?),
            ("priority", self.priority.as_ref().map(|priority| json!(priority))),
            ("maxRetries", self.max_retries.map(|retries| json!(retries))),
            (
                "timeoutSeconds",
                self.timeout
                    .map(|timeout| whole_seconds("--timeout", timeout))
                    .transpose()?,
            ),
            ("outputDestinations", destinations(&self.destination)?),
            ("description", self.description.as_ref().map(|text| json!(text))),
            ("metadata", json_of("--metadata", &self.metadata)?),
            (
                "policies",
                policies
                    .as_object()
                    .is_some_and(|given| !given.is_empty())
                    .then_some(policies),
            ),
        ]))
    }
}

/// The destinations that were typed, if there are any.
pub(crate) fn destinations(typed: &[String]) -> Result<Option<Value>, CliError> {
    if typed.is_empty() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for text in typed {
        match typed_json("--destination", text)? {
            Value::Array(several) => all.extend(several),
            one => all.push(one),
        }
    }
    Ok(Some(Value::Array(all)))
}

/// A length of time as the API takes it.
pub(crate) fn whole_seconds(flag: &str, length: Duration) -> Result<Value, CliError> {
    if length.subsec_nanos() != 0 {
        return Err(CliError::Usage(format!(
            "{flag} is \"{}ms\": it is a whole number of seconds",
            length.as_millis()
        )));
    }
    Ok(json!(length.as_secs()))
}

impl PolicyArgs {
    fn body(&self) -> Value {
        let seconds = |length: Option<Duration>| length.map(|length| json!(length.as_secs_f64()));
        let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
        body([
            ("misfire", text(&self.misfire)),
            ("graceSeconds", seconds(self.grace)),
            ("catchUpMax", self.catch_up_max.map(|count| json!(count))),
            ("catchUpWindowSeconds", seconds(self.catch_up_window)),
            ("overlap", text(&self.overlap)),
            ("bufferLimit", self.buffer_limit.map(|count| json!(count))),
            ("spreadSeconds", seconds(self.spread)),
            ("maxRuns", self.max_runs.map(|count| json!(count))),
            (
                "pauseAfterFailures",
                self.pause_after_failures.map(|count| json!(count)),
            ),
        ])
    }
}

/// Puts the id of the task that was named into a body.
pub(super) async fn with_task(
    connection: &Connection,
    mut body: Value,
    task: Option<&String>,
) -> Result<Value, CliError> {
    if let Some(task) = task {
        body["taskId"] = json!(named::task(connection, task).await?);
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        when: WhenArgs,
        #[command(flatten)]
        condition: ConditionArgs,
        #[command(flatten)]
        fields: FieldArgs,
    }

    fn typed(words: &[&str]) -> Typed {
        Typed::try_parse_from(["test"].iter().chain(words)).unwrap()
    }

    #[test]
    fn when_it_fires_is_said_in_one_of_three_ways() {
        let expression = |words: &[&str]| {
            let typed = typed(words);
            typed.when.expression(&typed.condition)
        };
        assert_eq!(
            expression(&["--every", "weekday at 9am"]).unwrap(),
            "every weekday at 9am"
        );
        assert_eq!(
            expression(&["--every", "every 5 minutes"]).unwrap(),
            "every 5 minutes"
        );
        assert_eq!(expression(&["--every", "@daily"]).unwrap(), "@daily");
        assert_eq!(expression(&["--cron", "*/5 * * * *"]).unwrap(), "*/5 * * * *");
        assert_eq!(expression(&["--after", "a"]).unwrap(), "after a succeeded");
        assert_eq!(
            expression(&["--after", "a", "--on", "failed"]).unwrap(),
            "after a failed"
        );
        assert_eq!(expression(&[]), None);
        for wrong in [
            ["test", "--cron", "@daily", "--after", "a"],
            ["test", "--on", "failed", "--cron", "@daily"],
        ] {
            assert!(Typed::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_what_is_given_is_sent() {
        assert_eq!(typed(&[]).fields.body().unwrap(), json!({}));
        let given = typed(&[
            "--tz",
            "Europe/Berlin",
            "--overlap",
            "SKIP",
            "--spread",
            "1500ms",
            "--timeout",
            "2m",
            "--input",
            "[1]",
            "--destination",
            "{\"a\": 1}",
            "--destination",
            "[{\"b\": 2}]",
            "--max-retries",
            "0",
        ]);
        assert_eq!(
            given.fields.body().unwrap(),
            json!({
                "timezone": "Europe/Berlin",
                "policies": {"overlap": "SKIP", "spreadSeconds": 1.5},
                "timeoutSeconds": 120,
                "input": [1],
                "outputDestinations": [{"a": 1}, {"b": 2}],
                "maxRetries": 0,
            })
        );
    }

    #[test]
    fn a_timeout_is_a_whole_number_of_seconds() {
        let error = typed(&["--timeout", "10ms"]).fields.body().unwrap_err();
        assert!(error.to_string().contains("whole number"), "{error}");
    }
}
