use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    ApiId, AuditEntryId, DeliveryId, ExecutionId, JobId, NodeId, ScheduleId, TaskId, TokenId,
};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use crate::list::comparison::Comparison;
use crate::named::Named;

/// What the value of a parameter can be.
pub(crate) trait Value: Sized {
    /// How values that have an order are compared.
    const COMPARISONS: &'static [Comparison] = &[
        Comparison::Is,
        Comparison::Not,
        Comparison::OneOf,
        Comparison::AtLeast,
        Comparison::AtMost,
    ];

    /// Reads a value, or says what is wrong with it.
    fn read(text: &str) -> Result<Self, String>;

    fn schema() -> ObjectBuilder;

    /// The last value that is shown like this one.
    fn last_of_same_look(self) -> Self {
        self
    }
}

/// The most characters of a text.
const MOST_CHARACTERS: usize = 1_000;

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        let characters = text.chars().count();
        if characters > MOST_CHARACTERS {
            return Err(format!(
                "a text of {characters} characters is not allowed: it has at most {MOST_CHARACTERS}"
            ));
        }
        Ok(text.to_owned())
    }

    fn schema() -> ObjectBuilder {
        string().max_length(Some(MOST_CHARACTERS))
    }
}

impl Value for bool {
    fn read(text: &str) -> Result<Self, String> {
        match &*text.to_ascii_lowercase() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("\"{text}\" is not allowed: it is true or false")),
        }
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Boolean)
    }
}

impl Value for u64 {
    fn read(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|number| digits && i64::try_from(*number).is_ok())
            .ok_or_else(|| {
                format!(
                    "\"{text}\" is not allowed: it is a whole number, 0 to {}",
                    i64::MAX
                )
            })
    }

    fn schema() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))
    }
}

impl Value for DateTime<Utc> {
    fn read(text: &str) -> Result<Self, String> {
        instant(text)
    }

    fn schema() -> ObjectBuilder {
        string().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
    }
}

/// A length of time: in whole milliseconds, as it is shown.
impl Value for TimeDelta {
    const COMPARISONS: &'static [Comparison] = &[Comparison::AtLeast, Comparison::AtMost];

    fn read(text: &str) -> Result<Self, String> {
        let millis = i64::try_from(u64::read(text)?).unwrap_or(i64::MAX);
        Ok(Self::try_milliseconds(millis).unwrap_or(Self::MAX))
    }

    fn schema() -> ObjectBuilder {
        u64::schema()
    }

    fn last_of_same_look(self) -> Self {
        self.checked_add(&Self::microseconds(999)).unwrap_or(self)
    }
}

impl<T: Named> Value for T {
    fn read(text: &str) -> Result<Self, String> {
        Self::of_wire_name(text)
    }

    fn schema() -> ObjectBuilder {
        string().enum_values(Some(Self::wire_names()))
    }
}

macro_rules! ids {
    ($($id:ident),+) => {$(
        impl Value for $id {
            fn read(text: &str) -> Result<Self, String> {
                let id: ApiId = text.parse().map_err(|error| format!("{error}"))?;
                Ok(id.into())
            }

            fn schema() -> ObjectBuilder {
                string().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            }
        }
    )+};
}

ids!(
    AuditEntryId,
    DeliveryId,
    ExecutionId,
    JobId,
    NodeId,
    ScheduleId,
    TaskId,
    TokenId
);

pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub(crate) fn instant(value: &str) -> Result<DateTime<Utc>, String> {
    // A plus sign that was not escaped has become a space, and no instant has another space in its place.
    DateTime::parse_from_rfc3339(&value.replace(' ', "+"))
        .map(|instant| instant.to_utc())
        .map_err(|_| format!("\"{value}\" is no instant: allowed is as in 2026-03-01T09:00:00Z"))
}
