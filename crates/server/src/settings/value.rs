use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ratchet_api::Origin;
use ratchet_interfaces::with_causes;
use ratchet_outbound::AddressPolicy;
use ratchet_storage::{DatabaseUrl, DatabaseUrlError};
use ratchet_telemetry::OtlpEndpoint;

use super::{LogFilter, LogFormat};

/// A value as it was set.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// In the file, where values have types.
    Typed(toml::Value),
    /// In the environment or by a flag: the key says what type is meant.
    Text(String),
}

impl Value {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Typed(toml::Value::String(text)) | Self::Text(text) => Some(text),
            Self::Typed(_) => None,
        }
    }

    pub(super) fn is_empty_table(&self) -> bool {
        matches!(self, Self::Typed(toml::Value::Table(table)) if table.is_empty())
    }
}

impl fmt::Display for Value {
    /// As it is written in the file. Of what looks like a URL only the scheme is shown: the rest may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.text()) {
            (_, Some(text)) => match text.split_once("://") {
                Some((scheme, rest)) if rest.contains(['@', '?']) => write!(f, "\"{scheme}://…\""),
                _ => write!(f, "\"{text}\""),
            },
            (Self::Typed(value), None) => write!(f, "{value}"),
            (Self::Text(text), None) => write!(f, "\"{text}\""),
        }
    }
}

/// What a key can hold.
pub(crate) trait Setting {
    /// The value, or what would be allowed.
    fn read(value: &Value) -> Result<Self, String>
    where
        Self: Sized;

    /// What kind of value it is, in words.
    fn kind(&self) -> &'static str;

    /// The value as it is written in the file, without a secret; `None` when there is none.
    fn shown(&self) -> Option<toml::Value>;

    /// The value, if it is a number.
    fn number(&self) -> Option<u64> {
        None
    }
}

const WHOLE_NUMBER: &str = "whole number";
const PATH: &str = "path";

/// A file has no numbers as large as the largest.
fn shown_number(number: u64) -> toml::Value {
    i64::try_from(number).map_or_else(|_| toml::Value::String(number.to_string()), toml::Value::Integer)
}

fn shown_path(path: &Path) -> toml::Value {
    toml::Value::String(path.display().to_string())
}

fn shown_list(texts: impl Iterator<Item = String>) -> toml::Value {
    toml::Value::Array(texts.map(toml::Value::String).collect())
}

impl Setting for bool {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Typed(toml::Value::Boolean(value)) => Some(*value),
            Value::Typed(_) => None,
            Value::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| "allowed are true and false".to_owned())
    }

    fn kind(&self) -> &'static str {
        "true or false"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(toml::Value::Boolean(*self))
    }
}

impl Setting for u64 {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Typed(toml::Value::Integer(value)) => Self::try_from(*value).ok(),
            Value::Typed(_) => None,
            Value::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| "allowed is a whole number".to_owned())
    }

    fn kind(&self) -> &'static str {
        WHOLE_NUMBER
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_number(*self))
    }

    fn number(&self) -> Option<u64> {
        Some(*self)
    }
}

impl Setting for u32 {
    fn read(value: &Value) -> Result<Self, String> {
        Self::try_from(u64::read(value)?).map_err(|_| format!("allowed is at most {}", Self::MAX))
    }

    fn kind(&self) -> &'static str {
        WHOLE_NUMBER
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_number((*self).into()))
    }

    fn number(&self) -> Option<u64> {
        Some((*self).into())
    }
}

impl Setting for usize {
    fn read(value: &Value) -> Result<Self, String> {
        Self::try_from(u64::read(value)?).map_err(|error| error.to_string())
    }

    fn kind(&self) -> &'static str {
        WHOLE_NUMBER
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_number(*self as u64))
    }

    fn number(&self) -> Option<u64> {
        Some(*self as u64)
    }
}

impl Setting for SocketAddr {
    fn read(value: &Value) -> Result<Self, String> {
        value
            .text()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| "allowed is an address and port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
    }

    fn kind(&self) -> &'static str {
        "address and port"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}

impl Setting for AddressPolicy {
    /// A list in the file, or one text with commas.
    fn read(value: &Value) -> Result<Self, String> {
        let rule = || "allowed is a list such as [\"10.1.0.0/16\", \"::1\"]".to_owned();
        let policy = match value {
            Value::Typed(toml::Value::Array(items)) => {
                let texts = items.iter().map(toml::Value::as_str).collect::<Option<Vec<_>>>();
                Self::allowing(texts.ok_or_else(rule)?)
            }
            _ => value.text().ok_or_else(rule)?.parse(),
        };
        policy.map_err(|error| error.to_string())
    }

    fn kind(&self) -> &'static str {
        "list of networks and addresses"
    }

    fn shown(&self) -> Option<toml::Value> {
        let text = self.to_string();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Some(shown_list(parts.map(str::to_owned)))
    }
}

impl Setting for DatabaseUrl {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value
            .text()
            .ok_or_else(|| "allowed is a text such as \"sqlite://ratchet.db\"".to_owned())?;
        text.parse()
            .map_err(|error: DatabaseUrlError| with_causes(&error))
    }

    fn kind(&self) -> &'static str {
        "URL"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.masked()))
    }
}

impl Setting for Option<OtlpEndpoint> {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value
            .text()
            .ok_or_else(|| "allowed is a text such as \"http://127.0.0.1:4318\"".to_owned())?;
        text.parse().map(Some)
    }

    fn kind(&self) -> &'static str {
        "URL"
    }

    fn shown(&self) -> Option<toml::Value> {
        self.as_ref()
            .map(|endpoint| toml::Value::String(endpoint.as_str().to_owned()))
    }
}

impl Setting for PathBuf {
    fn read(value: &Value) -> Result<Self, String> {
        match value.text() {
            Some(text) if !text.is_empty() => Ok(text.into()),
            _ => Err("allowed is the path of a folder".to_owned()),
        }
    }

    fn kind(&self) -> &'static str {
        PATH
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_path(self))
    }
}

impl Setting for String {
    fn read(value: &Value) -> Result<Self, String> {
        value
            .text()
            .map(str::to_owned)
            .ok_or_else(|| "allowed is a text".to_owned())
    }

    fn kind(&self) -> &'static str {
        "text"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.clone()))
    }
}

impl Setting for Option<PathBuf> {
    fn read(value: &Value) -> Result<Self, String> {
        match value.text() {
            Some(text) if !text.is_empty() => Ok(Some(text.into())),
            _ => Err("allowed is the path of a folder, such as \"tasks\"".to_owned()),
        }
    }

    fn kind(&self) -> &'static str {
        PATH
    }

    fn shown(&self) -> Option<toml::Value> {
        self.as_deref().map(shown_path)
    }
}

/// A list: of the file's own kind there, and with commas between its parts elsewhere, where an empty text has none.
impl Setting for Vec<String> {
    fn read(value: &Value) -> Result<Self, String> {
        let (parts, rule): (Option<Self>, _) = match value {
            Value::Typed(value) => {
                let text = |part: &toml::Value| part.as_str().map(str::to_owned);
                let parts = value
                    .as_array()
                    .and_then(|parts| parts.iter().map(text).collect());
                (parts, "allowed is a list of texts, such as [\"a\", \"b\"]")
            }
            Value::Text(text) if text.trim().is_empty() => return Ok(Self::new()),
            Value::Text(text) => {
                let part = |part: &str| Some(part.trim().to_owned()).filter(|part| !part.is_empty());
                (
                    text.split(',').map(part).collect(),
                    "allowed are texts with commas between them",
                )
            }
        };
        parts.ok_or_else(|| rule.to_owned())
    }

    fn kind(&self) -> &'static str {
        "list of texts"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_list(self.iter().cloned()))
    }
}

impl Setting for Vec<PathBuf> {
    fn read(value: &Value) -> Result<Self, String> {
        let parts = Vec::<String>::read(value)?;
        Ok(parts.into_iter().map(PathBuf::from).collect())
    }

    fn kind(&self) -> &'static str {
        "list of paths"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_list(self.iter().map(|path| path.display().to_string())))
    }
}

impl Setting for Vec<Origin> {
    fn read(value: &Value) -> Result<Self, String> {
        let texts: Vec<String> = Setting::read(value)?;
        let origins: Result<Self, _> = texts.iter().map(|text| text.parse()).collect();
        origins.map_err(|error: ratchet_api::OriginError| error.to_string())
    }

    fn kind(&self) -> &'static str {
        "list of origins"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(shown_list(self.iter().map(ToString::to_string)))
    }
}

impl Setting for LogFormat {
    fn read(value: &Value) -> Result<Self, String> {
        match value.text() {
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => Err("allowed are text and json".to_owned()),
        }
    }

    fn kind(&self) -> &'static str {
        "`text` or `json`"
    }

    fn shown(&self) -> Option<toml::Value> {
        let text = match self {
            Self::Text => "text",
            Self::Json => "json",
        };
        Some(toml::Value::String(text.to_owned()))
    }
}

impl Setting for LogFilter {
    fn read(value: &Value) -> Result<Self, String> {
        let text = value
            .text()
            .ok_or_else(|| "allowed is a text such as \"info\"".to_owned())?;
        Self::parse(text)
    }

    fn kind(&self) -> &'static str {
        "level or directives"
    }

    fn shown(&self) -> Option<toml::Value> {
        Some(toml::Value::String(self.to_string()))
    }
}
