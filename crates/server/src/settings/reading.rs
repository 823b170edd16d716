use std::collections::BTreeMap;

use ratchet_interfaces::SchedulerError;

use super::declaration::Declaration;
use super::nearest::advice;
use super::sources::{Entry, FILE_VARIABLE, Layers, SettingsSources, Variable, variable_of};
use super::table::declarations;
use super::value::Value;
use super::{Settings, SettingsError};

/// Where a value comes from that nobody set.
pub(crate) const DEFAULT_ORIGIN: &str = "default";

/// What the sources say: the settings, where each comes from, and everything that is wrong.
pub(crate) struct Reading {
    /// What is wrong has its default here.
    pub(crate) settings: Settings,
    origins: BTreeMap<&'static str, String>,
    /// In the order of the table, after what keeps a source from being read and before what does not exist.
    pub(crate) mistakes: Vec<SettingsError>,
}

impl Reading {
    /// Reads every source. Of a key that several set, the last one counts, and what the others say of it does not.
    pub(crate) fn of(sources: SettingsSources) -> Self {
        let (layers, mistakes) = sources.layers();
        let mut reading = Self {
            settings: Settings::default(),
            origins: BTreeMap::new(),
            mistakes,
        };
        for declaration in declarations() {
            if let Some(entry) = find(&layers, declaration.key) {
                reading.take(declaration, entry);
            }
        }
        reading.judge_together();
        reading.refuse_what_does_not_exist(layers);
        reading
    }

    /// Where the value of a key comes from.
    pub(crate) fn origin(&self, key: &str) -> &str {
        self.origins.get(key).map_or(DEFAULT_ORIGIN, String::as_str)
    }

    /// Whether the value of a key is refused.
    pub(crate) fn is_wrong(&self, wanted: &str) -> bool {
        self.mistakes
            .iter()
            .any(|mistake| matches!(mistake, SettingsError::Value { key, .. } if key == wanted))
    }

    fn take(&mut self, declaration: &'static Declaration, entry: Entry) {
        let Entry { value, origin, .. } = entry;
        self.origins.insert(declaration.key, origin);
        match (declaration.set)(&mut self.settings, &value) {
            Err(rule) => self.refuse(declaration, value.to_string(), rule),
            Ok(()) => {
                if let Some((value, rule)) = declaration.out_of_range(&self.settings) {
                    self.refuse(declaration, value, rule);
                }
            }
        }
    }

    /// Notes a mistake, and lets the default hold instead.
    fn refuse(&mut self, declaration: &'static Declaration, value: String, rule: String) {
        (declaration.copy)(&mut self.settings, &Settings::default());
        self.mistakes.push(SettingsError::Value {
            key: declaration.key.to_owned(),
            value,
            origin: self.origin(declaration.key).to_owned(),
            rule,
        });
    }

    /// Applies the parts' own rules, which may be about several values at once.
    fn judge_together(&mut self) {
        let mut faults: Vec<(String, String, String)> = Vec::new();
        if let Err(error) = self.settings.javascript.clone().validated() {
            faults.push((format!("javascript.{}", error.field), error.value, error.rule));
        }
        for error in self.settings.process.faults() {
            faults.push((format!("process.{}", error.field), error.value, error.rule));
        }
        match self.settings.scheduler.clone().validated() {
            Ok(_) => {}
            Err(SchedulerError::InvalidConfig { field, value, rule }) => {
                faults.push((format!("scheduler.{field}"), value, rule.to_owned()));
            }
            Err(other) => self.mistakes.push(other.into()),
        }
        for (key, value, rule) in faults {
            let Some(declaration) = declarations().find(|declaration| declaration.key == key) else {
                // A part has a rule for a value that cannot be set: its default is wrong.
                let origin = DEFAULT_ORIGIN.to_owned();
                self.mistakes.push(SettingsError::Value {
                    key,
                    value,
                    origin,
                    rule,
                });
                continue;
            };
            if !declaration.judged_with.iter().any(|other| self.is_wrong(other)) {
                self.refuse(declaration, value, rule);
            }
        }
    }

    fn refuse_what_does_not_exist(&mut self, layers: Layers) {
        let Layers {
            of_file,
            variables,
            of_flags,
        } = layers;
        let keys: Vec<String> = declarations()
            .map(|declaration| declaration.key.to_owned())
            .collect();
        for Entry { key, value, origin } in of_file.into_iter().chain(of_flags) {
            let section = format!("{key}.");
            let is_empty_section =
                value.is_empty_table() && keys.iter().any(|known| known.starts_with(&section));
            if !keys.contains(&key) && !is_empty_section {
                self.mistakes.push(SettingsError::Value {
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
                self.mistakes.push(SettingsError::Value {
                    rule: format!("there is no such variable; {}", advice(&name, &names)),
                    key: name,
                    value: Value::Text(value).to_string(),
                    origin: "environment".to_owned(),
                });
            }
        }
    }
}

/// What the last source says of a key.
fn find(layers: &Layers, key: &str) -> Option<Entry> {
    let of = |entries: &[Entry]| entries.iter().rev().find(|entry| entry.key == key).cloned();
    let name = variable_of(key);
    let of_environment = || {
        let variable = layers.variables.iter().find(|variable| variable.name == name)?;
        Some(Entry {
            key: key.to_owned(),
            value: Value::Text(variable.value.clone()),
            origin: format!("environment variable {name}"),
        })
    };
    of(&layers.of_flags)
        .or_else(of_environment)
        .or_else(|| of(&layers.of_file))
}
