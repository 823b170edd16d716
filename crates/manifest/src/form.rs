use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

/// In which language a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML 1.2
    Yaml,
    /// TOML 1.1
    Toml,
}

/// A text that is not in the language of its file.
#[derive(Debug)]
pub struct FormError(String);

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for FormError {}

impl Form {
    /// The form of a file, by the ending of its name; `None` for another ending.
    ///
    /// ```
    /// use ratchet_manifest::Form;
    /// assert_eq!(Form::of_name("schedules/nightly.yml"), Some(Form::Yaml));
    /// assert_eq!(Form::of_name("a.TOML"), Some(Form::Toml));
    /// assert_eq!(Form::of_name("crontab"), None);
    /// ```
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            _ => None,
        }
    }

    pub(crate) fn parse(self, text: &str) -> Result<Value, FormError> {
        match self {
            Self::Yaml => {
                // An empty document is one without schedules.
                serde_saphyr::from_str(text).map_err(|error| FormError(error.to_string()))
            }
            Self::Toml => {
                let table: toml::Table =
                    toml::from_str(text).map_err(|error| FormError(error.to_string()))?;
                of_toml(toml::Value::Table(table), "")
            }
        }
    }
}

fn of_toml(value: toml::Value, path: &str) -> Result<Value, FormError> {
    let below = |key: &dyn fmt::Display| match path {
        "" => key.to_string(),
        path => format!("{path}.{key}"),
    };
    Ok(match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Boolean(yes) => yes.into(),
        toml::Value::Float(number) => match serde_json::Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => return Err(FormError(format!("{path}: {number} is no number of JSON"))),
        },
        toml::Value::Datetime(instant) => {
            let rule = format!("{path}: {instant} is a date of TOML: put it into quotation marks");
            return Err(FormError(rule));
        }
        toml::Value::Array(values) => {
            let values = values.into_iter().enumerate();
            let values = values.map(|(place, value)| of_toml(value, &below(&place)));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let mut members = Map::new();
            for (key, value) in table {
                let value = of_toml(value, &below(&key))?;
                members.insert(key, value);
            }
            Value::Object(members)
        }
    })
}
