use super::SettingsError;
use super::nearest::advice;
use super::sources::{Entry, FILE_VARIABLE, Layers, SettingsSources, Variable, variable_of};
use super::value::{Setting, Value};

/// Hands out what was set, key by key, and knows where each value comes from.
pub(super) struct Reader {
    layers: Layers,
    /// The keys that were asked for, which are all that exist.
    keys: Vec<&'static str>,
}

impl Reader {
    pub(super) fn of(sources: SettingsSources) -> Result<Self, SettingsError> {
        Ok(Self {
            layers: sources.layers()?,
            keys: Vec::new(),
        })
    }

    /// The key's value from the last source that has one. What an earlier source says of the key does not count.
    pub(super) fn take<T: Setting>(&mut self, key: &'static str, default: T) -> Result<T, SettingsError> {
        self.keys.push(key);
        let Some(Entry { value, origin, .. }) = self.find(key) else {
            return Ok(default);
        };
        T::read(&value).map_err(|rule| SettingsError::Value {
            key: key.to_owned(),
            value: value.to_string(),
            origin,
            rule,
        })
    }

    /// The error that a value, which has the right type, is not allowed.
    pub(super) fn refuse(&self, key: &str, value: String, rule: impl Into<String>) -> SettingsError {
        let origin = self
            .find(key)
            .map_or_else(|| "default".to_owned(), |entry| entry.origin);
        SettingsError::Value {
            key: key.to_owned(),
            value,
            origin,
            rule: rule.into(),
        }
    }

    /// Refuses what was set and nobody asked for.
    pub(super) fn refuse_what_is_left(self) -> Result<(), SettingsError> {
        let Layers {
            of_file,
            variables,
            of_flags,
        } = self.layers;
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        for Entry { key, value, origin } in of_file.into_iter().chain(of_flags) {
            let section = format!("{key}.");
            let is_empty_section =
                value.is_empty_table() && keys.iter().any(|known| known.starts_with(&section));
            if !keys.contains(&key) && !is_empty_section {
                return Err(SettingsError::Value {
                    rule: format!("there is no such key; {}", advice(&key, &keys)),
                    key,
                    value: value.to_string(),
                    origin,
                });
            }
        }
        let mut names: Vec<String> = keys.iter().map(|key| variable_of(key)).collect();
        names.push(FILE_VARIABLE.to_owned());
        for Variable { name, value } in variables {
            if !names.contains(&name) {
                return Err(SettingsError::Value {
                    rule: format!("there is no such variable; {}", advice(&name, &names)),
                    key: name,
                    value: Value::Text(value).to_string(),
                    origin: "environment".to_owned(),
                });
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn keys(&self) -> &[&'static str] {
        &self.keys
    }

    fn find(&self, key: &str) -> Option<Entry> {
        let of = |entries: &[Entry]| entries.iter().rev().find(|entry| entry.key == key).cloned();
        let name = variable_of(key);
        let of_environment = || {
            let set = &self.layers.variables;
            let variable = set.iter().find(|variable| variable.name == name)?;
            Some(Entry {
                key: key.to_owned(),
                value: Value::Text(variable.value.clone()),
                origin: format!("environment variable {name}"),
            })
        };
        of(&self.layers.of_flags)
            .or_else(of_environment)
            .or_else(|| of(&self.layers.of_file))
    }
}
