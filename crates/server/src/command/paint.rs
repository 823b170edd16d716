use std::io::IsTerminal;

use ratchet_interfaces::LogLevel;

use crate::logging;

/// Colours words, where there is a terminal to see it.
#[derive(Clone, Copy)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        Self(logging::wants_colours(stream))
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.in_colour("32", text)
    }

    pub(crate) fn doubtful(self, text: &str) -> String {
        self.in_colour("33", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.in_colour("31", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.in_colour("2", text)
    }

    /// A line of a task's log.
    pub(crate) fn log(self, level: LogLevel, message: &str) -> String {
        let colour = match level {
            LogLevel::Debug => "2",
            LogLevel::Info => "0",
            LogLevel::Warn => "33",
            LogLevel::Error => "31",
        };
        format!("{} {message}", self.in_colour(colour, &format!("[{level}]")))
    }

    fn in_colour(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
