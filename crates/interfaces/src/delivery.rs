use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name::named_enum;
use crate::{DeliveryError, DeliveryId, ExecutionId, JobId, JobStatus, ScheduleId};

/// Where a job's result goes. In JSON its target is tagged by `destinationType`, as in the HTTP contract.
///
/// ```
/// use ratchet_interfaces::OutputDestination;
/// let json = r#"{"destinationType": "stdio", "stdio": {"stream": "stdout", "format": "JSON"}}"#;
/// let destination: OutputDestination = serde_json::from_str(json)?;
/// assert_eq!(destination, OutputDestination::stdout_json());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputDestination {
    /// What is written in place of the output: a template over the [`JobResult`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// Which results go there.
    #[serde(default)]
    pub results: ResultFilter,
    /// The destination itself.
    #[serde(flatten)]
    pub target: OutputTarget,
}

/// A destination, by its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "destinationType", rename_all = "lowercase")]
pub enum OutputTarget {
    /// The server's own standard output or error: one line a result.
    Stdio {
        /// How it is written.
        stdio: StdioOptions,
    },
    /// A file below the configured output folder.
    Filesystem {
        /// How it is written.
        filesystem: FilesystemOptions,
    },
    /// An HTTP request.
    Webhook {
        /// How it is sent.
        webhook: WebhookOptions,
    },
}

named_enum! {
    /// Which results a destination is for.
    #[derive(Default)]
    pub enum ResultFilter: "filter of results" {
        /// Those of jobs that succeeded.
        #[default]
        Completed = "completed",
        /// Those of jobs that failed for good.
        Failed = "failed",
        /// Both.
        All = "all",
    }
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

/// How a result is written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilesystemOptions {
    /// Where, relative to the configured output folder: a template over the [`JobResult`].
    pub path: String,
    /// In which format.
    #[serde(default)]
    pub format: OutputFormat,
    /// How it is compressed, if it is.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// What happens with a file that is there already.
    #[serde(default)]
    pub mode: WriteMode,
    /// The permissions of a new file, in octal, for example `644`.
    #[serde(default)]
    pub permissions: Option<String>,
    /// Whether job, task, schedule and tick are told around the output.
    #[serde(default)]
    pub include_metadata: bool,
}

/// How a result is sent over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookOptions {
    /// Where to.
    pub url: String,
    /// By which method.
    #[serde(default)]
    pub method: HttpMethod,
    /// Further headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How long one attempt may take, in seconds, 1 through 300.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
    /// The type of the body.
    #[serde(default = "default_content_type")]
    pub content_type: String,
    /// When a delivery that failed is tried again.
    #[serde(default)]
    pub retry_policy: WebhookRetryPolicy,
    /// How the request proves who sends it.
    #[serde(default)]
    pub authentication: Option<WebhookAuthentication>,
    /// The secret by which the request is signed after the Standard Webhooks specification, `whsec_…`.
    #[serde(default)]
    pub signing_secret: Option<String>,
}

const fn default_timeout() -> u32 {
    30
}

fn default_content_type() -> String {
    "application/json".to_owned()
}

/// When a delivery that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookRetryPolicy {
    /// How many attempts there are, 1 through 10.
    pub max_attempts: u32,
    /// How long after the first failure, in seconds.
    pub initial_delay_seconds: f64,
    /// How long at the most, in seconds.
    pub max_delay_seconds: f64,
    /// How many times as long after each further failure, 1 through 10.
    pub backoff_multiplier: f64,
}

impl Default for WebhookRetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            initial_delay_seconds: 1.0,
            max_delay_seconds: 300.0,
            backoff_multiplier: 2.0,
        }
    }
}

/// How a request proves who sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "authType", rename_all = "snake_case")]
pub enum WebhookAuthentication {
    /// `Authorization: Bearer …`
    Bearer {
        /// The token.
        bearer: BearerAuthentication,
    },
    /// `Authorization: Basic …`
    Basic {
        /// Name and password.
        basic: BasicAuthentication,
    },
    /// A header of its own.
    ApiKey {
        /// Header and key.
        #[serde(rename = "apiKey")]
        api_key: ApiKeyAuthentication,
    },
}

/// A bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BearerAuthentication {
    /// The token.
    pub token: String,
}

/// Name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BasicAuthentication {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A key in a header of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyAuthentication {
    /// The key.
    pub key: String,
    /// The header.
    pub header_name: String,
}

/// The method of an HTTP request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// GET
    Get,
    /// POST
    #[default]
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
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
    /// YAML.
    Yaml,
    /// A table: a list of objects or of lists.
    Csv,
    /// XML.
    Xml,
    /// A text as it is; anything else as JSON.
    Raw,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compression {
    /// gzip, `.gz`
    Gzip,
    /// Zstandard, `.zst`
    Zstd,
}

/// What happens with a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// It is replaced as a whole: whoever reads sees the old one or the new one.
    #[default]
    Replace,
    /// The result is added at its end.
    Append,
    /// It stays, and the delivery fails.
    New,
}

impl OutputDestination {
    /// A destination of every completed job, without a template.
    #[must_use]
    pub fn of(target: OutputTarget) -> Self {
        Self {
            template: None,
            results: ResultFilter::default(),
            target,
        }
    }

    /// JSON lines on standard output, without metadata or prefix.
    #[must_use]
    pub fn stdout_json() -> Self {
        Self::of(OutputTarget::Stdio {
            stdio: StdioOptions {
                stream: StdioStream::Stdout,
                format: OutputFormat::Json,
                include_metadata: false,
                prefix: None,
            },
        })
    }

    /// The name of the destination's type, as in `destinationType`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.target {
            OutputTarget::Stdio { .. } => "stdio",
            OutputTarget::Filesystem { .. } => "filesystem",
            OutputTarget::Webhook { .. } => "webhook",
        }
    }

    /// Whether the result of a job that ended so goes there.
    #[must_use]
    pub fn wants(&self, status: JobStatus) -> bool {
        match status {
            JobStatus::Completed => self.results != ResultFilter::Failed,
            JobStatus::Failed => self.results != ResultFilter::Completed,
            _ => false,
        }
    }
}

/// What is told of a job that ended: the envelope of its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// The job.
    pub job: JobId,
    /// The execution that ended it.
    pub execution: ExecutionId,
    /// The task's name; `None` when it is not known any more.
    pub task: Option<String>,
    /// The task's version.
    pub version: Option<String>,
    /// The schedule that made the job, if one did.
    pub schedule: Option<ScheduleId>,
    /// The nominal tick, if the job stands for one.
    pub tick: Option<DateTime<Utc>>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// How the job ended.
    pub status: JobStatus,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// What the task returned, if it did.
    pub output: Value,
}

impl JobResult {
    /// The result of a job that succeeded, of which nothing else is known.
    #[must_use]
    pub const fn completed(
        job: JobId,
        execution: ExecutionId,
        output: Value,
        ended_at: DateTime<Utc>,
    ) -> Self {
        Self {
            job,
            execution,
            task: None,
            version: None,
            schedule: None,
            tick: None,
            attempt: 1,
            status: JobStatus::Completed,
            ended_at,
            error: None,
            output,
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
    pub payload: JobResult,
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

/// An attempt at a delivery that is over: a line of its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: TimeDelta,
    /// What the destination said, or where the result is.
    pub detail: Option<String>,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// That a result has left this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReceipt {
    /// What the destination said, or where the result is: `HTTP 204`, the path of a file.
    pub detail: Option<String>,
}

/// Brings a result to its destination, at least once.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait OutputDelivery: Send + Sync {
    /// What is wrong with a destination, before anything is delivered to it; `None` when nothing is.
    fn check(&self, destination: &OutputDestination) -> Option<String>;

    /// Makes one attempt. On success the result has left this process.
    async fn deliver(&self, delivery: &Delivery) -> Result<DeliveryReceipt, DeliveryError>;
}
