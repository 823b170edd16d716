use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name::named_enum;
use crate::{DeliveryError, DeliveryId, ExecutionId, JobId};

/// Where a job's result goes. In JSON it is tagged by `destinationType`, as in the HTTP contract.
///
/// ```
/// use ratchet_interfaces::OutputDestination;
/// let json = r#"{"destinationType": "stdio", "stdio": {"stream": "stdout", "format": "JSON"}}"#;
/// let destination: OutputDestination = serde_json::from_str(json)?;
/// assert_eq!(destination, OutputDestination::stdout_json());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "destinationType", rename_all = "camelCase")]
pub enum OutputDestination {
    /// The server's own standard output or error: one line a result.
    Stdio {
        /// How it is written.
        stdio: StdioOptions,
    },
}

/// How a result is written to standard output or error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StdioOptions {
    /// Which of the two.
    #[serde(default)]
    pub stream: StdioStream,
    /// In which format.
    #[serde(default)]
    pub format: OutputFormat,
    /// Whether job, task, schedule and tick are told around the output.
    #[serde(default)]
    pub include_metadata: bool,
    /// A text before each line.
    #[serde(default)]
    pub prefix: Option<String>,
}

/// One of the server's own streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdioStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// The format of a written result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputFormat {
    /// JSON on one line.
    #[default]
    Json,
}

impl OutputDestination {
    /// JSON lines on standard output, without metadata or prefix.
    #[must_use]
    pub const fn stdout_json() -> Self {
        Self::Stdio {
            stdio: StdioOptions {
                stream: StdioStream::Stdout,
                format: OutputFormat::Json,
                include_metadata: false,
                prefix: None,
            },
        }
    }

    /// The name of the destination's type, as in `destinationType`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Stdio { .. } => "stdio",
        }
    }
}

named_enum! {
    /// Where a delivery stands.
    pub enum DeliveryStatus: "delivery status" {
        /// It waits for its first or next attempt.
        Pending = "pending",
        /// It arrived.
        Delivered = "delivered",
        /// It did not arrive, and there will be no other attempt.
        Failed = "failed",
    }
}

/// One result on its way to one destination: a row of the outbox, written with the result itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The delivery's id.
    pub id: DeliveryId,
    /// The job whose result it is.
    pub job_id: JobId,
    /// The execution whose result it is.
    pub execution_id: ExecutionId,
    /// Where it goes.
    pub destination: OutputDestination,
    /// What is delivered.
    pub payload: Value,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How many attempts were made.
    pub attempts: u32,
    /// It is not attempted before this instant.
    pub next_attempt_at: DateTime<Utc>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it arrived.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// Brings a result to its destination, at least once.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OutputDelivery: Send + Sync {
    /// Makes one attempt. On success the result has left this process.
    async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError>;
}
