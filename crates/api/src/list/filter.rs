use chrono::{DateTime, Utc};
use ratchet_interfaces::ApiId;

/// A filter of a list: a query parameter, and what it does to what the repository takes.
pub(crate) struct Filter<F> {
    /// The field, in camelCase.
    pub(crate) field: &'static str,
    /// How it is compared.
    pub(crate) comparison: Comparison,
    pub(crate) setter: Setter<F>,
    /// Which rows it leaves, for the document.
    pub(crate) words: &'static str,
}

/// How a field is compared with the value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Is,
    Like,
    Not,
    OneOf,
    AtLeast,
    AtMost,
}

impl Comparison {
    /// What follows the field's name.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Is => "",
            Self::Like => "_like",
            Self::Not => "_ne",
            Self::OneOf => "_in",
            Self::AtLeast => "_gte",
            Self::AtMost => "_lte",
        }
    }
}

/// What the value of a parameter must be, and where it goes.
pub(crate) enum Setter<F> {
    Text(fn(&mut F, String)),
    Id(fn(&mut F, ApiId)),
    Flag(fn(&mut F, bool)),
    Instant(fn(&mut F, DateTime<Utc>)),
    /// The status of an HTTP answer.
    Status(fn(&mut F, u16)),
    /// One of the names of an enumeration.
    Name {
        names: fn() -> Vec<String>,
        set: fn(&mut F, &str) -> Result<(), String>,
    },
}

impl<F> Filter<F> {
    const fn new(
        field: &'static str,
        comparison: Comparison,
        setter: Setter<F>,
        words: &'static str,
    ) -> Self {
        Self {
            field,
            comparison,
            setter,
            words,
        }
    }

    pub(crate) const fn is(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::Is, setter, words)
    }

    /// Of a text that contains the value.
    pub(crate) const fn like(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::Like, setter, words)
    }

    pub(crate) const fn not(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::Not, setter, words)
    }

    /// Of several values, separated by commas: the setter is called for each.
    pub(crate) const fn one_of(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::OneOf, setter, words)
    }

    pub(crate) const fn at_least(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::AtLeast, setter, words)
    }

    pub(crate) const fn at_most(field: &'static str, setter: Setter<F>, words: &'static str) -> Self {
        Self::new(field, Comparison::AtMost, setter, words)
    }

    /// The name of the parameter as the document has it.
    pub(crate) fn parameter(&self) -> String {
        format!("{}{}", self.field, self.comparison.suffix())
    }

    /// Whether a parameter of this name is the filter: its field may be in camelCase or in snake_case.
    pub(crate) fn answers_to(&self, name: &str) -> bool {
        name.strip_suffix(self.comparison.suffix())
            .is_some_and(|field| field == self.field || field == snake_case(self.field))
    }

    /// Takes over a value, or says what is wrong with it.
    pub(crate) fn apply(&self, filter: &mut F, value: &str) -> Result<(), String> {
        if self.comparison == Comparison::OneOf {
            value
                .split(',')
                .try_for_each(|value| self.setter.apply(filter, value.trim()))
        } else {
            self.setter.apply(filter, value)
        }
    }
}

impl<F> Setter<F> {
    fn apply(&self, filter: &mut F, value: &str) -> Result<(), String> {
        match self {
            Self::Text(set) => set(filter, value.to_owned()),
            Self::Id(set) => set(filter, value.parse().map_err(|error| format!("{error}"))?),
            Self::Flag(set) => set(filter, flag(value)?),
            Self::Instant(set) => set(filter, instant(value)?),
            Self::Status(set) => set(filter, status(value)?),
            Self::Name { names: _, set } => set(filter, value)?,
        }
        Ok(())
    }
}

fn flag(value: &str) -> Result<bool, String> {
    match &*value.to_ascii_lowercase() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("\"{value}\" is not allowed: it is true or false")),
    }
}

fn status(value: &str) -> Result<u16, String> {
    let status = value.parse().ok().filter(|status| (100..600).contains(status));
    status.ok_or_else(|| format!("\"{value}\" is no HTTP status: allowed are 100 to 599"))
}

pub(crate) fn instant(value: &str) -> Result<DateTime<Utc>, String> {
    // A plus sign that was not escaped has become a space, and no instant has another space in its place.
    DateTime::parse_from_rfc3339(&value.replace(' ', "+"))
        .map(|instant| instant.to_utc())
        .map_err(|_| format!("\"{value}\" is no instant: allowed is as in 2026-03-01T09:00:00Z"))
}

pub(crate) fn snake_case(camel_case: &str) -> String {
    let mut snake = String::new();
    for letter in camel_case.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
