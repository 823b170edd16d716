//! Instants that a specification may name: whole seconds from 1970 through 9999.

use std::fmt;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};

use crate::pattern::END;

/// Such an instant, in seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Instant(i64);

pub(crate) const EPOCH: Instant = Instant(0);
/// What is allowed, for messages.
pub(crate) const ALLOWED: &str =
    "an instant of the years 1970 through 9999 in whole seconds, as in 2026-03-01T09:00:00Z";

impl Instant {
    pub(crate) fn new(instant: DateTime<Utc>) -> Option<Self> {
        let whole = instant.timestamp_subsec_nanos() == 0;
        (whole && (0..END).contains(&instant.timestamp())).then(|| Self(instant.timestamp()))
    }

    /// RFC 3339, with any offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        // chrono takes a leap second too; it would be a second that no clock here ever shows.
        let written = DateTime::<FixedOffset>::parse_from_rfc3339(text).ok()?;
        Self::new(written.to_utc())
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0
    }

    pub(crate) fn utc(self) -> DateTime<Utc> {
        utc(self.0)
    }
}

/// The instant of so many seconds since 1970. Every search stays within the years of the calendar, which chrono's far
/// exceed.
pub(crate) fn utc(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// As RFC 3339 in UTC.
pub(crate) fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.utc()))
    }
}
