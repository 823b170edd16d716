use chrono::{DateTime, TimeDelta, Utc};

/// Which rows a list holds: those that meet every condition. Without one it holds all.
///
/// ```
/// use ratchet_interfaces::{Choice, JobCondition, JobFilter, JobStatus};
/// let failed = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Failed))]);
/// assert_eq!(failed.conditions().len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter<C>(Vec<C>);

impl<C> Filter<C> {
    /// The rows that meet all of these.
    pub fn of(conditions: impl IntoIterator<Item = C>) -> Self {
        Self(conditions.into_iter().collect())
    }

    /// Of these rows those that meet another condition too.
    #[must_use]
    pub fn and(mut self, condition: C) -> Self {
        self.0.push(condition);
        self
    }

    /// What a row must meet.
    #[must_use]
    pub fn conditions(&self) -> &[C] {
        &self.0
    }
}

impl<C> Default for Filter<C> {
    /// All rows.
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C> Extend<C> for Filter<C> {
    fn extend<I: IntoIterator<Item = C>>(&mut self, conditions: I) {
        self.0.extend(conditions);
    }
}

/// What a field must be whose values have no order. A row without a value in the field is not any value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<T> {
    /// This value.
    Is(T),
    /// Any other value, or none.
    IsNot(T),
    /// One of these values.
    IsOneOf(Vec<T>),
}

impl<T: PartialEq> Choice<T> {
    /// Whether a value, or none, is what it must be.
    pub fn is_met_by(&self, found: Option<&T>) -> bool {
        match self {
            Self::Is(value) => found == Some(value),
            Self::IsNot(value) => found != Some(value),
            Self::IsOneOf(values) => found.is_some_and(|found| values.contains(found)),
        }
    }
}

/// What a field must be whose values have an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound<T> {
    /// One of some values, or another.
    Choice(Choice<T>),
    /// This value or a greater one.
    AtLeast(T),
    /// This value or a lesser one.
    AtMost(T),
    /// A lesser value.
    Before(T),
}

impl<T: PartialOrd> Bound<T> {
    /// Whether a value, or none, is what it must be.
    pub fn is_met_by(&self, found: Option<&T>) -> bool {
        match self {
            Self::Choice(choice) => choice.is_met_by(found),
            Self::AtLeast(least) => found.is_some_and(|found| found >= least),
            Self::AtMost(most) => found.is_some_and(|found| found <= most),
            Self::Before(end) => found.is_some_and(|found| found < end),
        }
    }
}

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextMatch {
    /// One of some texts, or another, to the letter.
    Choice(Choice<String>),
    /// A text that contains this one. In names, letters count in any case; in all other texts, A to Z do.
    Contains(String),
}

/// What instants are compared with.
pub type InstantBound = Bound<DateTime<Utc>>;
/// What lengths of time are compared with.
pub type LengthBound = Bound<TimeDelta>;

/// The conditions that there are on the rows of one kind: each names a field and what it must be. `FIELDS` are the
/// names of all fields, so that a test can tell that it has tried each.
macro_rules! conditions {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident($test:ty) = $field:literal),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($test)),+
        }

        impl $name {
            /// The names of the fields that there are conditions on.
            pub const FIELDS: &'static [&'static str] = &[$($field),+];

            /// The name of the field.
            #[must_use]
            pub const fn field(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $field),+
                }
            }
        }
    };
}
pub(crate) use conditions;

/// What lists of one kind can be sorted by: each key with its direction. `KEYS` are all of them.
macro_rules! sort_keys {
    (
        $(#[$doc:meta])*
        pub enum $name:ident, by default $default:ident $direction:ident {
            $($(#[$variant_doc:meta])* $variant:ident),+ $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($crate::SortOrder)),+
        }

        impl $name {
            /// Every key.
            pub const KEYS: &'static [fn($crate::SortOrder) -> Self] = &[$(Self::$variant),+];

            /// The direction.
            #[must_use]
            pub const fn order(self) -> $crate::SortOrder {
                match self {
                    $(Self::$variant(order))|+ => order,
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::$default($crate::SortOrder::$direction)
            }
        }
    };
}
pub(crate) use sort_keys;
