use std::ops::Range;

use thiserror::Error;

use crate::specification::error::SpecificationError;

/// Why a sentence was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", message(at, text, reason))]
pub struct EnglishError {
    /// The bytes of the offending words; empty, at the sentence's end, if words are missing.
    pub at: Range<usize>,
    /// The offending words.
    pub text: String,
    /// Why, and what is understood there.
    pub reason: String,
    /// What the rules of specifications say, if the sentence was understood.
    #[source]
    pub source: Option<Box<SpecificationError>>,
}

fn message(at: &Range<usize>, text: &str, reason: &str) -> String {
    if text.is_empty() {
        format!("the sentence ends too early: {reason}")
    } else {
        format!("{text:?} (bytes {}-{}): {reason}", at.start, at.end)
    }
}
