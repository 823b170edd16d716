//! What a schedule's specification means, when it fires next, and how to say it in words.
//!
//! **Purpose.** A [`Specification`] is all that a schedule says about time: cron expressions, intervals and instants,
//! exclusions, bounds, and what to do when clocks change, read in one time zone. A [`Recurrence`] is one cron
//! expression by itself. Either exists only if it is valid, so nothing downstream validates it again, and the same
//! value both validates and fires. [`Specification::read`] takes its text or a sentence in plain [`english`], and
//! [`forecast()`] looks ahead over many schedules.
//!
//! **Must not know** async, storage, serialization, and what time it is now. Every answer is a function of its
//! arguments; the caller brings the instant and stores the text.
//!
//! **Lower neighbours**: none of this workspace; below are `chrono` and the zone tables of `chrono-tz`.
//!
//! Deliberately absent:
//! - a table of the zones' transitions: changes are found by comparing offsets, and only near a tick;
//! - a step through time: months, days, hours, minutes and seconds are bit sets, and a search skips from bit
//!   to bit, a month at a time at worst;
//! - `@reboot`, and every other trigger that is not an instant of the calendar.
//!
//! ```
//! use chrono::{DateTime, Utc};
//! use ratchet_recurrence::{Recurrence, Zone};
//!
//! let weekdays = Recurrence::cron("0 9 * * mon-fri", "Europe/Berlin".parse::<Zone>()?)?;
//! assert_eq!(weekdays.describe(), "At 09:00, Monday through Friday (Europe/Berlin)");
//!
//! let friday: DateTime<Utc> = "2026-03-27T12:00:00Z".parse()?;
//! let monday: DateTime<Utc> = "2026-03-30T07:00:00Z".parse()?;
//! assert_eq!(weekdays.next_after(friday), Some(monday));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod date;
mod daylight;
mod describe;
pub mod english;
mod error;
mod exclusion;
mod field;
mod forecast;
mod instant;
mod interval;
mod item;
mod month;
mod parse;
mod pattern;
mod print;
mod recurrence;
mod source;
mod span;
mod specification;
mod spread;
mod timeline;
mod weekly;
mod zone;

pub use daylight::{DaylightPolicy, Gap, Overlap};
pub use error::CronError;
pub use field::Field;
pub use forecast::buckets::{Buckets, buckets};
pub use forecast::busiest::{Busy, busiest};
pub use forecast::error::ForecastError;
pub use forecast::planned::Planned;
pub use forecast::{Expected, Forecast, forecast};
pub use recurrence::{Recurrence, Upcoming};
pub use specification::builder::SpecificationBuilder;
pub use specification::end::EndReason;
pub use specification::error::{Part, Reason, SpecificationError};
pub use specification::explain::Explanation;
pub use specification::read::ReadError;
pub use specification::{Specification, Ticks};
pub use spread::{SpreadError, spread_offset};
pub use zone::{Zone, ZoneError};
