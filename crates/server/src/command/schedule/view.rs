use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::command::moment::{in_field, length, local, local_and_relative};
use crate::command::named::text;
use crate::command::table::{Canvas, Cell, Tone};

/// How many of the next instants are shown with a schedule.
pub(super) const SHOWN: u32 = 3;

/// In a word, why a schedule fires or does not.
pub(super) fn state(schedule: &Value) -> Cell {
    let state = text(schedule, "state").to_lowercase();
    let invalid = state == "invalid";
    if invalid || state == "completed" {
        let tone = if invalid { Tone::Bad } else { Tone::Faint };
        return Cell::toned(state, tone);
    }
    if schedule["enabled"] != true {
        return Cell::toned("disabled", Tone::Faint);
    }
    if schedule["pause"].is_object() {
        return Cell::toned("paused", Tone::Doubtful);
    }
    Cell::toned(state, Tone::Good)
}

/// Everything of a schedule for a reader, with its next instants if it has some.
pub(super) fn shown(canvas: Canvas, schedule: &Value, next: Option<&Value>, now: DateTime<Utc>) -> String {
    let field = |name: &str| {
        let text = text(schedule, name);
        (!text.is_empty()).then(|| Cell::from(text))
    };
    let instant = |name: &str| in_field(schedule, name).map(|at| local_and_relative(at, now).into());
    let number = |name: &str| {
        schedule[name]
            .as_u64()
            .map(|number| Cell::from(number.to_string()))
    };
    let json = |name: &str| {
        let value = &schedule[name];
        (!value.is_null()).then(|| Cell::from(format!("{value:#}")))
    };
    let destinations = schedule["outputDestinations"].as_array();
    let destinations = destinations.filter(|destinations| !destinations.is_empty());
    let failures = schedule["consecutiveFailures"].as_u64().unwrap_or_default();
    let mut told = canvas.fields([
        ("name", field("name")),
        ("id", field("id")),
        ("description", field("description")),
        ("state", Some(state(schedule))),
        ("reason", field("stateReason")),
        ("pause", pause(&schedule["pause"], now).map(Cell::from)),
        ("fires", field("cronExpression")),
        (
            "in words",
            next.map(|next| text(next, "description")).map(Cell::from),
        ),
        ("zone", field("timezone")),
        ("next run", instant("nextRun")),
        ("last run", instant("lastRun")),
        ("runs", number("runCount")),
        (
            "failures",
            (failures > 0).then(|| Cell::toned(format!("{failures} in a row"), Tone::Bad)),
        ),
        ("task", field("taskId")),
        ("input", json("input")),
        ("priority", field("priority")),
        ("retries", number("maxRetries")),
        (
            "timeout",
            schedule["timeoutSeconds"].as_i64().map(length).map(Cell::from),
        ),
        ("policies", Some(policies(&schedule["policies"]).into())),
        (
            "destinations",
            destinations.map(|destinations| {
                let each: Vec<String> = destinations.iter().map(Value::to_string).collect();
                each.join("\n").into()
            }),
        ),
        ("metadata", json("metadata")),
        ("version", number("version")),
        ("created", instant("createdAt")),
        ("changed", instant("updatedAt")),
    ]);
    if let Some(next) = next {
        told.push('\n');
        told.push_str(&instants(canvas, next, now));
    }
    told
}

/// Each policy that has a value, on a line.
fn policies(policies: &Value) -> String {
    let Some(policies) = policies.as_object() else {
        return String::new();
    };
    let told = policies.iter().filter(|(_, value)| !value.is_null());
    let told: Vec<String> = told
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    told.join("\n")
}

fn pause(pause: &Value, now: DateTime<Utc>) -> Option<String> {
    let since = in_field(pause, "since")?;
    let mut words = format!("since {} by {}", local(since), text(pause, "by"));
    if let Some(until) = in_field(pause, "resumeAt") {
        words.push_str(&format!(", until {}", local_and_relative(until, now)));
    }
    let note = text(pause, "note");
    if !note.is_empty() {
        words.push_str(&format!(": {note}"));
    }
    Some(words)
}

/// The next instants of an expression, as the API previews them, in its zone.
pub(super) fn instants(canvas: Canvas, preview: &Value, now: DateTime<Utc>) -> String {
    let none = Vec::new();
    let instants = preview["instants"].as_array().unwrap_or(&none);
    let rows = instants.iter().map(|instant| {
        let at = in_field(instant, "utc");
        [
            text(instant, "local").replacen('T', " ", 1).into(),
            text(instant, "utc").into(),
            at.map_or_else(String::new, |at| crate::command::moment::relative(at, now))
                .into(),
            Cell::toned(text(instant, "note"), Tone::Doubtful),
        ]
    });
    let zone = text(preview, "timezone");
    let mut told = canvas.table([&format!("NEXT IN {zone}"), "IN UTC", "", ""], rows);
    let end = text(preview, "end");
    if !end.is_empty() {
        told.push_str(&format!("no more: {end}\n"));
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_state_says_why_a_schedule_does_not_fire() {
        let of = |state: &str, enabled: bool, pause: Value| {
            super::state(&json!({"state": state, "enabled": enabled, "pause": pause}))
        };
        assert_eq!(of("ACTIVE", true, Value::Null), Cell::toned("active", Tone::Good));
        assert_eq!(
            of("ACTIVE", true, json!({})),
            Cell::toned("paused", Tone::Doubtful)
        );
        assert_eq!(
            of("ACTIVE", false, Value::Null),
            Cell::toned("disabled", Tone::Faint)
        );
        assert_eq!(
            of("INVALID", false, Value::Null),
            Cell::toned("invalid", Tone::Bad)
        );
        assert_eq!(
            of("COMPLETED", true, Value::Null),
            Cell::toned("completed", Tone::Faint)
        );
    }

    #[test]
    fn instants_stand_in_their_zone_and_in_utc_with_their_note() {
        let preview = json!({"timezone": "Europe/Berlin", "end": "it is over", "instants": [
            {"utc": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00", "note": "moved"},
        ]});
        let now = "2026-03-28T23:00:00Z".parse().unwrap();
        assert_eq!(
            instants(Canvas::plain(), &preview, now),
            "NEXT IN Europe/Berlin      IN UTC\n\
             2026-03-29 03:00:00+02:00  2026-03-29T01:00:00Z  in 2 h  moved\n\
             no more: it is over\n"
        );
    }

    #[test]
    fn a_pause_is_told_with_who_why_and_until_when() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let of = json!({"since": "2026-03-01T11:00:00Z", "by": "ada", "note": "disk",
                        "resumeAt": "2026-03-01T14:00:00Z"});
        let words = pause(&of, now).unwrap();
        assert!(
            words.contains("by ada, until ") && words.ends_with("(in 2 h): disk"),
            "{words}"
        );
        assert_eq!(pause(&Value::Null, now), None);
    }
}
