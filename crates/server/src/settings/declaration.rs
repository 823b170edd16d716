use super::Settings;
use super::sources::variable_of;
use super::value::{Setting, Value};

/// What is known of one setting: the settings are read, checked, printed and described by this alone.
pub(crate) struct Declaration {
    /// Its section and name, such as `server.bind`.
    pub(crate) key: &'static str,
    /// What it is for, in a sentence.
    pub(crate) about: &'static str,
    /// The flag of `ratchet serve`, if it has one, and what its value is called there.
    pub(crate) flag: Option<Flag>,
    /// What a number counts.
    pub(crate) unit: Option<&'static str>,
    /// The least and the greatest number.
    pub(crate) range: Option<(u64, u64)>,
    /// What zero means, where that is not what one would think.
    pub(crate) zero: Option<&'static str>,
    /// What holds when it is not set and there is no value for that.
    pub(crate) unset: &'static str,
    /// The keys whose values its own rule is also about: while one of them is wrong, the rule is not applied.
    pub(crate) judged_with: &'static [&'static str],
    /// Its value.
    pub(crate) get: fn(&Settings) -> &dyn Setting,
    pub(super) set: fn(&mut Settings, &Value) -> Result<(), String>,
    pub(super) copy: fn(&mut Settings, &Settings),
}

/// A flag that sets a value.
pub(crate) struct Flag {
    /// With its dashes.
    pub(crate) name: &'static str,
    /// What stands for the value in the help.
    pub(crate) value_name: &'static str,
}

impl Declaration {
    pub(super) const fn new(
        key: &'static str,
        about: &'static str,
        get: fn(&Settings) -> &dyn Setting,
        set: fn(&mut Settings, &Value) -> Result<(), String>,
        copy: fn(&mut Settings, &Settings),
    ) -> Self {
        Self {
            key,
            about,
            flag: None,
            unit: None,
            range: None,
            zero: None,
            unset: "not set",
            judged_with: &[],
            get,
            set,
            copy,
        }
    }

    /// The variable of the environment that sets it.
    pub(crate) fn variable(&self) -> String {
        variable_of(self.key)
    }

    /// The name within the section.
    pub(crate) fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }

    /// What numbers are allowed, in words: `0 (for ever) to 36500 days`.
    pub(crate) fn range_in_words(&self) -> Option<String> {
        let (least, greatest) = self.range?;
        let zero = match self.zero {
            Some(meaning) if least == 0 => format!(" ({meaning})"),
            _ => String::new(),
        };
        let unit = self.unit.map_or_else(String::new, |unit| format!(" {unit}"));
        Some(format!("{least}{zero} to {greatest}{unit}"))
    }

    /// What holds when nothing sets it, as it is written in the file; else in words.
    pub(crate) fn default_in_words(&self, defaults: &Settings) -> Result<String, &'static str> {
        (self.get)(defaults)
            .shown()
            .map(|value| value.to_string())
            .ok_or(self.unset)
    }

    /// The value and the rule that it breaks, if it is a number out of range.
    pub(super) fn out_of_range(&self, settings: &Settings) -> Option<(String, String)> {
        let (least, greatest) = self.range?;
        let number = (self.get)(settings).number()?;
        let is_allowed = (least..=greatest).contains(&number);
        (!is_allowed).then(|| {
            let range = self.range_in_words().unwrap_or_default();
            (number.to_string(), format!("{range} are allowed"))
        })
    }
}
