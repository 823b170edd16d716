//! Instants and lengths of time for people: exact first, then in words.

use std::time::Duration;

use chrono::{DateTime, Local, SecondsFormat, TimeDelta, TimeZone, Utc};
use serde_json::Value;

use crate::cli::CliError;

const UNITS: [(i64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// As a clock of this machine shows it, with its offset.
pub(crate) fn local(instant: DateTime<Utc>) -> String {
    in_zone(&instant.with_timezone(&Local))
}

fn in_zone<Z: TimeZone<Offset: std::fmt::Display>>(instant: &DateTime<Z>) -> String {
    instant
        .to_rfc3339_opts(SecondsFormat::Secs, false)
        .replacen('T', " ", 1)
}

/// As [`local`], and how far it is from now.
pub(crate) fn local_and_relative(instant: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ({})", local(instant), relative(instant, now))
}

/// How far an instant is from another, in its two largest units.
pub(crate) fn relative(instant: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (instant - now).num_seconds();
    match seconds {
        0 => "now".to_owned(),
        1.. => format!("in {}", length(seconds)),
        _ => format!("{} ago", length(-seconds)),
    }
}

/// A length of time in its two largest units.
pub(crate) fn length(seconds: i64) -> String {
    let mut rest = seconds;
    let mut words = Vec::new();
    for (size, unit) in UNITS {
        let count = rest / size;
        rest %= size;
        match (count, words.is_empty()) {
            (0, true) => {}
            // A unit that is left out ends it: "1 d 5 s" would look more exact than it is.
            (0, false) => break,
            _ => words.push(format!("{count} {unit}")),
        }
        if words.len() == 2 {
            break;
        }
    }
    if words.is_empty() {
        return "0 s".to_owned();
    }
    words.join(" ")
}

/// The instant in a field of an answer, if there is one.
pub(crate) fn in_field(data: &Value, field: &str) -> Option<DateTime<Utc>> {
    data[field].as_str()?.parse().ok()
}

/// An instant that was typed: RFC 3339, `now`, or a length of time from now such as `+90m` and `-2d`.
pub(crate) fn typed(flag: &str, text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, CliError> {
    let away = |text: &str| typed_length(text).and_then(|length| TimeDelta::from_std(length).ok());
    let found = match (text, text.strip_prefix('+'), text.strip_prefix('-')) {
        ("now", ..) => Some(now),
        (_, Some(length), _) => away(length).and_then(|length| now.checked_add_signed(length)),
        (_, _, Some(length)) => away(length).and_then(|length| now.checked_sub_signed(length)),
        _ => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|instant| instant.to_utc()),
    };
    found.ok_or_else(|| {
        CliError::Usage(format!(
            "{flag} is \"{text}\": an instant is written as in 2026-03-28T09:00:00Z, now, +90m or -2d"
        ))
    })
}

/// A length of time that was typed: a whole number and one of ms, s, m, h, d.
pub(crate) fn typed_length(text: &str) -> Option<Duration> {
    let digits = text.len()
        - text
            .trim_start_matches(|character: char| character.is_ascii_digit())
            .len();
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(count.checked_mul(milliseconds)?))
}

/// A length of time, as clap reads a flag.
pub(crate) fn length_flag(text: &str) -> Result<Duration, String> {
    typed_length(text)
        .ok_or_else(|| "a length is a whole number and one of ms, s, m, h, d, as in 90s and 15m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_length_has_its_two_largest_units_and_no_gap_between_them() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_725, "1 h 2 min"),
            (86_405, "1 d"),
            (200_000, "2 d 7 h"),
        ] {
            assert_eq!(length(seconds), words);
        }
    }

    #[test]
    fn an_instant_is_told_by_how_far_it_is_away() {
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(relative(at("2026-03-01T12:00:00.4Z"), now), "now");
        assert_eq!(relative(at("2026-03-01T15:00:00Z"), now), "in 3 h");
        assert_eq!(relative(at("2026-03-01T11:58:30Z"), now), "1 min 30 s ago");
    }

    #[test]
    fn an_instant_is_shown_with_its_offset() {
        let berlin = chrono::FixedOffset::east_opt(3_600).unwrap();
        let instant = at("2026-03-01T12:00:00Z").with_timezone(&berlin);
        assert_eq!(in_zone(&instant), "2026-03-01 13:00:00+01:00");
    }

    #[test]
    fn an_instant_is_typed_by_itself_or_from_now() {
        let now = at("2026-03-01T12:00:00Z");
        for (text, instant) in [
            ("now", "2026-03-01T12:00:00Z"),
            ("+90m", "2026-03-01T13:30:00Z"),
            ("-2d", "2026-02-27T12:00:00Z"),
            ("2026-03-28T09:00:00+01:00", "2026-03-28T08:00:00Z"),
        ] {
            assert_eq!(typed("--at", text, now).unwrap(), at(instant), "{text}");
        }
        for wrong in ["", "+", "tomorrow", "2026-03-28", "+1w", "-99999999999999d"] {
            let error = typed("--at", wrong, now).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--at is \"{wrong}\"")), "{error}");
        }
    }

    #[test]
    fn a_length_that_is_typed_is_a_number_and_a_unit() {
        assert_eq!(typed_length("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(typed_length("5m"), Some(Duration::from_secs(300)));
        for wrong in ["", "5", "m", "1.5h", "-5m", "5 m", "5é", "99999999999999999999d"] {
            assert_eq!(typed_length(wrong), None, "{wrong}");
        }
    }
}
