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
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .finish()
            .try_init(),
    }
}
