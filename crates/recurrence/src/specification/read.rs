//! From what a person writes, in the canonical form or in plain English, to the specification.

use std::ops::Range;

use thiserror::Error;

use crate::english::{self, EnglishError};
use crate::error::CronError;
use crate::specification::Specification;
use crate::specification::error::{Part, Reason, SpecificationError};
use crate::zone::Zone;

/// Why a text is no specification, as its writer most likely meant it: the error of one of the two forms.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The whole text is one cron expression, so there is no part that would have to be named.
    #[error(transparent)]
    Cron(CronError),
    /// A text of the canonical form; the error names the part.
    #[error(transparent)]
    Canonical(SpecificationError),
    /// A sentence; the error points at the word.
    #[error(transparent)]
    English(EnglishError),
}

impl ReadError {
    /// The bytes of the text that are at fault, if they are known.
    #[must_use]
    pub fn at(&self) -> Option<Range<usize>> {
        match self {
            Self::Cron(_) => None,
            Self::Canonical(error) => error.at.clone(),
            Self::English(error) => Some(error.at.clone()),
        }
    }
}

impl Specification {
    /// Reads what a person wrote: the canonical form, or else a sentence in [plain English](english).
    ///
    /// No text has a meaning in both. What is stored is the canonical text of the result, from
    /// [`Display`](std::fmt::Display), whose meaning no later grammar changes.
    ///
    /// # Errors
    ///
    /// [`ReadError`] is that of the form which the text begins like.
    ///
    /// ```
    /// use ratchet_recurrence::{Specification, Zone};
    ///
    /// let sentence = Specification::read("every weekday at 9am", Zone::UTC)?;
    /// assert_eq!(sentence, Specification::read("0 9 * * mon-fri", Zone::UTC)?);
    ///
    /// let refused = Specification::read("every 0s", Zone::UTC).unwrap_err();
    /// assert!(refused.to_string().contains("allowed is 1s to 3650d"));
    /// # Ok::<(), ratchet_recurrence::ReadError>(())
    /// ```
    pub fn read(text: &str, zone: Zone) -> Result<Self, ReadError> {
        let canonical = match Self::parse(text, zone) {
            Ok(specification) => return Ok(specification),
            Err(error) => error,
        };
        let sentence = match english::parse(text, zone) {
            Ok(specification) => return Ok(specification),
            Err(error) => error,
        };
        if !begins_canonically(text) {
            return Err(ReadError::English(sentence));
        }
        Err(match canonical {
            SpecificationError {
                part: Part::Cron,
                reason: Reason::Cron(error),
                ..
            } if !text.contains(';') => ReadError::Cron(*error),
            error => ReadError::Canonical(error),
        })
    }
}

/// Whether a text that is right in neither form was most likely meant in the canonical one.
fn begins_canonically(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let mut words = text.split_whitespace();
    let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    if text.contains([';', '*', '@']) {
        return true;
    }
    match first {
        "" | "starting" | "ending" | "gap" | "overlap" => true,
        "every" => like_a_duration(second),
        "at" => like_a_date(second),
        "except" => second == "cron" || like_a_date(second),
        // An expression begins with numbers, a sentence with "9am", "15th" or "1 january".
        _ => {
            !first.contains(|letter: char| letter.is_alphabetic() || letter == ':') && !starts_a_word(second)
        }
    }
}

/// `0s`, `-5m`, `1.5h`, `500ms` and `1w`, but neither the number of `15 minutes` nor `1st` or `9am`.
fn like_a_duration(word: &str) -> bool {
    let unsigned = word.trim_start_matches(['-', '+']);
    let unit = unsigned.trim_start_matches(|digit: char| digit.is_ascii_digit() || digit == '.');
    let number = &unsigned[..unsigned.len() - unit.len()];
    let ordinal = ["st", "nd", "rd", "th"].contains(&unit);
    let has_unit = unit.starts_with(['d', 'h', 'm', 's', 'w', 'y', 'n', 'u', 'µ']) && !ordinal;
    !number.is_empty() && (has_unit || unsigned.len() < word.len() || number.contains('.'))
}

/// `2026-12-24` and what is longer.
fn like_a_date(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && word[digits..].starts_with('-')
}

fn starts_a_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}
