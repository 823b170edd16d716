//! The grammar: reads one phrase after the other, each into its place of the sentence.

use std::ops::Range;

use chrono::NaiveDate;

use super::error::EnglishError;
use super::sentence::{Days, Exception, Period, Said, Sentence, Time, Unit};
use super::word::{Word, month, number, ordinal, weekday};
use crate::weekly::time_of_day;

const BEGINNINGS: &str = "understood are every, daily, hourly, monthly, quarterly, yearly, twice a day, a day of the \
                          week, weekdays, weekends, a date, first through fifth and last, on, at, between, from, in \
                          and except";
const AFTER_EVERY: &str = "understood after \"every\" are a number, second, minute, hour, day, weekday, weekend, \
                           month, quarter, year and the days of the week";
const TIMES: &str = "understood is a time of the day such as 9am, 9:30pm, 17:00, noon or midnight";
const DAYS: &str = "understood are the days of the week, weekdays, weekends, dates such as 1 january or the 15th, \
                    and first through fifth and last";
const WEEKEND: u8 = 0b100_0001;
const WORKDAYS: u8 = 0b011_1110;

type Read<T> = Result<T, EnglishError>;

pub(super) struct Phrases<'a> {
    words: &'a [Word],
    next: usize,
    end: usize,
}

impl<'a> Phrases<'a> {
    pub(super) fn new(words: &'a [Word], end: usize) -> Self {
        Self { words, next: 0, end }
    }

    pub(super) fn is_over(&self) -> bool {
        self.next == self.words.len()
    }

    /// Reads one phrase.
    pub(super) fn phrase(&mut self, sentence: &mut Sentence) -> Read<()> {
        let start = self.next;
        match self.peek() {
            "every" | "each" => {
                self.next += 1;
                self.every(start, sentence)
            }
            "hourly" => {
                self.next += 1;
                self.set(&mut sentence.frequency, start, (1, Unit::Hour))
            }
            "daily" => {
                self.next += 1;
                self.set(&mut sentence.days, start, Days::Every)
            }
            "weekly" => Err(self.refuse(1, "it does not say on which day; write for example every monday")),
            word @ ("monthly" | "quarterly" | "yearly" | "annually") => {
                let period = match word {
                    "monthly" => Period::Month,
                    "quarterly" => Period::Quarter,
                    _ => Period::Year,
                };
                self.next += 1;
                self.set(&mut sentence.period, start, period)
            }
            "once" | "twice" => self.times_a_day(start, sentence),
            word if number(word).is_some() && self.word(1) == "times" => self.times_a_day(start, sentence),
            "at" => {
                self.next += 1;
                let times = self.times()?;
                self.set(&mut sentence.times, start, times)
            }
            "between" => {
                self.next += 1;
                self.window(start, &["and"], sentence)
            }
            "from" => {
                self.next += 1;
                self.window(start, &["to", "until", "through", "-"], sentence)
            }
            "in" => {
                self.next += 1;
                let months = self.months()?;
                self.set(&mut sentence.months, start, months)
            }
            "except" => {
                self.next += 1;
                self.exceptions(sentence)
            }
            "on" => {
                self.next += 1;
                self.days(start, DAYS, sentence)
            }
            // A list ends before what does not belong to it, and that is the word to point at.
            "and" if !self.word(1).is_empty() => {
                self.next += 1;
                Err(self.refuse(1, "it does not belong to the list before it"))
            }
            _ => self.days(start, BEGINNINGS, sentence),
        }
    }

    /// What follows "every".
    fn every(&mut self, start: usize, sentence: &mut Sentence) -> Read<()> {
        if self.peek() == "other" {
            return Err(self.refuse(
                1,
                "every other one needs a first one to count from; write an interval such as \
                 every 14d from 2026-01-06T09:00:00Z, or instants",
            ));
        }
        let count = number(self.peek());
        if count.is_some() {
            self.next += 1;
        }
        let unit = match self.peek() {
            "second" if count.is_none() && self.names_a_day(1) => None,
            "second" | "seconds" => Some(Unit::Second),
            "minute" | "minutes" => Some(Unit::Minute),
            "hour" | "hours" => Some(Unit::Hour),
            _ => None,
        };
        if let Some(unit) = unit {
            let many = count.unwrap_or(1);
            if many == 0 {
                self.next -= 1;
                return Err(self.refuse(1, "an interval is at least 1"));
            }
            self.next += 1;
            return self.set(&mut sentence.frequency, start, (many, unit));
        }
        if let Some(count) = count {
            return Err(match self.peek() {
                "day" | "days" | "week" | "weeks" | "month" | "months" | "year" | "years" if count == 1 => {
                    self.refuse(1, "write it without the number")
                }
                "day" | "days" | "week" | "weeks" | "month" | "months" | "year" | "years" => self.refuse(
                    1,
                    "so many of these need a first one to count from; write an interval such as \
                     every 14d from 2026-01-06T09:00:00Z, or name the days or months",
                ),
                _ => self.refuse(1, "understood after a number are seconds, minutes and hours"),
            });
        }
        let period = match self.peek() {
            "day" => {
                self.next += 1;
                return self.set(&mut sentence.days, start, Days::Every);
            }
            "week" => {
                return Err(self.refuse(1, "it does not say on which day; write for example every monday"));
            }
            "month" => Period::Month,
            "quarter" => Period::Quarter,
            "year" => Period::Year,
            _ => return self.days(start, AFTER_EVERY, sentence),
        };
        self.next += 1;
        self.set(&mut sentence.period, start, period)
    }

    fn names_a_day(&self, ahead: usize) -> bool {
        let word = self.word(ahead);
        weekday(word).is_some() || ["day", "weekday", "workday", ",", "and"].contains(&word)
    }

    fn times_a_day(&mut self, start: usize, sentence: &mut Sentence) -> Read<()> {
        let count = match self.peek() {
            "once" => 1,
            "twice" => 2,
            _ => number(self.peek()).unwrap_or(0),
        };
        self.next += 1;
        self.take("times");
        if !self.take("a") && !self.take("per") {
            return Err(self.refuse(1, "understood is a day"));
        }
        if !self.take("day") {
            return Err(self.refuse(1, "understood is day"));
        }
        self.set(&mut sentence.times_a_day, start, count)
    }

    fn times(&mut self) -> Read<Vec<Time>> {
        let start = self.next;
        let mut times = vec![self.time()?];
        while self.take_and_if(|phrases| phrases.names_a_time()) {
            times.push(self.time()?);
        }
        let bare = times.iter().any(|time| time.bare);
        if bare && times.iter().any(|time| time.halved) {
            return Err(self.error(
                start..self.next,
                "is that am or pm? write it at each time, or use 24 hours",
            ));
        }
        Ok(times)
    }

    /// After "and": what looks like a time belongs to the list, whether or not it is one.
    fn names_a_time(&self) -> bool {
        let word = self.peek();
        let date = number(word).is_some() && month(self.word(1)).is_some();
        let digit = word.starts_with(|first: char| first.is_ascii_digit());
        (digit && !date && ordinal(word).is_none()) || word == "noon" || word == "midnight"
    }

    fn time(&mut self) -> Read<Time> {
        let word = self.peek();
        let start = self.next;
        let plain = |second| Time {
            second,
            bare: false,
            halved: false,
        };
        match word {
            "noon" => {
                self.next += 1;
                return Ok(plain(12 * 3600));
            }
            "midnight" => {
                self.next += 1;
                return Ok(plain(0));
            }
            _ => {}
        }
        let (digits, mut half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
            (Some(digits), _) => (digits, Some(0)),
            (_, Some(digits)) => (digits, Some(12)),
            _ => (word, None),
        };
        let (clock, bare) = if digits.contains(':') {
            (time_of_day(digits), false)
        } else {
            let hour = number(digits).filter(|_| digits.len() <= 2);
            (
                hour.and_then(|hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0)),
                true,
            )
        };
        let Some(clock) = clock else {
            return Err(self.refuse(1, TIMES));
        };
        self.next += 1;
        if half.is_none() {
            half = match self.peek() {
                "am" => Some(0),
                "pm" => Some(12),
                _ => None,
            };
            self.next += usize::from(half.is_some());
        }
        let second = chrono::Timelike::num_seconds_from_midnight(&clock);
        match half {
            None => Ok(Time {
                second,
                bare,
                halved: false,
            }),
            Some(_) if !(3600..13 * 3600).contains(&second) => Err(self.error(
                start..self.next,
                "with am and pm, hours are 1 through 12; understood is also 17:00",
            )),
            Some(half) => Ok(Time {
                second: second % (12 * 3600) + half * 3600,
                bare: false,
                halved: true,
            }),
        }
    }

    fn window(&mut self, start: usize, links: &[&str], sentence: &mut Sentence) -> Read<()> {
        let first = self.time()?;
        if !links.iter().any(|link| self.take(link)) {
            return Err(self.refuse(1, &format!("understood is {}", links.join(", "))));
        }
        let last = self.time()?;
        let doubtful = (first.bare && last.halved)
            || (first.halved && last.bare)
            || (last.second <= first.second && (first.bare || last.bare));
        if doubtful {
            return Err(self.error(
                start..self.next,
                "is that am or pm? write it at each time, or use 24 hours",
            ));
        }
        if first.second == last.second {
            return Err(self.error(start..self.next, "the two times must be different"));
        }
        self.set(&mut sentence.window, start, (first, last))
    }

    /// January is bit 1.
    fn months(&mut self) -> Read<u16> {
        let mut months = 0;
        loop {
            let Some(first) = month(self.peek()) else {
                return Err(self.refuse(1, "understood are the months, january through december"));
            };
            self.next += 1;
            let mut last = first;
            if self.take("to") || self.take("through") || self.take("-") {
                let Some(named) = month(self.peek()) else {
                    return Err(self.refuse(1, "understood are the months, january through december"));
                };
                self.next += 1;
                last = named;
            }
            let mut at = first;
            months |= 1 << at;
            while at != last {
                at = at % 12 + 1;
                months |= 1 << at;
            }
            if !self.take_and_if(|phrases| month(phrases.peek()).is_some()) {
                return Ok(months);
            }
        }
    }

    fn days(&mut self, start: usize, understood: &str, sentence: &mut Sentence) -> Read<()> {
        self.take("the");
        if let Some(weekdays) = self.weekdays()? {
            return self.set(&mut sentence.days, start, Days::Weekdays(weekdays));
        }
        if let Some(date) = self.date_of_year()? {
            let mut dates = vec![date];
            while self.take_and_if(|phrases| phrases.names_a_date()) {
                dates.extend(self.date_of_year()?);
            }
            return self.set(&mut sentence.days, start, Days::DatesOfYear(dates));
        }
        let Some(first) = self.place() else {
            return Err(self.refuse(1, understood));
        };
        let mut places = vec![first];
        while self.take_and_if(|phrases| phrases.word_is_a_place()) {
            self.take("the");
            places.extend(self.place());
        }
        let plain = |place: &u8| *place != 0;
        let named = self.words[self.next - 1]
            .text
            .ends_with(|last: char| last.is_ascii_alphabetic())
            && self.words[self.next - 1]
                .text
                .chars()
                .all(|c| c.is_ascii_alphabetic());
        let days = match self.peek() {
            "day" | "days" => {
                self.next += 1;
                Days::Dates(places)
            }
            "weekday" | "workday" => {
                let days = match places.as_slice() {
                    [1] => Days::FirstWorkday,
                    [0] => Days::LastWorkday,
                    _ => return Err(self.refuse(1, "understood are the first and the last weekday")),
                };
                self.next += 1;
                days
            }
            word => match weekday(word) {
                Some(_) if places.iter().any(|place| *place > 5) => {
                    return Err(self.refuse(1, "a month has at most five of them"));
                }
                Some(day) => {
                    self.next += 1;
                    Days::Nth(places, day)
                }
                // "the 15th", but not "the last" or "the first".
                None if places.iter().all(plain) && !named => Days::Dates(places),
                None => return Err(self.refuse(1, "understood are day, weekday and the days of the week")),
            },
        };
        self.set(&mut sentence.days, start, days)?;
        if self.take("of") {
            let start = self.next;
            if month(self.peek()).is_some() {
                let months = self.months()?;
                return self.set(&mut sentence.months, start, months);
            }
            if !self.take("every") && !self.take("each") && !self.take("the") {
                return Err(self.refuse(
                    1,
                    "understood are every month, the month, every quarter and the months",
                ));
            }
            let period = match self.peek() {
                "month" => Period::Month,
                "quarter" => Period::Quarter,
                "year" => Period::Year,
                _ => return Err(self.refuse(1, "understood are month, quarter and year")),
            };
            self.next += 1;
            return self.set(&mut sentence.period, start, period);
        }
        Ok(())
    }

    /// A list of weekdays and ranges of them, as bits, Sunday being bit 0.
    fn weekdays(&mut self) -> Read<Option<u8>> {
        let mut days = 0;
        while let Some(group) = self.weekday_or_group() {
            days |= group;
            if group.count_ones() == 1 && (self.take("to") || self.take("through") || self.take("-")) {
                let Some(last) = weekday(self.peek()) else {
                    return Err(self.refuse(1, "understood are the days of the week"));
                };
                self.next += 1;
                let mut day = group.trailing_zeros() as u8;
                while day != last {
                    day = (day + 1) % 7;
                    days |= 1 << day;
                }
            }
            if !self.take_and_if(|phrases| phrases.clone_at().weekday_or_group().is_some()) {
                break;
            }
        }
        Ok((days != 0).then_some(days))
    }

    fn weekday_or_group(&mut self) -> Option<u8> {
        let days = match self.peek() {
            "weekday" | "weekdays" | "workday" | "workdays" => WORKDAYS,
            "weekend" | "weekends" => WEEKEND,
            word => 1 << weekday(word)?,
        };
        self.next += 1;
        Some(days)
    }

    fn names_a_date(&self) -> bool {
        let (first, second) = (self.peek(), self.word(1));
        let day = |word: &str| number(word).is_some() || ordinal(word).is_some();
        (day(first) && month(second).is_some()) || (month(first).is_some() && day(second))
    }

    /// `1 january`, `1st january`, `january 1` or `january 1st`.
    fn date_of_year(&mut self) -> Read<Option<(u8, u8)>> {
        if !self.names_a_date() {
            return Ok(None);
        }
        let (first, second) = (self.peek(), self.word(1));
        let (day, month) = match (month(first), month(second)) {
            (Some(month), _) => (second, month),
            (None, month) => (first, month.unwrap_or(1)),
        };
        let day = ordinal(day).map(u32::from).or_else(|| number(day)).unwrap_or(0);
        // The year 2000 has a February 29.
        if NaiveDate::from_ymd_opt(2000, month.into(), day).is_none() {
            return Err(self.refuse(2, "there is no such date"));
        }
        self.next += 2;
        Ok(Some((day as u8, month)))
    }

    fn word_is_a_place(&self) -> bool {
        let word = if self.peek() == "the" {
            self.word(1)
        } else {
            self.peek()
        };
        word == "last" || ordinal(word).is_some()
    }

    /// An ordinal, or 0 for `last`.
    fn place(&mut self) -> Option<u8> {
        let place = match self.peek() {
            "last" => 0,
            word => ordinal(word)?,
        };
        self.next += 1;
        Some(place)
    }

    fn exceptions(&mut self, sentence: &mut Sentence) -> Read<()> {
        loop {
            let start = self.next;
            if !self.take("on") {
                self.take("in");
            }
            let exception = if let Some(days) = self.weekdays()? {
                Exception::Weekdays(days)
            } else if let Some((day, month)) = self.date_of_year()? {
                Exception::DateOfYear(day, month)
            } else if month(self.peek()).is_some() {
                Exception::Months(self.months()?)
            } else if let Some(date) = self
                .peek()
                .parse::<NaiveDate>()
                .ok()
                .filter(|_| self.peek().len() == 10)
            {
                self.next += 1;
                Exception::Date(date)
            } else {
                return Err(self.refuse(
                    1,
                    "understood after \"except\" are the days of the week, weekdays, weekends, months, and dates \
                     such as 25 december or 2026-12-25",
                ));
            };
            let at = self.range(start..self.next);
            sentence.exceptions.push(Said { what: exception, at });
            let more = |phrases: &Self| {
                let mut ahead = phrases.clone_at();
                if !ahead.take("on") {
                    ahead.take("in");
                }
                let date = ahead.peek().parse::<NaiveDate>().is_ok();
                date || ahead.names_a_date()
                    || month(ahead.peek()).is_some()
                    || ahead.weekday_or_group().is_some()
            };
            if !self.take_and_if(more) {
                return Ok(());
            }
        }
    }

    fn clone_at(&self) -> Self {
        Self { ..*self }
    }

    fn set<T>(&self, place: &mut Option<Said<T>>, start: usize, what: T) -> Read<()> {
        let at = self.range(start..self.next);
        if place.is_some() {
            return Err(self.error(start..self.next, "the sentence says such a thing twice"));
        }
        *place = Some(Said { what, at });
        Ok(())
    }

    /// Takes a comma, an "and" or both, if what follows belongs to the list.
    fn take_and_if(&mut self, belongs: impl Fn(&Self) -> bool) -> bool {
        let start = self.next;
        let comma = self.take(",");
        let and = self.take("and");
        if (comma || and) && belongs(self) {
            return true;
        }
        self.next = start;
        false
    }

    pub(super) fn take(&mut self, word: &str) -> bool {
        let taken = self.peek() == word && !word.is_empty();
        self.next += usize::from(taken);
        taken
    }

    fn peek(&self) -> &'a str {
        self.word(0)
    }

    fn word(&self, ahead: usize) -> &'a str {
        self.words.get(self.next + ahead).map_or("", |word| &word.text)
    }

    fn range(&self, words: Range<usize>) -> Range<usize> {
        let words = &self.words[words.start.min(self.words.len())..words.end.min(self.words.len())];
        match words {
            [] => self.end..self.end,
            [first, .., last] => first.at.start..last.at.end,
            [only] => only.at.clone(),
        }
    }

    /// Refuses the next words.
    fn refuse(&self, count: usize, reason: &str) -> EnglishError {
        self.error(self.next..self.next + count, reason)
    }

    fn error(&self, words: Range<usize>, reason: &str) -> EnglishError {
        let said = &self.words[words.start.min(self.words.len())..words.end.min(self.words.len())];
        let texts: Vec<&str> = said.iter().map(|word| word.text.as_str()).collect();
        EnglishError {
            at: self.range(words),
            text: crate::item::clipped(&texts.join(" ")),
            reason: reason.to_owned(),
            source: None,
        }
    }
}
