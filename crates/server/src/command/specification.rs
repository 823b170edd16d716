use clap::Args;
use ratchet_interfaces::{WrittenFollowing, with_causes};
use ratchet_recurrence::{Recurrence, Specification, SpecificationError, Zone, ZoneError};

use crate::cli::CliError;

/// When a schedule fires, as it is typed.
#[derive(Debug, Args)]
pub(crate) struct SpecificationArgs {
    /// Cron with five fields (minute first), six (second first) or seven (year last), a macro such as @daily, an
    /// interval ("every 90m from 2026-01-01T00:00:00Z"), instants ("at 2026-03-01T09:00:00Z"), several of them joined
    /// by ";", or plain English ("every weekday at 9am")
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// The IANA time zone in which it is read
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
    /// Not on a date (2026-12-24), in a range of dates (2026-12-24..2026-12-26), in a part of every week
    /// ("fri 18:00-mon 06:00"), or when an expression matches ("cron 0 12 * * *"); may be given several times
    #[arg(long, value_name = "WHEN")]
    except: Vec<String>,
    /// Not before this instant
    #[arg(long, value_name = "RFC3339")]
    starting: Option<String>,
    /// Only before this instant
    #[arg(long, value_name = "RFC3339")]
    ending: Option<String>,
    /// What becomes of a local time that does not exist because clocks are set forward: run_after or skip
    #[arg(long, value_name = "POLICY")]
    gap: Option<String>,
    /// What becomes of a local time that exists twice because clocks are set back: once_first, once_last or twice
    #[arg(long, value_name = "POLICY")]
    overlap: Option<String>,
}

impl SpecificationArgs {
    #[cfg(test)]
    pub(crate) fn of(expression: &str, tz: &str) -> Self {
        Self {
            expression: expression.to_owned(),
            tz: tz.to_owned(),
            except: Vec::new(),
            starting: None,
            ending: None,
            gap: None,
            overlap: None,
        }
    }

    /// What was typed, without the flags.
    pub(crate) fn text(&self) -> &str {
        &self.expression
    }

    /// Whether it is one cron expression, which needs no other form to be understood.
    pub(crate) fn is_cron(&self) -> bool {
        Recurrence::cron(&self.expression, Zone::UTC).is_ok()
    }

    pub(crate) fn specification(&self) -> Result<Specification, CliError> {
        if WrittenFollowing::read(&self.expression).is_some() {
            return Err(CliError::Usage(format!(
                "\"{}\" has no instants of its own: a schedule with it runs when a job of the other has ended. `ratchet why` \
                 answers for instants of a stored one",
                self.expression
            )));
        }
        let zone: Zone = self
            .tz
            .parse()
            .map_err(|error: ZoneError| CliError::Usage(format!("--tz: {}", with_causes(&error))))?;
        let plain = Specification::read(&self.expression, zone).map_err(|error| CliError::usage(&error))?;
        let parts = self.parts();
        if parts.is_empty() {
            return Ok(plain);
        }
        let text = format!("{plain}; {}", parts.join("; "));
        Specification::parse(&text, zone).map_err(|error| refused_flag(&error))
    }

    fn parts(&self) -> Vec<String> {
        let one = |word: &str, value: &Option<String>| value.as_ref().map(|value| format!("{word} {value}"));
        let exceptions = self.except.iter().map(|value| format!("except {value}"));
        exceptions
            .chain(one("starting", &self.starting))
            .chain(one("ending", &self.ending))
            .chain(one("gap", &self.gap))
            .chain(one("overlap", &self.overlap))
            .collect()
    }
}

/// A place in the joined text would say nothing to who typed a flag; the part is the flag's name.
fn refused_flag(error: &SpecificationError) -> CliError {
    let unplaced = SpecificationError {
        at: None,
        ..error.clone()
    };
    CliError::usage(&unplaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(arguments: &SpecificationArgs) -> String {
        arguments.specification().unwrap_err().to_string()
    }

    #[test]
    fn a_sentence_and_its_canonical_form_are_the_same_schedule() {
        let sentence = SpecificationArgs::of("every weekday at 9am", "Europe/Berlin");
        let canonical = SpecificationArgs::of("0 9 * * 1-5", "Europe/Berlin");
        assert_eq!(
            sentence.specification().unwrap(),
            canonical.specification().unwrap()
        );
        assert!(canonical.is_cron() && !sentence.is_cron());
    }

    #[test]
    fn what_follows_another_schedule_has_no_instants_to_tell() {
        let error = error(&SpecificationArgs::of("after nightly-import succeeded", "UTC"));
        assert!(error.contains("no instants of its own"), "{error}");
    }

    #[test]
    fn flags_are_parts_of_the_specification() {
        let arguments = SpecificationArgs {
            except: vec!["2026-12-24".to_owned(), "fri 18:00-mon 06:00".to_owned()],
            ending: Some("2027-01-01T00:00:00Z".to_owned()),
            gap: Some("skip".to_owned()),
            overlap: Some("twice".to_owned()),
            ..SpecificationArgs::of("every day at 2:30", "Europe/Berlin")
        };
        let joined = "30 2 * * *; except 2026-12-24; except fri 18:00-mon 06:00; ending 2027-01-01T00:00:00Z; gap skip; \
                      overlap twice";
        assert_eq!(
            arguments.specification().unwrap(),
            Specification::parse(joined, "Europe/Berlin".parse().unwrap()).unwrap()
        );
    }

    #[test]
    fn a_wrong_flag_is_told_with_its_part_and_what_is_allowed() {
        let wrong = SpecificationArgs {
            gap: Some("sometimes".to_owned()),
            ..SpecificationArgs::of("@daily", "UTC")
        };
        let error = error(&wrong);
        assert!(
            error.starts_with("gap: \"sometimes\"") && error.contains("run_after"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_word_is_told_as_one_of_a_sentence_and_a_wrong_field_as_one_of_an_expression() {
        let sentence = error(&SpecificationArgs::of("every weekday at nine", "UTC"));
        assert!(sentence.contains("nine"), "{sentence}");
        let cron = error(&SpecificationArgs::of("0 25 * * *", "UTC"));
        assert!(cron.starts_with("hour: \"25\""), "{cron}");
        let part = error(&SpecificationArgs::of("@daily; gap maybe", "UTC"));
        assert!(part.contains("maybe"), "{part}");
    }
}
