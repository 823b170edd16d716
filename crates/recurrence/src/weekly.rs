//! Hours of the week, such as `fri 18:00-mon 06:00`: local time, the start included, the end not.

use std::fmt;

use chrono::{NaiveTime, Timelike, Weekday};

use crate::field::Field;
use crate::pattern::DAY;

const WEEK: i64 = 7 * DAY;
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// What is allowed, for messages.
pub(crate) const ALLOWED: &str =
    "two different times of the week, as in fri 18:00-mon 06:00, with days mon-sun and times 00:00-23:59";

/// From one time of the week until another, the first included, the last not. It may go round Sunday's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Weekly {
    /// Seconds since Monday 00:00.
    from: i64,
    until: i64,
}

impl Weekly {
    pub(crate) fn new(from: (Weekday, NaiveTime), until: (Weekday, NaiveTime)) -> Option<Self> {
        let second = |(day, time): (Weekday, NaiveTime)| {
            let whole = time.nanosecond() == 0;
            whole.then(|| {
                i64::from(day.num_days_from_monday()) * DAY + i64::from(time.num_seconds_from_midnight())
            })
        };
        let (from, until) = (second(from)?, second(until)?);
        (from != until).then_some(Self { from, until })
    }

    /// `fri 18:00-mon 06:00`, with spaces around the hyphen or without.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        Self::new(point(from)?, point(until)?)
    }

    pub(crate) fn contains(self, local: i64) -> bool {
        let second = second_of_week(local);
        if self.from < self.until {
            (self.from..self.until).contains(&second)
        } else {
            second >= self.from || second < self.until
        }
    }

    /// The first end that is later than this local time.
    pub(crate) fn next_end(self, local: i64) -> i64 {
        next(self.until, local)
    }

    /// The first start that is later than this local time.
    pub(crate) fn next_start(self, local: i64) -> i64 {
        next(self.from, local)
    }
}

fn next(second: i64, local: i64) -> i64 {
    local + (second - second_of_week(local) - 1).rem_euclid(WEEK) + 1
}

fn second_of_week(local: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (local + 3 * DAY).rem_euclid(WEEK)
}

fn point(text: &str) -> Option<(Weekday, NaiveTime)> {
    let mut words = text.split_whitespace();
    let (day, time) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let day = Field::DayOfWeek.named(day)?;
    // Sunday is 0 in the field and 6 here.
    let day = Weekday::try_from(((day + 6) % 7) as u8).ok()?;
    Some((day, time_of_day(time)?))
}

/// `9:00`, `09:00` or `09:00:30`, and nothing else that chrono would take.
pub(crate) fn time_of_day(text: &str) -> Option<NaiveTime> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str, widths: std::ops::RangeInclusive<usize>| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits && widths.contains(&text.len()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    match parts.as_slice() {
        [hour, minute] => NaiveTime::from_hms_opt(number(hour, 1..=2)?, number(minute, 2..=2)?, 0),
        [hour, minute, second] => NaiveTime::from_hms_opt(
            number(hour, 1..=2)?,
            number(minute, 2..=2)?,
            number(second, 2..=2)?,
        ),
        _ => None,
    }
}

impl fmt::Display for Weekly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = |f: &mut fmt::Formatter<'_>, second: i64| {
            let (day, time) = (second / DAY, second % DAY);
            let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
            write!(f, "{} {hour:02}:{minute:02}", NAMES[day as usize])?;
            if second > 0 {
                write!(f, ":{second:02}")?;
            }
            Ok(())
        };
        point(f, self.from)?;
        f.write_str("-")?;
        point(f, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_of_the_week_are_read_in_any_spacing_and_go_round_sunday() {
        for text in [
            "fri 18:00-mon 06:00",
            "FRI 18:00 - Mon 6:00",
            "fri  18:00 -mon 06:00:00",
        ] {
            assert_eq!(Weekly::parse(text).unwrap().to_string(), "fri 18:00-mon 06:00");
        }
        for wrong in [
            "fri 18:00",
            "fri-mon",
            "fri 18:00-fri 18:00",
            "fri 24:00-mon 06:00",
            "fri 18-mon 06",
            "friday 18:00-mon 06:00",
            "fri 18:00-mon 06:00-tue 07:00",
            "fri +8:00-mon 06:00",
        ] {
            assert_eq!(Weekly::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_start_is_inside_and_the_end_is_outside() {
        let weekend = Weekly::parse("fri 18:00-mon 06:00").unwrap();
        let friday = DAY + 18 * 3600;
        let monday = 4 * DAY + 6 * 3600;
        assert!(weekend.contains(friday) && !weekend.contains(friday - 1));
        assert!(weekend.contains(monday - 1) && !weekend.contains(monday));
        assert_eq!(weekend.next_end(friday), monday);
        assert_eq!(weekend.next_end(monday), monday + WEEK);
        assert_eq!(weekend.next_start(monday), friday + WEEK);
    }
}
