use ratchet_interfaces::{RetryPolicy, TaskErrorKind, WrittenBackoff};
use serde::Serialize;
use utoipa::ToSchema;

use crate::named::{Name, TaskErrorKindName};

/// What happens after a failed run of a task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetryPolicy)]
pub(crate) struct RetryPolicyView {
    /// How often a failed job is tried again, unless it says so itself.
    #[schema(example = 3)]
    max_retries: u32,
    /// How long it waits for its next try.
    backoff: BackoffView,
    /// After failures of these kinds there is another try, whatever the failure says of itself. Where there are none, it is left
    /// to the failure.
    retry_on: Vec<TaskErrorKindName>,
    /// After failures of these kinds there is none.
    #[schema(example = json!(["INPUT"]))]
    never_on: Vec<TaskErrorKindName>,
}

/// How long a failed job waits for its next try.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
#[schema(as = Backoff)]
pub(crate) enum BackoffView {
    /// Longer from time to time.
    #[serde(rename_all = "camelCase")]
    Exponential {
        /// The first delay.
        #[schema(example = 1.0)]
        initial_seconds: f64,
        /// The longest.
        #[schema(example = 300.0)]
        max_seconds: f64,
        /// How many times as long each is as the one before.
        #[schema(example = 2.0)]
        multiplier: f64,
    },
    /// Equally long each time.
    #[serde(rename_all = "camelCase")]
    Fixed {
        /// The delay.
        #[schema(example = 30.0)]
        delay_seconds: f64,
    },
    /// As a list says.
    #[serde(rename_all = "camelCase")]
    List {
        /// The delays, the last of which repeats.
        #[schema(example = json!([1.0, 60.0]))]
        delays_seconds: Vec<f64>,
    },
}

impl From<RetryPolicy> for RetryPolicyView {
    fn from(policy: RetryPolicy) -> Self {
        let RetryPolicy {
            max_retries,
            backoff,
            retry_on,
            never_on,
        } = policy;
        let names = |kinds: Vec<TaskErrorKind>| kinds.into_iter().map(Name).collect();
        Self {
            max_retries,
            backoff: WrittenBackoff::from(backoff).into(),
            retry_on: names(retry_on),
            never_on: names(never_on),
        }
    }
}

impl From<WrittenBackoff> for BackoffView {
    fn from(backoff: WrittenBackoff) -> Self {
        match backoff {
            WrittenBackoff::Exponential {
                initial_seconds,
                max_seconds,
                multiplier,
            } => Self::Exponential {
                initial_seconds,
                max_seconds,
                multiplier,
            },
            WrittenBackoff::Fixed { delay_seconds } => Self::Fixed { delay_seconds },
            WrittenBackoff::List { delays_seconds } => Self::List { delays_seconds },
        }
    }
}
