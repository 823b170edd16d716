use ratchet_interfaces::SchedulerError;

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A source cannot be read, a value is of the wrong type, or a key is unknown.
    #[error("the settings cannot be read ({origin})")]
    Read {
        /// Where the value was set, as far as the error tells its key; otherwise the settings file.
        origin: String,
        /// Key, value, and what was expected.
        #[source]
        source: config::ConfigError,
    },
    /// A variable of the environment sets nothing.
    #[error("the environment variable {name} sets nothing: there are {known}")]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The variables of the same section.
        known: String,
    },
    /// A value is not within its range.
    #[error("{key} is \"{value}\": allowed is {rule}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        rule: String,
    },
    /// The scheduler's own check.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
}
