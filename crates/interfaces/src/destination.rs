use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::named_enum;
use crate::tag::tagged_by_text;
use crate::{Backoff, JobStatus, WebhookOptions, WebhookRetryPolicy};

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
    /// What is written in place of the output: a template over the [`crate::JobResult`].
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
#[serde(remote = "Self", tag = "destinationType", rename_all = "lowercase")]
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

tagged_by_text!(OutputTarget, "destinationType");

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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// How a result is written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilesystemOptions {
    /// Where, relative to the configured output folder: a template over the [`crate::JobResult`].
    pub path: String,
    /// In which format.
    #[serde(default)]
    pub format: OutputFormat,
    /// How it is compressed, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// What happens with a file that is there already.
    #[serde(default)]
    pub mode: WriteMode,
    /// The permissions of a new file, in octal, for example `644`; `None` is what the server's umask leaves. They have a
    /// meaning on Unix only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// Whether job, task, schedule and tick are told around the output.
    #[serde(default)]
    pub include_metadata: bool,
}

/// One of the server's own streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdioStream {
    /// Standard output.
    #[default]
    #[serde(alias = "STDOUT")]
    Stdout,
    /// Standard error.
    #[serde(alias = "STDERR")]
    Stderr,
}

/// The format of a written result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OutputFormat {
    /// JSON on one line.
    #[default]
    #[serde(alias = "json")]
    Json,
    /// YAML.
    #[serde(alias = "yaml")]
    Yaml,
    /// A table: a list of objects or of lists.
    #[serde(alias = "csv")]
    Csv,
    /// XML.
    #[serde(alias = "xml")]
    Xml,
    /// A text as it is; anything else as JSON.
    #[serde(alias = "raw")]
    Raw,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Compression {
    /// gzip, `.gz`
    #[serde(alias = "gzip")]
    Gzip,
    /// Zstandard, `.zst`
    #[serde(alias = "zstd")]
    Zstd,
}

/// What happens with a file that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// It is replaced as a whole: whoever reads sees the old one or the new one.
    #[default]
    #[serde(alias = "REPLACE")]
    Replace,
    /// The result is added at its end.
    #[serde(alias = "APPEND")]
    Append,
    /// It stays, and the delivery fails, unless the file holds just this result: an earlier attempt may have written it
    /// without being able to say so.
    #[serde(alias = "NEW")]
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

    /// What [`OutputDestination::kind`] may say.
    pub const KINDS: [&'static str; 3] = ["stdio", "filesystem", "webhook"];

    /// The name of the destination's type, as in `destinationType`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.target {
            OutputTarget::Stdio { .. } => "stdio",
            OutputTarget::Filesystem { .. } => "filesystem",
            OutputTarget::Webhook { .. } => "webhook",
        }
    }

    /// The same with the mask in place of each secret: what users get to see.
    #[must_use]
    pub fn masked(&self) -> Self {
        match &self.target {
            OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => self.clone(),
            OutputTarget::Webhook { webhook } => Self {
                target: OutputTarget::Webhook {
                    webhook: webhook.masked(),
                },
                ..self.clone()
            },
        }
    }

    /// What it shares with other destinations, so that one that is slow may slow down these: a stream, the disk, a host.
    #[must_use]
    pub fn lane(&self) -> String {
        match &self.target {
            OutputTarget::Stdio { stdio } => match stdio.stream {
                StdioStream::Stdout => "stdout".to_owned(),
                StdioStream::Stderr => "stderr".to_owned(),
            },
            OutputTarget::Filesystem { .. } => "files".to_owned(),
            OutputTarget::Webhook { webhook } => webhook.origin().to_ascii_lowercase(),
        }
    }

    /// How many attempts a delivery has.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        match &self.target {
            OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => {
                WebhookRetryPolicy::default().max_attempts
            }
            OutputTarget::Webhook { webhook } => webhook.retry_policy.max_attempts,
        }
    }

    /// How long a delivery that failed waits for its next attempt. A policy that is out of range, which no check lets
    /// pass, is taken for the default.
    #[must_use]
    pub fn backoff(&self) -> Backoff {
        match &self.target {
            OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => Backoff::default(),
            OutputTarget::Webhook { webhook } => webhook.retry_policy.backoff().unwrap_or_default(),
        }
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        match &self.target {
            OutputTarget::Stdio { .. } | OutputTarget::Filesystem { .. } => Duration::from_secs(30),
            OutputTarget::Webhook { webhook } => Duration::from_secs(webhook.timeout_seconds.into()),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> OutputDestination {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_destination_is_read_as_clients_write_it_and_written_so_again() {
        let file = json!({
            "destinationType": "filesystem",
            "filesystem": {"path": "out/x.json", "format": "JSON", "compression": "GZIP", "permissions": "644"}
        });
        let destination = read(file);
        let OutputTarget::Filesystem { filesystem } = &destination.target else {
            panic!("{destination:?}");
        };
        assert_eq!(filesystem.compression, Some(Compression::Gzip));
        assert_eq!(filesystem.mode, WriteMode::Replace);
        assert_eq!(read(serde_json::to_value(&destination).unwrap()), destination);

        let stdio = read(json!({
            "destinationType": "stdio", "template": null, "results": "ALL",
            "stdio": {"stream": "STDERR", "format": "json", "includeMetadata": true, "lineBuffered": true,
                      "prefix": "[X] "}
        }));
        assert_eq!(stdio.results, ResultFilter::All);
        assert_eq!(stdio.lane(), "stderr");
    }

    #[test]
    fn each_kind_is_what_a_destination_of_it_says() {
        let kinds = [
            json!({"destinationType": "stdio", "stdio": {"stream": "stdout"}}),
            json!({"destinationType": "filesystem", "filesystem": {"path": "x.json"}}),
            json!({"destinationType": "webhook", "webhook": {"url": "https://example.org/"}}),
        ]
        .map(|json| read(json).kind());
        assert_eq!(kinds, OutputDestination::KINDS);
    }

    #[test]
    fn a_webhook_goes_by_its_own_policy_and_shares_its_lane_with_its_host_only() {
        let hook = |url: &str| {
            read(json!({"destinationType": "webhook", "webhook": {
                "url": url, "timeoutSeconds": 7,
                "retryPolicy": {"maxAttempts": 3, "initialDelaySeconds": 2, "maxDelaySeconds": 5, "backoffMultiplier": 2.0}
            }}))
        };
        let destination = hook("https://Example.org/a");
        assert_eq!(destination.max_attempts(), 3);
        assert_eq!(destination.attempt_timeout(), Duration::from_secs(7));
        assert_eq!(destination.backoff().delay(1), Duration::from_secs(4));
        assert_eq!(destination.lane(), hook("https://example.org/b").lane());
        assert_ne!(destination.lane(), hook("https://example.org:1/a").lane());
    }
}
