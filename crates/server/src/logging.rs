use std::ffi::OsStr;
use std::io::IsTerminal;

use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::settings::{LogFormat, LogSettings};

/// Sends what the process says of itself to standard error; standard output belongs to the jobs' results.
///
/// # Errors
/// When the process says something of itself already.
pub(crate) fn init(settings: &LogSettings) -> Result<(), TryInitError> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(settings.level.to_env_filter())
        .with_writer(std::io::stderr)
        // Otherwise a line that cannot be written (a full disk, a closed pipe) is complained of on standard error,
        // where the complaint fails too and ends the part that logged by a panic.
        .log_internal_errors(false);
    match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
        LogFormat::Text => builder
            .with_ansi(wants_colours(&std::io::stderr()))
            .finish()
            .try_init(),
    }
}

/// Sends to standard error what goes wrong in a command that does itself what a server would do. Nothing is sent twice:
/// where something listens already, that stays.
pub(crate) fn init_for_commands() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(wants_colours(&std::io::stderr()))
        .without_time()
        .with_target(false)
        .log_internal_errors(false)
        .finish();
    drop(subscriber.try_init());
}

/// Whether what is written there is to be in colours.
pub(crate) fn wants_colours(stream: &impl IsTerminal) -> bool {
    let variable = |name| std::env::var_os(name);
    let (no_color, term) = (variable("NO_COLOR"), variable("TERM"));
    colours(stream.is_terminal(), no_color.as_deref(), term.as_deref())
}

/// Colours are for terminals that know any, unless `NO_COLOR` is set and not empty.
fn colours(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_of_who_wants_them() {
        let colours = |is_terminal, no_color: Option<&'static str>, term: Option<&'static str>| {
            colours(is_terminal, no_color.map(OsStr::new), term.map(OsStr::new))
        };
        assert!(colours(true, None, Some("xterm-256color")));
        assert!(colours(true, Some(""), None));
        assert!(!colours(true, Some("1"), Some("xterm-256color")));
        assert!(!colours(true, None, Some("dumb")));
        assert!(!colours(false, None, Some("xterm-256color")));
    }
}
