//! The phrases that name times of the day.

use super::{Phrases, Read, TIMES};
use crate::english::sentence::{Sentence, Time};
use crate::english::word::{month, number, ordinal};
use crate::weekly::time_of_day;

impl Phrases<'_> {
    pub(super) fn times_a_day(&mut self, start: usize, sentence: &mut Sentence) -> Read<()> {
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

    pub(super) fn times(&mut self) -> Read<Vec<Time>> {
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
    pub(super) fn names_a_time(&self) -> bool {
        let word = self.peek();
        let date = number(word).is_some() && month(self.word(1)).is_some();
        let digit = word.starts_with(|first: char| first.is_ascii_digit());
        (digit && !date && ordinal(word).is_none()) || word == "noon" || word == "midnight"
    }

    pub(super) fn time(&mut self) -> Read<Time> {
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

    pub(super) fn window(&mut self, start: usize, links: &[&str], sentence: &mut Sentence) -> Read<()> {
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
}
