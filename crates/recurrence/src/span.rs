//! A length of real time in whole seconds, written as in `90s`, `15m`, `1h30m` or `2d`.

use std::fmt;
use std::time::Duration;

const UNITS: [(char, i64, &str); 4] = [
    ('d', 86_400, "day"),
    ('h', 3_600, "hour"),
    ('m', 60, "minute"),
    ('s', 1, "second"),
];
/// Ten years of 365 days; whoever wants longer has instants and years.
pub(crate) const LONGEST: i64 = 3_650 * 86_400;
/// What is allowed, for messages.
pub(crate) const ALLOWED: &str = "1s to 3650d in whole seconds, as in 90s, 15m, 1h30m and 2d";

/// From one second through ten years. A day has 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span(u32);

impl Span {
    pub(crate) fn from_seconds(seconds: i64) -> Option<Self> {
        let allowed = (1..=LONGEST).contains(&seconds);
        allowed.then(|| u32::try_from(seconds).ok().map(Self)).flatten()
    }

    pub(crate) fn new(duration: Duration) -> Option<Self> {
        let whole = duration.subsec_nanos() == 0;
        whole
            .then(|| i64::try_from(duration.as_secs()).ok())
            .flatten()
            .and_then(Self::from_seconds)
    }

    /// Numbers with units, each unit once, from days down to seconds.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut total) = (text, 0i64);
        for (unit, seconds, _) in UNITS {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 && rest[digits..].starts_with(unit) {
                let number: i64 = rest[..digits].parse().ok()?;
                total = total.checked_add(number.checked_mul(seconds)?)?;
                rest = &rest[digits + 1..];
            }
        }
        rest.is_empty().then(|| Self::from_seconds(total)).flatten()
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0.into()
    }

    /// "every 90 minutes", in the one unit that says it without a fraction, or in several.
    pub(crate) fn in_words(self) -> String {
        let total = self.seconds();
        if total == 1 {
            return "second".to_owned();
        }
        let few = UNITS
            .iter()
            .find(|(_, seconds, _)| total % seconds == 0 && total / seconds <= 120)
            .map(|(_, seconds, name)| (total / seconds, *name));
        match few {
            Some((1, name)) => name.to_owned(),
            Some((count, name)) => format!("{count} {name}s"),
            None => {
                let parts: Vec<String> = self
                    .parts()
                    .map(|(number, _, name)| format!("{number} {name}{}", if number == 1 { "" } else { "s" }))
                    .collect();
                parts.join(" ")
            }
        }
    }

    fn parts(self) -> impl Iterator<Item = (i64, char, &'static str)> {
        let mut left = self.seconds();
        UNITS.into_iter().filter_map(move |(unit, seconds, name)| {
            let number = left / seconds;
            left %= seconds;
            (number > 0).then_some((number, unit, name))
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts()
            .try_for_each(|(number, unit, _)| write!(f, "{number}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_in_descending_units() {
        for (text, seconds, written) in [
            ("1s", 1, "1s"),
            ("90s", 90, "1m30s"),
            ("15m", 900, "15m"),
            ("90m", 5_400, "1h30m"),
            ("1d1s", 86_401, "1d1s"),
            ("48h", 172_800, "2d"),
            ("3650d", LONGEST, "3650d"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, written));
            assert_eq!(Span::parse(written), Some(span));
        }
        for wrong in [
            "",
            "0s",
            "-5m",
            "5",
            "m",
            "1.5h",
            "5m1h",
            "1h1h",
            "1w",
            "3651d",
            "1h 5m",
            "99999999999999999999s",
        ] {
            assert_eq!(Span::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spans_are_said_in_the_unit_that_has_no_fraction() {
        for (seconds, words) in [
            (1, "second"),
            (60, "minute"),
            (5_400, "90 minutes"),
            (86_400, "day"),
            (172_800, "2 days"),
            (86_401, "1 day 1 second"),
            (3_661, "1 hour 1 minute 1 second"),
        ] {
            assert_eq!(Span::from_seconds(seconds).unwrap().in_words(), words);
        }
    }
}
