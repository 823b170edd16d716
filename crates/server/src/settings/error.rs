use std::io;
use std::path::PathBuf;

use ratchet_interfaces::{SchedulerError, with_causes};

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("the settings file {} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The settings file is not in the form of TOML.
    #[error("the settings file {} is not TOML", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where, and what is wrong there.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A variable of ours has bytes that are no text.
    #[error("the environment variable {name} is not Unicode")]
    NotUnicode {
        /// The variable, what is not Unicode being replaced.
        name: String,
    },
    /// A value is not allowed, or a key is unknown.
    #[error("{key} is {value} ({origin}): {rule}")]
    Value {
        /// The key, or the unknown variable of the environment.
        key: String,
        /// Its value, in quotes if it is a text, and without a password.
        value: String,
        /// Where it was set.
        origin: String,
        /// What is allowed.
        rule: String,
    },
    /// The scheduler's own check.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// Several of these: a line each.
    #[error("there are {} mistakes in the settings{}", .0.len(), lines(.0))]
    Several(Vec<SettingsError>),
}

impl SettingsError {
    /// One error for all mistakes, if there are any.
    pub(super) fn of_all(mut mistakes: Vec<Self>) -> Option<Self> {
        match mistakes.len() {
            0 | 1 => mistakes.pop(),
            _ => Some(Self::Several(mistakes)),
        }
    }
}

fn lines(mistakes: &[SettingsError]) -> String {
    mistakes
        .iter()
        .map(|mistake| format!("\n  {}", with_causes(mistake).replace('\n', "\n  ")))
        .collect()
}
