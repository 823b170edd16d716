use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::SettingsError;
use super::value::Value;

/// Where the settings file is looked for when none is named.
pub const DEFAULT_FILE: &str = "ratchet.toml";

const PREFIX: &str = "RATCHET_";
/// Names the settings file, and is read by the command line.
pub(super) const FILE_VARIABLE: &str = "RATCHET_CONFIG";
/// Whom commands speak to, and what they show it; read by the command line as well.
const OF_COMMANDS: [&str; 2] = ["RATCHET_SERVER", "RATCHET_TOKEN"];
/// Variables with our prefix that set nothing here: the tests and the maintainers' tools use them.
const OF_OTHERS: [&str; 2] = ["RATCHET_BIN", "RATCHET_TEST_"];

/// Where the settings come from.
///
/// ```
/// use ratchet_server::{Settings, SettingsSources};
/// let sources = SettingsSources::new().with_flag("--database", "database.url", Some("sqlite://elsewhere.db"));
/// assert_eq!(Settings::load(sources)?.database.url.to_string(), "sqlite://elsewhere.db");
/// # Ok::<(), ratchet_server::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SettingsSources {
    file: Option<SettingsFile>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<Entry>,
}

#[derive(Clone, Debug)]
enum SettingsFile {
    Named(PathBuf),
    IfItExists(PathBuf),
}

/// A value that was set, and where.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: String,
}

/// What each source sets.
pub(super) struct Layers {
    pub(super) of_file: Vec<Entry>,
    pub(super) variables: Vec<Variable>,
    pub(super) of_flags: Vec<Entry>,
}

/// A variable of the environment that has our prefix.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

impl SettingsSources {
    /// No source: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the named file, or `ratchet.toml` of the working folder if none is named and it exists.
    #[must_use]
    pub fn with_file(mut self, named: Option<&Path>) -> Self {
        self.file = Some(match named {
            Some(path) => SettingsFile::Named(path.to_owned()),
            None => SettingsFile::IfItExists(PathBuf::from(DEFAULT_FILE)),
        });
        self
    }

    /// Takes variables such as `RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS`: the key in capitals, with `_` for the dot.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        self.environment = variables.into_iter().collect();
        self
    }

    /// Takes a flag's value for a key, if it was given.
    #[must_use]
    pub fn with_flag(mut self, flag: &str, key: &str, value: Option<impl ToString>) -> Self {
        self.flags.extend(value.map(|value| Entry {
            key: key.to_owned(),
            value: Value::Text(value.to_string()),
            origin: format!("flag {flag}"),
        }));
        self
    }

    /// Reads what can be read before the keys are known, and says what cannot.
    pub(super) fn layers(self) -> (Layers, Vec<SettingsError>) {
        let Self {
            file,
            environment,
            flags,
        } = self;
        let mut mistakes = Vec::new();
        let of_file = file.map_or_else(Vec::new, |file| {
            file.read().unwrap_or_else(|error| {
                mistakes.push(error);
                Vec::new()
            })
        });
        let mut variables = Vec::new();
        for variable in environment.into_iter().filter_map(Variable::of_ours) {
            match variable {
                Ok(variable) => variables.push(variable),
                Err(error) => mistakes.push(error),
            }
        }
        let layers = Layers {
            of_file,
            variables,
            of_flags: flags,
        };
        (layers, mistakes)
    }
}

impl SettingsFile {
    fn read(self) -> Result<Vec<Entry>, SettingsError> {
        let (Self::Named(path) | Self::IfItExists(path)) = &self;
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && matches!(self, Self::IfItExists(_)) => {
                return Ok(Vec::new());
            }
            Err(source) => {
                return Err(SettingsError::File {
                    path: path.clone(),
                    source,
                });
            }
        };
        let sections: toml::Table = toml::from_str(&text).map_err(|source| SettingsError::Syntax {
            path: path.clone(),
            source: Box::new(source),
        })?;
        let mut entries = Vec::new();
        let mut add = |key: String, value: toml::Value| {
            entries.push(Entry {
                key,
                value: Value::Typed(value),
                origin: format!("file {}", path.display()),
            });
        };
        for (section, value) in sections {
            match value {
                toml::Value::Table(keys) if !keys.is_empty() => {
                    for (key, value) in keys {
                        add(format!("{section}.{key}"), value);
                    }
                }
                other => add(section, other),
            }
        }
        Ok(entries)
    }
}

impl Variable {
    fn of_ours((name, value): (OsString, OsString)) -> Option<Result<Self, SettingsError>> {
        let shown = name.to_string_lossy();
        let ours = shown.starts_with(PREFIX)
            && shown != FILE_VARIABLE
            && !OF_COMMANDS.contains(&&*shown)
            && !OF_OTHERS.iter().any(|others| shown.starts_with(others));
        ours.then(|| match (name.to_str(), value.to_str()) {
            (Some(name), Some(value)) => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(SettingsError::NotUnicode {
                name: shown.into_owned(),
            }),
        })
    }
}

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}
