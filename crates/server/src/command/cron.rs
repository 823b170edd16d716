use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use ratchet_interfaces::Clock;
use ratchet_recurrence::{Recurrence, Zone};
use ratchet_scheduler::SystemClock;

use crate::cli::{CliError, print};

/// The most instants of one answer.
const MOST: usize = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum CronCommand {
    /// Print the next instants of an expression
    #[command(
        after_help = "Examples:\n  ratchet cron next '*/15 9-17 * * mon-fri' --tz Europe/Berlin\n  \
                            ratchet cron next @daily -n 3 --from 2026-03-28T00:00:00Z --tz Europe/Berlin --json"
    )]
    Next(NextArgs),
    /// Say an expression in words
    #[command(after_help = "Example:\n  ratchet cron explain '30 22 L * *'")]
    Explain(ExplainArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Cron with five fields (minute first), six (second first) or seven (year last), or a macro such as @daily
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// The IANA time zone in which the expression is read
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
}

#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    #[command(flatten)]
    what: ExplainArgs,
    /// Count from this instant (RFC 3339) instead of from now
    #[arg(long, value_name = "RFC3339")]
    from: Option<String>,
    /// How many instants, 1 to 10000
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 5)]
    count: usize,
    /// Print a JSON array of RFC 3339 strings
    #[arg(long)]
    json: bool,
}

impl CronCommand {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let text = match self {
            Self::Next(arguments) => arguments.answer(SystemClock::new().now())?,
            Self::Explain(arguments) => {
                let recurrence = arguments.recurrence()?;
                format!("{}\n", recurrence.describe())
            }
        };
        print(&text)
    }
}

impl ExplainArgs {
    fn recurrence(&self) -> Result<Recurrence, CliError> {
        let zone: Zone = self
            .tz
            .parse()
            .map_err(|error: ratchet_recurrence::ZoneError| CliError::usage(&error))?;
        Recurrence::cron(&self.expression, zone).map_err(|error| CliError::usage(&error))
    }
}

impl NextArgs {
    fn answer(&self, now: DateTime<Utc>) -> Result<String, CliError> {
        if !(1..=MOST).contains(&self.count) {
            return Err(CliError::Usage(format!(
                "-n is {}: 1 to {MOST} instants can be asked for",
                self.count
            )));
        }
        let recurrence = self.what.recurrence()?;
        let from = match &self.from {
            None => now,
            Some(text) => DateTime::<FixedOffset>::parse_from_rfc3339(text)
                .map_err(|error| {
                    CliError::Usage(format!(
                        "--from is \"{text}\": an instant is written as in 2026-03-28T09:00:00Z ({error})"
                    ))
                })?
                .to_utc(),
        };
        let zone = recurrence.zone().tz();
        let instants: Vec<String> = recurrence
            .upcoming(from)
            .take(self.count)
            .map(|instant| {
                instant
                    .with_timezone(&zone)
                    .to_rfc3339_opts(SecondsFormat::AutoSi, false)
            })
            .collect();
        if self.json {
            let array = serde_json::to_string(&instants).map_err(|error| CliError::failed(&error))?;
            return Ok(format!("{array}\n"));
        }
        if instants.is_empty() {
            return Ok(format!("none after {}\n", from.to_rfc3339()));
        }
        Ok(instants.iter().map(|instant| format!("{instant}\n")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, tz: &str, json: bool) -> Result<String, CliError> {
        let arguments = NextArgs {
            what: ExplainArgs {
                expression: expression.to_owned(),
                tz: tz.to_owned(),
            },
            from: Some("2026-03-28T00:00:00Z".to_owned()),
            count: 2,
            json,
        };
        arguments.answer(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn instants_are_printed_in_the_offset_of_the_zone() {
        let text = next("0 9 * * *", "Europe/Berlin", false).unwrap();
        assert_eq!(text, "2026-03-28T09:00:00+01:00\n2026-03-29T09:00:00+02:00\n");
        let json = next("0 9 * * *", "Europe/Berlin", true).unwrap();
        assert_eq!(
            json,
            "[\"2026-03-28T09:00:00+01:00\",\"2026-03-29T09:00:00+02:00\"]\n"
        );
    }

    #[test]
    fn an_expression_that_is_over_has_no_next_instant() {
        assert_eq!(next("0 0 0 1 1 * 2020", "UTC", true).unwrap(), "[]\n");
    }

    #[test]
    fn a_wrong_expression_is_the_callers_mistake() {
        let error = next("0 25 * * *", "UTC", false).unwrap_err();
        assert!(matches!(error, CliError::Usage(_)));
        assert!(error.to_string().contains("25"), "{error}");
    }

    #[test]
    fn a_wrong_instant_is_named() {
        let arguments = NextArgs {
            what: ExplainArgs {
                expression: "@daily".to_owned(),
                tz: "UTC".to_owned(),
            },
            from: Some("tomorrow".to_owned()),
            count: 1,
            json: false,
        };
        let error = arguments.answer(DateTime::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains("tomorrow"), "{error}");
    }
}
