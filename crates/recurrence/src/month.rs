//! Which days of one month match: every day rule comes down to a bit mask of at most 31 days.

use chrono::{Datelike, NaiveDate};

use crate::pattern::{Pattern, Rare};

/// Bits 0, 7, 14, 21, 28 and 35: one weekday through a month that begins on it.
const WEEKLY: u64 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28 | 1 << 35;

/// A month of a year, with what the day rules need to know of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Month {
    length: u32,
    /// The weekday of its first day, Sunday being 0.
    starts_on: u32,
}

impl Month {
    pub(crate) fn new(year: i32, month: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some(Self {
            length: length(year, month),
            starts_on: first.weekday().num_days_from_sunday(),
        })
    }

    /// The days that match, as bits 1–31.
    pub(crate) fn matching(self, pattern: &Pattern) -> u32 {
        let mut by_date = pattern.days_of_month;
        let mut by_weekday = self.weekdays(pattern.days_of_week);
        if let Some(rare) = &pattern.rare {
            by_date |= self.special_dates(rare);
            by_weekday |= self.special_weekdays(rare);
        }
        // Debian's rule: a field that starts with a star narrows the other; two without one add up.
        let days = if pattern.stars.day_of_month || pattern.stars.day_of_week {
            by_date & by_weekday
        } else {
            by_date | by_weekday
        };
        days & self.all()
    }

    /// Bits 1 through the month's length.
    fn all(self) -> u32 {
        (u32::MAX >> (31 - self.length)) & !1
    }

    /// Every day that falls on one of these weekdays.
    fn weekdays(self, weekdays: u8) -> u32 {
        // Rotating the week to the month's first weekday and repeating it gives all days in one
        // multiplication.
        let week = u64::from(weekdays);
        let turned = ((week | week << 7) >> self.starts_on) & 0x7f;
        ((turned * WEEKLY) << 1) as u32
    }

    fn special_dates(self, rare: &Rare) -> u32 {
        let mut days = 0;
        for before in bits(rare.last_days) {
            if before < self.length {
                days |= 1 << (self.length - before);
            }
        }
        if rare.last_weekday {
            days |= 1 << self.nearest_weekday(self.length);
        }
        for day in bits(rare.nearest_weekdays) {
            // The 31st of a month of thirty days does not exist, and neither does the weekday nearest to it.
            if day <= self.length {
                days |= 1 << self.nearest_weekday(day);
            }
        }
        days
    }

    fn special_weekdays(self, rare: &Rare) -> u32 {
        let last_week = self.all() & (u32::MAX << (self.length - 6));
        let mut days = self.weekdays(rare.last_of) & last_week;
        for (week, &weekdays) in (0..).zip(&rare.nth) {
            // 0xfe is days 1–7, which hold every weekday's first occurrence.
            days |= self.weekdays(weekdays) & (0xfeu64 << (7 * week)) as u32;
        }
        days
    }

    /// The day from Monday through Friday nearest to `day`, without leaving the month.
    fn nearest_weekday(self, day: u32) -> u32 {
        match (self.starts_on + day - 1) % 7 {
            6 if day == 1 => 3,
            6 => day - 1,
            0 if day == self.length => day - 2,
            0 => day + 1,
            _ => day,
        }
    }
}

fn length(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn bits(mut set: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(lowest)
    })
}
