//! The rows of the tables, and how each becomes what the traits speak of and back. Nothing of this leaves the crate.
#![allow(
    unreachable_pub,
    reason = "SeaORM's derive macros write public items, and its traits want a public model"
)]

pub(crate) mod audit;
pub(crate) mod delivery;
pub(crate) mod delivery_attempt;
pub(crate) mod execution;
pub(crate) mod execution_log;
pub(crate) mod found;
pub(crate) mod job;
pub(crate) mod policies;
mod priority;
mod reading;
pub(crate) mod schedule;
mod stored_id;
pub(crate) mod task;
pub(crate) mod tick;
pub(crate) mod token;
mod unreadable;

pub(crate) use priority::rank;
pub(crate) use reading::Reading;
pub(crate) use stored_id::StoredId;
pub(crate) use unreadable::Unreadable;

use chrono::{DateTime, TimeDelta, Utc};

/// An instant as it is stored.
pub(crate) fn micros(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_micros()
}

/// A stored instant, if a clock can show it.
pub(crate) fn instant(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros)
}

/// The earliest of the instants that are waited for. One beyond what a clock can show never comes; one before that
/// has always been, and the row that has it is found and dealt with when it is taken.
pub(crate) fn awaited(earliest: Option<i64>) -> Option<DateTime<Utc>> {
    let earliest = earliest?;
    DateTime::from_timestamp_micros(earliest).or((earliest < 0).then_some(DateTime::<Utc>::MIN_UTC))
}

/// A length of time as it is stored. What is longer than a database can say, 292,000 years, is that long.
pub(crate) fn length(delta: TimeDelta) -> i64 {
    delta.num_microseconds().unwrap_or(i64::MAX)
}

/// A count as it is stored. What is more than a database can say is as much as it can.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A text as it is stored, for a parameter that is stored or compared with what is: see [`crate::batch::Batch`].
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A value as it is stored, in JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("what is stored has only fields that JSON knows")
}
