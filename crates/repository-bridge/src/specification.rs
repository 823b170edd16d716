use std::error::Error;

use ratchet_recurrence::{Recurrence, Zone};

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

/// Reads a schedule's specification. The value that validates is the value that fires.
///
/// # Errors
/// [`SpecificationError`] names the field, its value, and as its source what is wrong and what is allowed.
pub fn parse_specification(cron_expression: &str, timezone: &str) -> Result<Recurrence, SpecificationError> {
    let zone: Zone = timezone
        .parse()
        .map_err(|error: ratchet_recurrence::ZoneError| SpecificationError {
            field: "timezone",
            value: timezone.to_owned(),
            source: Box::new(error),
        })?;
    Recurrence::cron(cron_expression, zone).map_err(|error| SpecificationError {
        field: "cronExpression",
        value: cron_expression.to_owned(),
        source: Box::new(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_expression_is_named_with_its_field() {
        let error = parse_specification("99 * * * *", "UTC").unwrap_err();
        assert_eq!(error.field, "cronExpression");
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
