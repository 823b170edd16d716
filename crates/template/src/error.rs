use std::error::Error;
use std::fmt;

use minijinja::ErrorKind;

/// What is wrong with a template, or with what it was rendered over, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    name: String,
    place: Option<(usize, usize)>,
    message: String,
}

impl TemplateError {
    pub(crate) fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            place: None,
            message: message.into(),
        }
    }

    /// What the engine says, with the place that it names in the template's text.
    pub(crate) fn of(name: &str, text: &str, error: &minijinja::Error) -> Self {
        let place = match error.range() {
            Some(range) if range.start <= text.len() => Some(place(text, range.start)),
            _ => error.line().map(|line| (line, 1)),
        };
        let mut message = match error.kind() {
            ErrorKind::OutOfFuel => "rendering it takes too much time or memory".to_owned(),
            kind => match error.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        };
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        Self {
            name: name.to_owned(),
            place,
            message,
        }
    }

    /// The template that is meant.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line and the column, both from 1, if a place is to blame.
    #[must_use]
    pub const fn place(&self) -> Option<(usize, usize)> {
        self.place
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, place, message } = self;
        match place {
            Some((line, column)) => write!(f, "template {name}, line {line}, column {column}: {message}"),
            None => write!(f, "template {name}: {message}"),
        }
    }
}

impl Error for TemplateError {}

/// The line and the column of a byte, both from 1. A column is a character.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte];
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (line, column)
}
