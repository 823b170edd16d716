use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::{LogFormat, LogSettings, SettingsError};

/// Sends what the process says of itself to standard error; standard output belongs to the jobs' results.
pub(crate) fn init(settings: &LogSettings) -> Result<(), SettingsError> {
    let refused = |error: &dyn std::fmt::Display| SettingsError::OutOfRange {
        key: "log.level",
        value: settings.level.clone(),
        rule: error.to_string(),
    };
    let filter = EnvFilter::try_new(&settings.level).map_err(|error| refused(&error))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .finish()
            .try_init(),
    }
    .map_err(|error| refused(&error))
}
