//! A parsed expression: which local times match, with no zone in sight.
//!
//! Local times are counted in seconds since 1970-01-01T00:00:00 on the wall, as if every day had 24 hours.
//! The calendar ends with the year 9999, so every search does too.

use chrono::{Datelike, NaiveDate};

use crate::daylight::DaylightPolicy;
use crate::month::Month;

pub(crate) const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00.
pub(crate) const FIRST: i64 = -719_162 * DAY;
/// 10000-01-01T00:00:00, which no longer matches.
pub(crate) const END: i64 = 2_932_897 * DAY;
/// The set of all seconds, or all minutes.
pub(crate) const SIXTY: u64 = (1 << 60) - 1;
const LAST_YEAR: i32 = 9999;
/// Dates and weekdays together repeat after so many years.
const CYCLE: i32 = 400;

/// Bit sets, one bit a value; the common expression needs no heap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Pattern {
    pub(crate) seconds: u64,
    pub(crate) minutes: u64,
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) hours: u32,
    /// Bits 1–31.
    pub(crate) days_of_month: u32,
    /// Bits 1–12.
    pub(crate) months: u16,
    /// Bits 0–6, Sunday first.
    pub(crate) days_of_week: u8,
    pub(crate) stars: Stars,
}

/// Which of the fields begin with a star, where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stars {
    pub(crate) minute: bool,
    pub(crate) hour: bool,
    pub(crate) day_of_month: bool,
    pub(crate) day_of_week: bool,
}

/// What few expressions use.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rare {
    pub(crate) years: Years,
    /// Bit n: n days before the month's last.
    pub(crate) last_days: u32,
    /// Bits 1–31: the weekday nearest to that day.
    pub(crate) nearest_weekdays: u32,
    pub(crate) last_weekday: bool,
    /// Bits 0–6: the month's last such weekday.
    pub(crate) last_of: u8,
    /// Bits 0–6 in place k-1: the month's k-th such weekday.
    pub(crate) nth: [u8; 5],
}

/// A set of years from 1970 through 2099. The empty set stands for every year there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Years([u64; 3]);

impl Years {
    const BASE: u16 = 1970;
    const COUNT: u16 = 130;

    pub(crate) fn insert(&mut self, year: u16) {
        let index = usize::from(year - Self::BASE);
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.values().count() == usize::from(Self::COUNT)
    }

    pub(crate) fn is_every(&self) -> bool {
        self.0 == [0; 3]
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = u16> {
        (0..Self::COUNT)
            .filter(|index| self.0[usize::from(index / 64)] >> (index % 64) & 1 == 1)
            .map(|index| Self::BASE + index)
    }

    fn at_or_after(&self, year: i32) -> Option<i32> {
        if self.is_every() {
            return Some(year);
        }
        self.values().map(i32::from).find(|&candidate| candidate >= year)
    }
}

impl Pattern {
    /// The first matching local time that is not before `local`.
    pub(crate) fn at_or_after(&self, local: i64) -> Option<i64> {
        let local = local.max(FIRST);
        if local >= END {
            return None;
        }
        let today = local.div_euclid(DAY);
        if let Some(time) = self.time_at_or_after(local.rem_euclid(DAY) as u32) {
            let day = self.day_at_or_after(today)?;
            let time = if day == today { time } else { self.first_time() };
            return Some(day * DAY + i64::from(time));
        }
        let day = self.day_at_or_after(today + 1)?;
        Some(day * DAY + i64::from(self.first_time()))
    }

    /// How many local times later than `after` match, up to and including `until`. It looks at each day between.
    pub(crate) fn count_between(&self, after: i64, until: i64) -> u64 {
        let (first, last) = ((after + 1).max(FIRST), until.min(END - 1));
        if first > last {
            return 0;
        }
        let (first_day, last_day) = (first.div_euclid(DAY), last.div_euclid(DAY));
        let mut count = 0;
        let mut day = self.day_at_or_after(first_day);
        while let Some(matching) = day.filter(|day| *day <= last_day) {
            if matching == last_day {
                count += self.times_before(last.rem_euclid(DAY) as u32 + 1);
            } else {
                count += self.times_before(DAY as u32);
            }
            if matching == first_day {
                count -= self.times_before(first.rem_euclid(DAY) as u32);
            }
            day = self.day_at_or_after(matching + 1);
        }
        count
    }

    /// Whether this local time matches.
    pub(crate) fn matches(&self, local: i64) -> bool {
        self.at_or_after(local) == Some(local)
    }

    /// The end of a stretch of matching local times that begins with `local`, which matches. It is not always the
    /// farthest: a stretch of more than a month is cut.
    pub(crate) fn unmatched_after(&self, local: i64) -> i64 {
        const LONGEST: i64 = 31 * DAY;
        // How far a match reaches by itself: to the end of the second, the minute, the hour or the day.
        let reach = match (
            self.seconds == SIXTY,
            self.minutes == SIXTY,
            self.hours == (1 << 24) - 1,
        ) {
            (false, _, _) => 1,
            (true, false, _) => 60,
            (true, true, false) => 3600,
            (true, true, true) => DAY,
        };
        let mut end = local;
        while end < local + LONGEST && self.matches(end) {
            end = (end.div_euclid(reach) + 1) * reach;
        }
        end
    }

    /// The seconds of a matching day that match, in ascending order.
    pub(crate) fn times_of_day(&self) -> impl Iterator<Item = i64> {
        (0..24)
            .filter(|hour| contains(self.hours.into(), *hour))
            .flat_map(move |hour| (0..60).map(move |minute| hour * 60 + minute))
            .filter(|minute| contains(self.minutes, minute % 60))
            .flat_map(|minute| (0..60).map(move |second| minute * 60 + second))
            .filter(|second| contains(self.seconds, second % 60))
            .map(i64::from)
    }

    /// What changes of the clock do to this pattern. It is Debian's distinction, which looks only at the first
    /// character of two fields.
    pub(crate) fn policy(&self, chosen: DaylightPolicy) -> DaylightPolicy {
        if self.stars.minute || self.stars.hour {
            DaylightPolicy::REAL_TIME
        } else {
            chosen
        }
    }

    /// Whether any date of the calendar matches.
    pub(crate) fn ever_matches(&self) -> bool {
        let every_year = self.rare.as_ref().is_none_or(|rare| rare.years.is_every());
        // Without years, one cycle decides, and its place is chosen so that the search ends with it.
        let from = if every_year {
            LAST_YEAR - CYCLE + 1
        } else {
            i32::from(Years::BASE)
        };
        NaiveDate::from_ymd_opt(from, 1, 1)
            .and_then(|first| self.day_at_or_after(first.to_epoch_days().into()))
            .is_some()
    }

    /// The rare part, if it names days of the week.
    pub(crate) fn rare_weekdays(&self) -> Option<&Rare> {
        self.rare
            .as_deref()
            .filter(|rare| rare.last_of != 0 || rare.nth != [0; 5])
    }

    /// The rare part, if it names days of the month.
    pub(crate) fn rare_dates(&self) -> Option<&Rare> {
        self.rare
            .as_deref()
            .filter(|rare| rare.last_days != 0 || rare.nearest_weekdays != 0 || rare.last_weekday)
    }

    /// Days are counted from 1970-01-01.
    fn day_at_or_after(&self, day: i64) -> Option<i64> {
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        let (mut year, mut month, mut from) = (date.year(), date.month(), date.day());
        loop {
            let allowed = self
                .year_at_or_after(year)
                .filter(|&allowed| allowed <= LAST_YEAR)?;
            if allowed != year {
                (year, month, from) = (allowed, 1, 1);
            }
            let months_left = u32::from(self.months) >> month;
            if months_left == 0 {
                (year, month, from) = (year + 1, 1, 1);
                continue;
            }
            let skipped = months_left.trailing_zeros();
            if skipped > 0 {
                (month, from) = (month + skipped, 1);
            }
            let days = Month::new(year, month)?.matching(self) & (u32::MAX << from);
            if days != 0 {
                let found = NaiveDate::from_ymd_opt(year, month, days.trailing_zeros())?;
                return Some(found.to_epoch_days().into());
            }
            (month, from) = (month + 1, 1);
        }
    }

    fn year_at_or_after(&self, year: i32) -> Option<i32> {
        match &self.rare {
            Some(rare) => rare.years.at_or_after(year),
            None => Some(year),
        }
    }

    /// The first matching second of the day that is not before `time`.
    fn time_at_or_after(&self, time: u32) -> Option<u32> {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let next_hour = lowest(u64::from(self.hours), hour)?;
        if next_hour > hour {
            return Some(next_hour * 3600 + self.first_minute_and_second());
        }
        if let Some(next_minute) = lowest(self.minutes, minute) {
            if next_minute > minute {
                return Some(hour * 3600 + next_minute * 60 + self.seconds.trailing_zeros());
            }
            if let Some(next_second) = lowest(self.seconds, second) {
                return Some(hour * 3600 + minute * 60 + next_second);
            }
            if let Some(next_minute) = lowest(self.minutes, minute + 1) {
                return Some(hour * 3600 + next_minute * 60 + self.seconds.trailing_zeros());
            }
        }
        let next_hour = lowest(u64::from(self.hours), hour + 1)?;
        Some(next_hour * 3600 + self.first_minute_and_second())
    }

    /// How many seconds of a matching day match before `time`, which may be the day's end.
    fn times_before(&self, time: u32) -> u64 {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
        let hours = u64::from(self.hours);
        let (a_minute, minutes) = (members(self.seconds), members(self.minutes));
        let mut count = members(below(hours, hour)) * minutes * a_minute;
        if contains(hours, hour) {
            count += members(below(self.minutes, minute)) * a_minute;
            if contains(self.minutes, minute) {
                count += members(below(self.seconds, second));
            }
        }
        count
    }

    fn first_time(&self) -> u32 {
        self.hours.trailing_zeros() * 3600 + self.first_minute_and_second()
    }

    fn first_minute_and_second(&self) -> u32 {
        self.minutes.trailing_zeros() * 60 + self.seconds.trailing_zeros()
    }
}

/// The lowest member of a set that is not below `from`, which is at most 60.
fn lowest(set: u64, from: u32) -> Option<u32> {
    let left = set & (u64::MAX << from);
    (left != 0).then(|| left.trailing_zeros())
}

/// The members of a set that are lower than `end`, which is at most 60.
fn below(set: u64, end: u32) -> u64 {
    set & !(u64::MAX << end)
}

fn contains(set: u64, value: u32) -> bool {
    set >> value & 1 == 1
}

fn members(set: u64) -> u64 {
    set.count_ones().into()
}
