//! The words of a sentence and what they stand for by themselves.

use std::ops::Range;

/// A word in small letters, with its place. Commas and hyphens are words.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

pub(super) fn split(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut dated = false;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        // The hyphens of 2026-12-24 stay inside the word.
        let hyphen = character == '-' && !dated;
        if character.is_whitespace() || character == ',' || hyphen {
            if let Some(from) = start.take() {
                words.push(word(text, from..at));
            }
            if !character.is_whitespace() {
                words.push(word(text, at..at + character.len_utf8()));
            }
            dated = false;
        } else if start.is_none() {
            start = Some(at);
            let rest = &text.as_bytes()[at..];
            dated = rest.len() >= 5 && rest[..4].iter().all(u8::is_ascii_digit) && rest[4] == b'-';
        }
    }
    words
}

fn word(text: &str, at: Range<usize>) -> Word {
    Word {
        text: text[at.clone()].to_ascii_lowercase(),
        at,
    }
}

/// Sunday is 0.
pub(super) fn weekday(word: &str) -> Option<u8> {
    const NAMES: [&[&str]; 7] = [
        &["sun", "sunday", "sundays"],
        &["mon", "monday", "mondays"],
        &["tue", "tues", "tuesday", "tuesdays"],
        &["wed", "wednesday", "wednesdays"],
        &["thu", "thur", "thurs", "thursday", "thursdays"],
        &["fri", "friday", "fridays"],
        &["sat", "saturday", "saturdays"],
    ];
    (0..)
        .zip(NAMES)
        .find(|(_, names)| names.contains(&word))
        .map(|(day, _)| day)
}

/// January is 1.
pub(super) fn month(word: &str) -> Option<u8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    (1..)
        .zip(NAMES)
        .find(|(_, name)| *name == word || (word.len() == 3 && name.starts_with(word)))
        .map(|(month, _)| month)
}

/// `first` and `1st` through `31st`, without a wrong ending such as `2st`.
pub(super) fn ordinal(word: &str) -> Option<u8> {
    const NAMES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    if let Some(place) = NAMES.iter().position(|name| *name == word) {
        return Some(place as u8 + 1);
    }
    let day = number(word.get(..word.len().checked_sub(2)?)?)?;
    let ending = match (day % 10, day / 10) {
        (_, 1) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    ((1..=31).contains(&day) && word.ends_with(ending)).then_some(day as u8)
}

/// A whole number in digits, as many as a schedule needs.
pub(super) fn number(word: &str) -> Option<u32> {
    let digits = !word.is_empty() && word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}
