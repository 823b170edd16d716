use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// What a row has where a parameter speaks of a field; `None` where the row does not show it.
pub(super) fn shown(row: &Value, field: &str) -> Option<Value> {
    if let Some(value) = row.get(field) {
        return Some(value.clone());
    }
    let is_there = |field: &str| row.get(field).map(|value| Value::Bool(!value.is_null()));
    match field {
        "paused" => is_there("pause"),
        // A request by hand has a number from 1.
        "byHand" => row["request"].as_u64().map(|request| Value::Bool(request > 0)),
        // Such as `removed`, which is so since `removedAt`.
        _ => is_there(&format!("{field}At")),
    }
}

/// How two values of a field compare. An enumeration is in the order in which the document has its names.
pub(super) fn compare(names: &[&str], a: &Value, b: &Value) -> Ordering {
    let place = |value: &Value| names.iter().position(|name| value == name);
    if let (Some(a), Some(b)) = (place(a), place(b)) {
        return a.cmp(&b);
    }
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap().total_cmp(&b.as_f64().unwrap()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => match (instant(a), instant(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        _ => panic!("{a} and {b} are of different kinds"),
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).ok()?;
    Some(instant.to_utc())
}

/// A value as a parameter takes it.
pub(super) fn as_parameter(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
