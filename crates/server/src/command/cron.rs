use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use ratchet_interfaces::Clock;
use ratchet_recurrence::Specification;
use ratchet_scheduler::SystemClock;

use crate::cli::{CliError, print};
use crate::command::moment::typed;
use crate::command::specification::SpecificationArgs;

/// The most instants of one answer.
const MOST: usize = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum CronCommand {
    /// Print the next instants of a schedule
    #[command(
        after_help = "Examples:\n  ratchet cron next '*/15 9-17 * * mon-fri' --tz Europe/Berlin\n  \
                            ratchet cron next @daily -n 3 --from 2026-03-28T00:00:00Z --tz Europe/Berlin --json\n  \
                            ratchet cron next 'every weekday at 9am' --except 2026-12-24..2026-12-26\n  \
                            ratchet cron next '30 2 * * *' --tz America/New_York --gap skip"
    )]
    Next(NextArgs),
    /// Say a schedule in words
    #[command(after_help = "Examples:\n  ratchet cron explain '30 22 L * *'\n  \
                            ratchet cron explain 'first monday of every month at 8:00' --tz Europe/Berlin")]
    Explain(SpecificationArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NextArgs {
    #[command(flatten)]
    what: SpecificationArgs,
    /// Count from this instant instead of from now: RFC 3339, or from now as in +1d
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
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
            Self::Explain(arguments) => explained(&arguments)?,
        };
        print(&text)
    }
}

/// The words, after the canonical text if that is not what was typed.
fn explained(arguments: &SpecificationArgs) -> Result<String, CliError> {
    let specification = arguments.specification()?;
    Ok(match understood_as(arguments, &specification) {
        Some(canonical) => format!("{canonical}\n{}\n", specification.describe()),
        None => format!("{}\n", specification.describe()),
    })
}

/// The canonical text of what was typed in another form, such as a sentence. Cron is understood as it was typed.
fn understood_as(arguments: &SpecificationArgs, specification: &Specification) -> Option<String> {
    let canonical = specification.to_string();
    (!arguments.is_cron() && canonical != arguments.text()).then_some(canonical)
}

impl NextArgs {
    fn answer(&self, now: DateTime<Utc>) -> Result<String, CliError> {
        if !(1..=MOST).contains(&self.count) {
            return Err(CliError::Usage(format!(
                "-n is {}: 1 to {MOST} instants can be asked for",
                self.count
            )));
        }
        let specification = self.what.specification()?;
        let from = match &self.from {
            None => now,
            Some(text) => typed("--from", text, now)?,
        };
        let zone = specification.zone().tz();
        let instants: Vec<String> = specification
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
        let mut answer = String::new();
        if let Some(canonical) = understood_as(&self.what, &specification) {
            answer = format!("{canonical}\n{}\n", specification.describe());
        }
        if instants.is_empty()
            && let Some(end) = specification.end(from)
        {
            answer.push_str(&format!("none after {}: {end}\n", from.to_rfc3339()));
        }
        answer.extend(instants.iter().map(|instant| format!("{instant}\n")));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(expression: &str, tz: &str, json: bool) -> Result<String, CliError> {
        let arguments = NextArgs {
            what: SpecificationArgs::of(expression, tz),
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
    fn a_sentence_is_answered_with_its_canonical_text_whatever_it_begins_with() {
        let text = next("15th of every month at 8:00", "UTC", false).unwrap();
        assert_eq!(
            text,
            "0 8 15 * *\nAt 08:00 on day 15 of the month\n2026-04-15T08:00:00+00:00\n2026-05-15T08:00:00+00:00\n"
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
            what: SpecificationArgs::of("@daily", "UTC"),
            from: Some("tomorrow".to_owned()),
            count: 1,
            json: false,
        };
        let error = arguments.answer(DateTime::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains("tomorrow"), "{error}");
    }
}
