use ratchet_interfaces::{Bound, Choice, TextMatch};
use utoipa::openapi::schema::ObjectBuilder;

use crate::list::comparison::Comparison;
use crate::list::value::{Value, string};

/// A field of a list's rows, the parameters that filter by it, and the condition that each of them stands for.
pub(crate) struct Field<T, C> {
    /// In camelCase.
    name: &'static str,
    condition: fn(T) -> C,
    /// What it is, for the document.
    words: &'static str,
}

/// A field that can be filtered by. What it is compared with, and how, follows from what the condition takes.
pub(crate) const fn field<T, C>(
    name: &'static str,
    condition: fn(T) -> C,
    words: &'static str,
) -> Field<T, C> {
    Field {
        name,
        condition,
        words,
    }
}

/// A [`Field`] of whatever kind.
pub(crate) trait AnyField<C>: Sync {
    fn name(&self) -> &'static str;

    fn words(&self) -> &'static str;

    /// Each is a parameter.
    fn comparisons(&self) -> &'static [Comparison];

    fn schema(&self, comparison: Comparison) -> ObjectBuilder;

    /// Reads the value of a parameter, or says what is wrong with it.
    fn condition(&self, comparison: Comparison, value: &str) -> Result<C, String>;

    /// The name of a parameter as the document has it.
    fn parameter(&self, comparison: Comparison) -> String {
        format!("{}{}", self.name(), comparison.suffix())
    }

    /// Which comparison a parameter of this name is, if it is one of this field, which may be in camelCase or in
    /// snake_case.
    fn comparison(&self, parameter: &str) -> Option<Comparison> {
        let means = |comparison: &Comparison| {
            let field = parameter.strip_suffix(comparison.suffix());
            field.is_some_and(|field| field == self.name() || field == snake_case(self.name()))
        };
        self.comparisons().iter().copied().find(means)
    }
}

impl<T: Test, C> AnyField<C> for Field<T, C> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn words(&self) -> &'static str {
        self.words
    }

    fn comparisons(&self) -> &'static [Comparison] {
        T::COMPARISONS
    }

    fn schema(&self, comparison: Comparison) -> ObjectBuilder {
        match comparison {
            // Values with commas between them.
            Comparison::OneOf => string(),
            _ => T::schema(),
        }
    }

    fn condition(&self, comparison: Comparison, value: &str) -> Result<C, String> {
        T::read(comparison, value).map(self.condition)
    }
}

/// What a condition takes.
pub(crate) trait Test: Sized {
    const COMPARISONS: &'static [Comparison];

    fn schema() -> ObjectBuilder;

    /// The comparison is one of those above.
    fn read(comparison: Comparison, value: &str) -> Result<Self, String>;
}

impl Test for bool {
    const COMPARISONS: &'static [Comparison] = &[Comparison::Is];

    fn schema() -> ObjectBuilder {
        <Self as Value>::schema()
    }

    fn read(_: Comparison, value: &str) -> Result<Self, String> {
        <Self as Value>::read(value)
    }
}

impl<T: Value> Test for Choice<T> {
    const COMPARISONS: &'static [Comparison] = &[Comparison::Is, Comparison::Not, Comparison::OneOf];

    fn schema() -> ObjectBuilder {
        T::schema()
    }

    fn read(comparison: Comparison, value: &str) -> Result<Self, String> {
        Ok(match comparison {
            Comparison::Not => Self::IsNot(T::read(value)?),
            Comparison::OneOf => Self::IsOneOf(several(value)?),
            _ => Self::Is(T::read(value)?),
        })
    }
}

impl<T: Value> Test for Bound<T> {
    const COMPARISONS: &'static [Comparison] = T::COMPARISONS;

    fn schema() -> ObjectBuilder {
        T::schema()
    }

    fn read(comparison: Comparison, value: &str) -> Result<Self, String> {
        Ok(match comparison {
            Comparison::AtLeast => Self::AtLeast(T::read(value)?),
            Comparison::AtMost => Self::AtMost(T::read(value)?.last_of_same_look()),
            _ => Self::Choice(Choice::read(comparison, value)?),
        })
    }
}

impl Test for TextMatch {
    const COMPARISONS: &'static [Comparison] = &[
        Comparison::Is,
        Comparison::Like,
        Comparison::Not,
        Comparison::OneOf,
    ];

    fn schema() -> ObjectBuilder {
        String::schema()
    }

    fn read(comparison: Comparison, value: &str) -> Result<Self, String> {
        Ok(match comparison {
            Comparison::Like => Self::Contains(<String as Value>::read(value)?),
            _ => Self::Choice(Choice::read(comparison, value)?),
        })
    }
}

/// The most values of one parameter.
const MOST_VALUES: usize = 100;

/// Values with commas between them.
fn several<T: Value>(value: &str) -> Result<Vec<T>, String> {
    let values = value.split(',').count();
    if values > MOST_VALUES {
        return Err(format!(
            "{values} values are not allowed: there are at most {MOST_VALUES}"
        ));
    }
    value.split(',').map(|value| T::read(value.trim())).collect()
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
