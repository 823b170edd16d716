use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id as the outside sees it: an opaque string that is a UUID.
///
/// It says nothing about what it identifies. Inside, each noun has its own type ([`ScheduleId`], [`JobId`], …),
/// so that a job's id cannot be passed for a schedule's; an `ApiId` becomes one of them at the edge, where the
/// route says which noun is meant.
///
/// ```
/// use ratchet_interfaces::{ApiId, TaskId};
/// let id: ApiId = "00000000-0000-0000-0000-000000000001".parse()?;
/// assert_eq!(TaskId::from(id).to_string(), "00000000-0000-0000-0000-000000000001");
/// assert!("seven".parse::<ApiId>().is_err());
/// # Ok::<(), ratchet_interfaces::IdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiId(Uuid);

impl ApiId {
    /// Takes any UUID as an id.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID behind the id.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ApiId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ApiId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self).map_err(|source| IdError {
            text: text.to_owned(),
            source,
        })
    }
}

/// A text that is no id.
#[derive(Debug, thiserror::Error)]
#[error("\"{text}\" is not an id: an id is a UUID such as 0193a3c4-5d6e-7f80-9a1b-2c3d4e5f6071")]
pub struct IdError {
    text: String,
    #[source]
    source: uuid::Error,
}

macro_rules! id_of_a_noun {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7: ids made later by this process sort later).
            #[must_use]
            #[allow(clippy::new_without_default, reason = "an id is never a default value")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// Takes any UUID as an id.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID behind the id.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse::<ApiId>().map(Self::from)
            }
        }

        impl From<ApiId> for $name {
            fn from(id: ApiId) -> Self {
                Self(id.0)
            }
        }

        impl From<$name> for ApiId {
            fn from(id: $name) -> Self {
                Self(id.0)
            }
        }
    )+};
}

id_of_a_noun! {
    /// A task: what a job runs.
    TaskId,
    /// A schedule: when a task is run.
    ScheduleId,
    /// A job: one run of a task that must happen.
    JobId,
    /// An execution: one attempt at a job.
    ExecutionId,
    /// A delivery: one result on its way to one destination.
    DeliveryId,
    /// A token: what a client of the API shows.
    TokenId,
    /// An entry of the audit log.
    AuditEntryId,
    /// A running process. Random for each start, so that two machines with one host name are never confused.
    NodeId,
}
