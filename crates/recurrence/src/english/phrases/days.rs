//! The phrases that name days, months and what is left out.

use chrono::NaiveDate;

use super::{Phrases, Read, WEEKEND, WORKDAYS};
use crate::date::WrittenDate;
use crate::english::sentence::{Days, Exception, Period, Said, Sentence};
use crate::english::word::{month, number, ordinal, weekday};

impl Phrases<'_> {
    /// January is bit 1.
    pub(super) fn months(&mut self) -> Read<u16> {
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

    pub(super) fn days(&mut self, start: usize, understood: &str, sentence: &mut Sentence) -> Read<()> {
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
    pub(super) fn weekdays(&mut self) -> Read<Option<u8>> {
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

    pub(super) fn weekday_or_group(&mut self) -> Option<u8> {
        let days = match self.peek() {
            "weekday" | "weekdays" | "workday" | "workdays" => WORKDAYS,
            "weekend" | "weekends" => WEEKEND,
            word => 1 << weekday(word)?,
        };
        self.next += 1;
        Some(days)
    }

    pub(super) fn names_a_date(&self) -> bool {
        let (first, second) = (self.peek(), self.word(1));
        let day = |word: &str| number(word).is_some() || ordinal(word).is_some();
        (day(first) && month(second).is_some()) || (month(first).is_some() && day(second))
    }

    /// `1 january`, `1st january`, `january 1` or `january 1st`.
    pub(super) fn date_of_year(&mut self) -> Read<Option<(u8, u8)>> {
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

    pub(super) fn word_is_a_place(&self) -> bool {
        let word = if self.peek() == "the" {
            self.word(1)
        } else {
            self.peek()
        };
        word == "last" || ordinal(word).is_some()
    }

    /// An ordinal, or 0 for `last`.
    pub(super) fn place(&mut self) -> Option<u8> {
        let place = match self.peek() {
            "last" => 0,
            word => ordinal(word)?,
        };
        self.next += 1;
        Some(place)
    }

    pub(super) fn exceptions(&mut self, sentence: &mut Sentence) -> Read<()> {
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
            } else if let Some(date) = WrittenDate::read(self.peek()) {
                let WrittenDate::Of(date) = date else {
                    return Err(self.refuse(1, "there is no such date"));
                };
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
                let date = WrittenDate::read(ahead.peek()).is_some();
                date || ahead.names_a_date()
                    || month(ahead.peek()).is_some()
                    || ahead.weekday_or_group().is_some()
            };
            if !self.take_and_if(more) {
                return Ok(());
            }
        }
    }
}
