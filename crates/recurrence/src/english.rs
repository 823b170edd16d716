//! Schedules in plain English: a small grammar of our own, into a [`Specification`].
//!
//! A sentence is a row of phrases in any order: how often (`every 15 minutes`), on which days (`on weekdays`, `first
//! monday of every month`, `on 1 january`), at which times (`at 9am and 17:30`), within which hours (`between 9:00 and
//! 17:00`), in which months (`in june and july`), and what not (`except sundays`). A word that the grammar does not
//! know is an error that points at it, and so is what has two readings or cannot be said exactly.
//!
//! - Days without a time mean midnight, as in `@daily`; `every month` is its first day, `every quarter` the first day of
//!   January, April, July and October, `every year` January 1.
//! - `every 20 minutes between 9:00 and 17:00` counts from 09:00 and includes 17:00, if the count arrives there.
//! - An interval that does not divide the hour or the day (`every 90 minutes`) is one of real time.

mod error;
mod meaning;
mod phrases;
mod sentence;
mod word;

pub use error::EnglishError;

use crate::specification::Specification;
use crate::zone::Zone;

/// Reads a sentence.
///
/// # Errors
///
/// [`EnglishError`] points at the first word that is not understood and lists those that are understood in its place.
///
/// ```
/// use ratchet_recurrence::{Zone, english};
///
/// let schedule = english::parse("first monday of every month at 8:00", Zone::UTC)?;
/// assert_eq!(schedule.to_string(), "0 8 * * 1#1");
/// assert_eq!(schedule.describe(), "At 08:00 on the first Monday of the month");
///
/// let refused = english::parse("every weekday at nine", Zone::UTC).unwrap_err();
/// assert_eq!(refused.at, 17..21);
/// # Ok::<(), ratchet_recurrence::english::EnglishError>(())
/// ```
pub fn parse(text: &str, zone: Zone) -> Result<Specification, EnglishError> {
    let words = word::split(text);
    let sentence = sentence::Sentence::read(&words, text.len())?;
    meaning::specification(&sentence, text.len(), zone).map_err(|mut refused| {
        refused.text = crate::item::clipped(&text[refused.at.clone()]);
        refused
    })
}
