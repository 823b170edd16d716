//! A specification in English words.

use crate::daylight::{Gap, Overlap};
use crate::describe;
use crate::exclusion::{Exclusion, date};
use crate::instant::{EPOCH, written};
use crate::source::Source;
use crate::specification::Specification;
use crate::zone::Zone;

/// As many instants are listed one by one.
const MOST_INSTANTS: usize = 3;

impl Specification {
    /// The specification in English words, with the name of its zone unless that is UTC.
    #[must_use]
    pub fn describe(&self) -> String {
        let sources: Vec<String> = self.sources().map(source).collect();
        let mut words = sources.join("; and: ");
        let exclusions: Vec<String> = self.exclusions().iter().map(Exclusion::describe).collect();
        if !exclusions.is_empty() {
            words.push_str(", except ");
            words.push_str(&describe::and(&exclusions));
        }
        if let Some(start) = self.starts_at() {
            words.push_str(&format!(", from {} on", written(start)));
        }
        if let Some(end) = self.ends_at() {
            words.push_str(&format!(", until before {}", written(end)));
        }
        if self.daylight.gap == Gap::Skip {
            words.push_str(", skipping local times that do not exist");
        }
        match self.daylight.overlap {
            Overlap::OnceFirst => {}
            Overlap::OnceLast => words.push_str(", the last time when a local time is repeated"),
            Overlap::Twice => words.push_str(", both times when a local time is repeated"),
        }
        if self.zone != Zone::UTC {
            words.push_str(&format!(" ({})", self.zone));
        }
        words
    }
}

impl Exclusion {
    /// "December 24", as what follows "except" and "excluded by".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Dates { first, last } if first == last => date(*first).to_string(),
            Self::Dates { first, last } => format!("{} through {}", date(*first), date(*last)),
            Self::Weekly(weekly) => format!("{weekly} every week"),
            Self::Cron(_) => format!("what matches {self}"),
        }
    }
}

pub(super) fn source(source: &Source) -> String {
    match source {
        Source::Cron(pattern) => describe::describe(pattern),
        Source::Interval(interval) => {
            let words = format!("Every {}", interval.every.in_words());
            if interval.anchor == EPOCH {
                format!("{words} of real time, counted from {EPOCH}")
            } else {
                format!("{words} from {} on", interval.anchor)
            }
        }
        Source::Instants(instants) => match &**instants {
            [first, .., last] if instants.len() > MOST_INSTANTS => {
                format!("At {} instants from {first} through {last}", instants.len())
            }
            _ => {
                let each: Vec<String> = instants.iter().map(ToString::to_string).collect();
                format!("At {}", describe::and(&each))
            }
        },
    }
}
