//! What the crate promises, checked from outside: by example, by law, and against two other evaluators.

#![allow(
    clippy::unwrap_used,
    reason = "the lint exempts test functions, but not what they share"
)]

mod bounds;
mod builders;
mod canonical_texts;
mod contradictions;
mod croner;
mod daylight_saving;
mod english;
mod errors;
mod explanations;
mod expressions;
mod forecast_oracle;
mod forecasts;
mod laws;
mod oracle;
mod readings;
mod refusals;
mod specification_oracle;
mod spreads;
mod words;
mod zones;

use chrono::{DateTime, Utc};
use proptest::test_runner::Config as ProptestConfig;
use ratchet_recurrence::{Recurrence, Specification, Zone};

/// Random cases without a file of past failures: what failed once becomes a named test.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn at(instant: &str) -> DateTime<Utc> {
    instant.parse().unwrap()
}

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

#[track_caller]
fn read(text: &str) -> Specification {
    read_in(text, "UTC")
}

#[track_caller]
fn read_in(text: &str, zone_name: &str) -> Specification {
    Specification::parse(text, zone(zone_name)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The first ticks after `after`, as text.
fn next(specification: &Specification, after: &str, count: usize) -> Vec<String> {
    let written = |tick: DateTime<Utc>| tick.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    specification
        .upcoming(at(after))
        .take(count)
        .map(written)
        .collect()
}

/// The ticks after `after`, as text, as many as `expected` has.
#[track_caller]
fn assert_ticks(expression: &str, zone_name: &str, after: &str, expected: &[&str]) {
    let recurrence = Recurrence::cron(expression, zone(zone_name)).unwrap();
    let ticks: Vec<_> = recurrence.upcoming(at(after)).take(expected.len()).collect();
    let expected: Vec<_> = expected.iter().map(|tick| at(tick)).collect();
    assert_eq!(ticks, expected, "{expression} in {zone_name} after {after}");
}
