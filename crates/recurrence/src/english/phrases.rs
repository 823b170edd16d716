//! The grammar: reads one phrase after the other, each into its place of the sentence.

mod days;
mod times;

use std::ops::Range;

use super::error::EnglishError;
use super::sentence::{Days, Period, Said, Sentence, Unit};
use super::word::{Word, number, weekday};

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
