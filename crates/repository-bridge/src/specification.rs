use std::error::Error;

use chrono::{DateTime, Utc};
use ratchet_recurrence::{Specification, Zone};

/// A stored or given specification that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("{field} \"{value}\" cannot be understood")]
pub struct SpecificationError {
    /// The field of the schedule.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it, and what is allowed.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl SpecificationError {
    /// The error and its cause in one line, for a row's `state_reason`.
    #[must_use]
    pub fn reason(&self) -> String {
        ratchet_interfaces::with_causes(self)
    }
}

/// Reads a schedule's stored specification. The value that validates is the value that fires.
///
/// # Errors
/// [`SpecificationError`] names the field, its value, and as its source what is wrong and what is allowed.
pub fn parse_specification(specification: &str, timezone: &str) -> Result<Specification, SpecificationError> {
    read_with(specification, timezone, Specification::parse)
}

/// Reads a specification that somebody wrote: in the canonical form, or in plain English. What it says is stored in the
/// canonical form.
///
/// # Errors
/// As [`parse_specification`].
pub fn read_specification(specification: &str, timezone: &str) -> Result<Specification, SpecificationError> {
    read_with(specification, timezone, Specification::read)
}

fn read_with<E: Error + Send + Sync + 'static>(
    specification: &str,
    timezone: &str,
    read: impl FnOnce(&str, Zone) -> Result<Specification, E>,
) -> Result<Specification, SpecificationError> {
    let zone: Zone = timezone
        .parse()
        .map_err(|error: ratchet_recurrence::ZoneError| SpecificationError {
            field: "timezone",
            value: timezone.to_owned(),
            source: Box::new(error),
        })?;
    read(specification, zone).map_err(|error| SpecificationError {
        field: "specification",
        value: specification.to_owned(),
        source: Box::new(error),
    })
}

/// The first tick after an instant, or in words why there is none.
///
/// # Errors
/// The reason, as a completed schedule tells it.
pub fn first_tick(specification: &Specification, after: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    specification
        .next_after(after)
        .ok_or_else(|| end_of(specification, after))
}

/// In words, why there is no tick after an instant.
#[must_use]
pub fn end_of(specification: &Specification, after: DateTime<Utc>) -> String {
    match specification.end(after) {
        Some(end) => end.to_string(),
        None => "it has no further instant".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_expression_is_named_with_its_field() {
        let error = parse_specification("99 * * * *", "UTC").unwrap_err();
        assert_eq!(error.field, "specification");
        assert!(error.reason().contains("99 * * * *"), "{}", error.reason());
        assert!(error.reason().contains("minute"), "{}", error.reason());
    }

    #[test]
    fn a_wrong_zone_is_named_with_its_field() {
        let error = parse_specification("0 9 * * *", "Europe/Berlim").unwrap_err();
        assert_eq!(error.field, "timezone");
        assert!(error.reason().contains("Europe/Berlin"), "{}", error.reason());
    }
}
