use std::borrow::Cow;

use ratchet_interfaces::{
    Deleted, DeliveryStatus, DependencyCondition, ExecutionStatus, JobOrigin, JobPriority, JobStatus,
    LogLevel, MisfirePolicy, OverlapPolicy, ParseNameError, ScheduleState, ScheduleTransition, Scope,
    TaskErrorKind, TickOutcome,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An enumeration of the domain. Over the wire its names are in upper case, and are read in any case.
pub(crate) trait Named: Copy + 'static {
    /// What the document calls it.
    const TYPE: &'static str;
    /// Every value.
    const ALL: &'static [Self];
    /// The value that the document has as an example.
    const EXAMPLE: Self;

    fn stored_name(self) -> &'static str;

    fn of_stored_name(name: &str) -> Result<Self, ParseNameError>;

    fn wire_name(self) -> String {
        self.stored_name().to_ascii_uppercase()
    }

    fn wire_names() -> Vec<String> {
        Self::ALL.iter().map(|value| value.wire_name()).collect()
    }

    /// Reads a name in any case.
    fn of_wire_name(name: &str) -> Result<Self, String> {
        Self::of_stored_name(&name.to_ascii_lowercase()).map_err(|ParseNameError { what, .. }| {
            let allowed = Self::wire_names().join(", ");
            format!("\"{name}\" is not a {what}: it is one of {allowed}")
        })
    }
}

macro_rules! named {
    ($($name:ident: $example:ident),+ $(,)?) => {$(
        impl Named for $name {
            const TYPE: &'static str = stringify!($name);
            const ALL: &'static [Self] = Self::ALL;
            const EXAMPLE: Self = Self::$example;

            fn stored_name(self) -> &'static str {
                self.as_str()
            }

            fn of_stored_name(name: &str) -> Result<Self, ParseNameError> {
                name.parse()
            }
        }
    )+};
}

named!(
    Deleted: Job,
    DeliveryStatus: Delivered,
    DependencyCondition: AllSucceeded,
    ExecutionStatus: Completed,
    JobOrigin: Tick,
    JobPriority: Normal,
    JobStatus: Queued,
    LogLevel: Info,
    MisfirePolicy: Coalesce,
    OverlapPolicy: Allow,
    ScheduleTransition: Created,
    ScheduleState: Active,
    Scope: Write,
    TaskErrorKind: Timeout,
    TickOutcome: Fired
);

// The generator of the document cannot see into a generic type, so that each has a name of its own.
pub(crate) type DeletedName = Name<Deleted>;
pub(crate) type DeliveryStatusName = Name<DeliveryStatus>;
pub(crate) type DependencyConditionName = Name<DependencyCondition>;
pub(crate) type JobOriginName = Name<JobOrigin>;
pub(crate) type JobPriorityName = Name<JobPriority>;
pub(crate) type JobStatusName = Name<JobStatus>;
pub(crate) type LogLevelName = Name<LogLevel>;
pub(crate) type MisfirePolicyName = Name<MisfirePolicy>;
pub(crate) type OverlapPolicyName = Name<OverlapPolicy>;
pub(crate) type ScheduleTransitionName = Name<ScheduleTransition>;
pub(crate) type ScheduleStateName = Name<ScheduleState>;
pub(crate) type ScopeName = Name<Scope>;
pub(crate) type TaskErrorKindName = Name<TaskErrorKind>;
pub(crate) type TickOutcomeName = Name<TickOutcome>;

/// A value of an enumeration, as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name<T>(pub(crate) T);

impl<T: Named> Serialize for Name<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.wire_name())
    }
}

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::of_wire_name(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

impl<T: Named> PartialSchema for Name<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(T::wire_names()))
            .examples([T::EXAMPLE.wire_name()])
            .into()
    }
}

impl<T: Named> ToSchema for Name<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::TYPE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_upper_case_and_read_in_any() {
        let written = serde_json::to_string(&Name(OverlapPolicy::BufferOne)).unwrap();
        assert_eq!(written, "\"BUFFER_ONE\"");
        for text in ["\"BUFFER_ONE\"", "\"buffer_one\"", "\"Buffer_One\""] {
            let read: Name<OverlapPolicy> = serde_json::from_str(text).unwrap();
            assert_eq!(read.0, OverlapPolicy::BufferOne);
        }
        let error = JobStatus::of_wire_name("DONE").unwrap_err();
        assert!(
            error.contains("\"DONE\"") && error.contains("COMPLETED"),
            "{error}"
        );
    }
}
