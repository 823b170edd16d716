use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A place in the events of one run of the server: after the event with this number. It is an event's id: `<run>-<number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Which run: numbers begin anew with each.
    pub(crate) run: Uuid,
    pub(crate) number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run.simple(), self.number)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('-').and_then(|(run, number)| {
            Some(Self {
                run: Uuid::parse_str(run).ok()?,
                number: number.parse().ok()?,
            })
        });
        parts.ok_or_else(|| format!("\"{text}\" is not the id of an event: it is one that an event had"))
    }
}
