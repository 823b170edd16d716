//! What a sentence says, phrase by phrase, before it is known what that means together.

use std::ops::Range;

use chrono::NaiveDate;

use super::error::EnglishError;
use super::phrases::Phrases;
use super::word::Word;

/// A thing said, and where.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) what: T,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    pub(super) fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }
}

/// The periods that have a first day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    Month,
    Quarter,
    Year,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    Every,
    /// Bits 0–6, Sunday first.
    Weekdays(u8),
    /// The k-th such days of the week in their month, 0 for the last one; the weekday, Sunday being 0.
    Nth(Vec<u8>, u8),
    /// Days of the month, 0 for the last one.
    Dates(Vec<u8>),
    /// The first or the last day of the month from Monday through Friday.
    FirstWorkday,
    LastWorkday,
    /// Days of months.
    DatesOfYear(Vec<(u8, u8)>),
}

/// A time of the day in seconds, and whether am or pm is beyond doubt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    pub(super) second: u32,
    pub(super) bare: bool,
    pub(super) halved: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exception {
    Weekdays(u8),
    Months(u16),
    Date(NaiveDate),
    DateOfYear(u8, u8),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Sentence {
    /// Every so many units.
    pub(super) frequency: Option<Said<(u32, Unit)>>,
    pub(super) days: Option<Said<Days>>,
    pub(super) period: Option<Said<Period>>,
    pub(super) months: Option<Said<u16>>,
    pub(super) times: Option<Said<Vec<Time>>>,
    pub(super) window: Option<Said<(Time, Time)>>,
    /// So many times a day.
    pub(super) times_a_day: Option<Said<u32>>,
    pub(super) exceptions: Vec<Said<Exception>>,
}

impl Sentence {
    pub(super) fn read(words: &[Word], end: usize) -> Result<Self, EnglishError> {
        let mut phrases = Phrases::new(words, end);
        let mut sentence = Self::default();
        loop {
            phrases.phrase(&mut sentence)?;
            if phrases.is_over() {
                return Ok(sentence);
            }
            // A comma may part two phrases.
            phrases.take(",");
        }
    }
}
