use std::error::Error;

/// An error and its causes in one line, for logs and for reasons that are stored.
///
/// ```
/// let error = std::io::Error::other("disk full");
/// assert_eq!(ratchet_interfaces::with_causes(&error), "disk full");
/// ```
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some libraries put the cause into their message and give it as the source as well.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A name that a stored or given enumeration does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {what}: it is one of {allowed}")]
pub struct ParseNameError {
    /// What was expected.
    pub what: &'static str,
    /// What was given.
    pub text: String,
    /// The names that exist, separated by commas.
    pub allowed: String,
}

/// A repository could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// There is no such row.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The noun, for example `schedule`.
        what: &'static str,
        /// The id or name that was looked up.
        id: String,
    },
    /// A row with this unique value exists already.
    #[error("a {what} with {field} \"{value}\" exists already")]
    AlreadyExists {
        /// The noun, for example `schedule`.
        what: &'static str,
        /// The unique field.
        field: &'static str,
        /// The value that is taken.
        value: String,
    },
    /// The row was changed by somebody else since it was read.
    #[error("{what} {id} was changed meanwhile: read it again and repeat the change")]
    VersionConflict {
        /// The noun, for example `schedule`.
        what: &'static str,
        /// The row's id.
        id: String,
    },
    /// The row refers to something that does not exist, or something still refers to it.
    #[error("{what} {id} refers to a row that does not exist, or is still referred to")]
    BrokenReference {
        /// The noun, for example `schedule`.
        what: &'static str,
        /// The row's id.
        id: String,
    },
    /// Jobs would wait for each other for ever.
    #[error("job {id} is after itself, by way of the jobs that it is after")]
    DependencyCycle {
        /// One of the jobs.
        id: String,
    },
    /// Schedules would follow each other for ever.
    #[error("schedules would follow each other in a circle: {circle}")]
    FollowingCycle {
        /// The schedules, each with the one that it follows.
        circle: String,
    },
    /// Other schedules follow the one that is to be deleted.
    #[error("schedule {id} is followed by {followers}: delete those first, or have them follow another")]
    IsFollowed {
        /// The schedule.
        id: String,
        /// The names of those that follow it, or of some of them and how many there are.
        followers: String,
    },
    /// A page outside the allowed size was asked for.
    #[error("limit {limit} is not allowed: a page has 1 to {max} rows")]
    InvalidPage {
        /// The limit that was asked for.
        limit: u64,
        /// The largest allowed.
        max: u64,
    },
    /// A stored value cannot be understood. The row is named, so that it can be mended.
    #[error("the stored {column} of {what} {id} cannot be read")]
    CorruptRow {
        /// The noun, for example `schedule`.
        what: &'static str,
        /// The row's id.
        id: String,
        /// The column that holds the value.
        column: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database is out of reach, out of room or out of order, or did not say whether it committed; the same call
    /// may go through later. No row of the call is to blame.
    #[error("the database is unavailable while {during}")]
    Unavailable {
        /// What was being done.
        during: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refused a statement for what the call's rows hold. Repeating it will not help.
    #[error("the database refused {during}")]
    Refused {
        /// What was being done.
        during: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl RepositoryError {
    /// Whether the same call may go through later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// A task registry could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry's tasks could not be written to the database.
    #[error("the tasks of registry {registry} could not be stored")]
    Store {
        /// The registry.
        registry: String,
        /// Why.
        #[source]
        source: RepositoryError,
    },
    /// The registry itself could not be read.
    #[error("registry {registry} cannot be read")]
    Read {
        /// The registry.
        registry: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A result could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Writing failed; a later attempt may succeed.
    #[error("the result could not be written to {destination}")]
    Write {
        /// Where to.
        destination: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The destination did not take it.
    #[error("{message}")]
    Refused {
        /// What it said.
        message: String,
        /// Whether a later attempt may succeed.
        retryable: bool,
        /// How long it asks to be left alone, if it does.
        retry_after: Option<std::time::Duration>,
    },
    /// The destination itself is wrong: no attempt can succeed.
    #[error("{message}")]
    Destination {
        /// The field, its value, and the rule.
        message: String,
    },
    /// No delivery is configured for this kind of destination.
    #[error("no output is configured for destinations of type {kind}")]
    Unsupported {
        /// The kind of destination.
        kind: String,
    },
}

impl DeliveryError {
    /// Whether a later attempt may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Write { .. } => true,
            Self::Refused { retryable, .. } => *retryable,
            Self::Destination { .. } | Self::Unsupported { .. } => false,
        }
    }

    /// How long the destination asks to be left alone, if it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Write { .. } | Self::Destination { .. } | Self::Unsupported { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Layer {
        message: &'static str,
        #[source]
        source: Option<Box<Layer>>,
    }

    #[test]
    fn a_cause_that_the_message_ends_with_is_not_said_twice() {
        let layer = |message, source| Layer { message, source };
        let cause = || Some(Box::new(layer("no room", None)));
        assert_eq!(with_causes(&layer("it failed", cause())), "it failed: no room");
        assert_eq!(
            with_causes(&layer("it failed: no room", cause())),
            "it failed: no room"
        );
        assert_eq!(
            with_causes(&layer("no room was left", cause())),
            "no room was left: no room"
        );
    }
}
