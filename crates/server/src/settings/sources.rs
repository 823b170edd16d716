use std::path::{Path, PathBuf};

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value};

use super::{Settings, SettingsError, file_to_read};

const PREFIX: &str = "RATCHET_";

/// Where the settings come from.
///
/// ```
/// use ratchet_server::{Settings, SettingsSources};
/// let sources = SettingsSources::new().with_flag("database.url", Some("sqlite://elsewhere.db"));
/// assert_eq!(Settings::load(sources)?.database.url, "sqlite://elsewhere.db");
/// # Ok::<(), ratchet_server::SettingsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SettingsSources {
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    flags: Vec<(&'static str, String)>,
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
        self.file = file_to_read(named);
        self
    }

    /// Takes variables such as `RATCHET_SCHEDULER_MAX_CONCURRENT_JOBS`: the key in capitals, with `_` for the dot.
    #[must_use]
    pub fn with_environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment = variables
            .into_iter()
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        self
    }

    /// Takes a flag's value, if it was given.
    #[must_use]
    pub fn with_flag(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.flags.extend(value.map(|value| (key, value.to_string())));
        self
    }

    pub(super) fn merged(self) -> Result<Settings, SettingsError> {
        let file = self.file.as_ref().map(|file| format!("file {}", file.display()));
        let mut builder = Config::builder();
        if let Some(file) = &self.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        }
        let mut overrides = environment_overrides(self.environment)?;
        overrides.extend(self.flags.into_iter().map(|(key, value)| {
            let name = key.rsplit('.').next().unwrap_or(key).replace('_', "-");
            Override {
                key,
                origin: format!("flag --{name}"),
                value,
            }
        }));
        builder
            .add_source(Overrides(overrides.clone()))
            .build()
            .and_then(Config::try_deserialize)
            .map_err(|source| {
                // Not every error of the library tells where the value came from, but each tells its key.
                let told = source.to_string();
                let set = overrides
                    .into_iter()
                    .rev()
                    .find(|set| told.contains(&format!("`{}`", set.key)));
                let origin = set
                    .map(|set| set.origin)
                    .or(file)
                    .unwrap_or_else(|| "no file, only defaults".to_owned());
                SettingsError::Read { origin, source }
            })
    }
}

fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// The values of the variables that name a key. One that begins like a section's and names no key is a mistake;
/// any other (`RATCHET_CONFIG`, say) is somebody else's.
fn environment_overrides(variables: Vec<(String, String)>) -> Result<Vec<Override>, SettingsError> {
    let mut overrides = Vec::new();
    for (name, value) in variables {
        if let Some(key) = Settings::KEYS.iter().find(|key| variable_of(key) == name) {
            overrides.push(Override {
                key,
                origin: format!("environment variable {name}"),
                value,
            });
            continue;
        }
        let of_its_section: Vec<_> = Settings::KEYS
            .iter()
            .filter(|key| {
                let section = key.split('.').next().unwrap_or(key);
                name.starts_with(&format!("{PREFIX}{}_", section.to_uppercase()))
            })
            .map(|key| variable_of(key))
            .collect();
        if !of_its_section.is_empty() {
            return Err(SettingsError::UnknownVariable {
                name,
                known: of_its_section.join(", "),
            });
        }
    }
    Ok(overrides)
}

/// A value by its dotted key, with where it was set, so that an error can name it.
#[derive(Clone, Debug)]
struct Override {
    key: &'static str,
    origin: String,
    value: String,
}

#[derive(Clone, Debug)]
struct Overrides(Vec<Override>);

impl Source for Overrides {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let values = self.0.iter().map(|set| {
            (
                set.key.to_owned(),
                Value::new(Some(&set.origin), set.value.clone()),
            )
        });
        Ok(values.collect())
    }
}
