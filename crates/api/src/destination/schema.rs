//! The JSON of destinations for the document. What reads and writes it is `ratchet_interfaces::OutputDestination`.
#![allow(
    dead_code,
    reason = "these types are read by the generator of the document only"
)]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// Where a job's result goes. The member that `destinationType` names must be there.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum OutputDestination {
    Stdio(StdioDestination),
    Filesystem(FilesystemDestination),
    Webhook(WebhookDestination),
}

/// A result goes to the server's own standard output or error.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct StdioDestination {
    /// It is `stdio`.
    destination_type: StdioType,
    /// What is written in place of the output: a template over the result.
    #[schema(required = false)]
    template: Option<String>,
    /// Which results go there: those of jobs that succeeded, that failed for good, or both.
    #[schema(required = false, default = "completed")]
    results: ResultFilter,
    /// The stream.
    stdio: StdioOptions,
}

/// A result goes to a file below the configured output folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct FilesystemDestination {
    /// It is `filesystem`.
    destination_type: FilesystemType,
    /// What is written in place of the output: a template over the result.
    #[schema(required = false)]
    template: Option<String>,
    /// Which results go there: those of jobs that succeeded, that failed for good, or both.
    #[schema(required = false, default = "completed")]
    results: ResultFilter,
    /// The file.
    filesystem: FilesystemOptions,
}

/// A result goes out in an HTTP request.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub(super) struct WebhookDestination {
    /// It is `webhook`.
    destination_type: WebhookType,
    /// What is written in place of the output: a template over the result.
    #[schema(required = false)]
    template: Option<String>,
    /// Which results go there: those of jobs that succeeded, that failed for good, or both.
    #[schema(required = false, default = "completed")]
    results: ResultFilter,
    /// The request.
    webhook: WebhookOptions,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum StdioType {
    Stdio,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum FilesystemType {
    Filesystem,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum WebhookType {
    Webhook,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum ResultFilter {
    Completed,
    Failed,
    All,
}

#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
enum OutputFormat {
    Json,
    Yaml,
    Csv,
    Xml,
    Raw,
}

#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
enum CompressionType {
    Gzip,
    Zstd,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum WriteMode {
    Replace,
    Append,
    New,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum StdioStream {
    Stdout,
    Stderr,
}

#[derive(ToSchema)]
#[schema(rename_all = "UPPERCASE")]
enum HttpMethod {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The server's own standard output or error: one line a result.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct StdioOptions {
    /// Which of the two.
    #[schema(required = false, default = "stdout")]
    stream: StdioStream,
    /// The format in which the output is written.
    #[schema(required = false, default = "JSON")]
    format: OutputFormat,
    /// Whether job, task, schedule and tick are told around the output.
    #[schema(required = false, default = false)]
    include_metadata: bool,
    /// A text before each line.
    #[schema(required = false)]
    prefix: Option<String>,
}

/// A file below the configured output folder.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct FilesystemOptions {
    /// Relative to the output folder, and never out of it: a template over the result.
    #[schema(max_length = 4096, example = "out/result.json")]
    path: String,
    /// The format in which the output is written.
    #[schema(required = false, default = "JSON")]
    format: OutputFormat,
    /// How it is compressed, if it is.
    #[schema(required = false)]
    compression: Option<CompressionType>,
    /// What becomes of a file that is there.
    #[schema(required = false, default = "replace")]
    mode: WriteMode,
    /// The permissions of a new file, in octal.
    #[schema(required = false, example = "644")]
    permissions: Option<String>,
    /// Whether job, task, schedule and tick are told around the output.
    #[schema(required = false, default = false)]
    include_metadata: bool,
}

/// An HTTP request.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct WebhookOptions {
    /// Where it goes.
    #[schema(
        max_length = 2048,
        pattern = "^https?://[^/?#]",
        example = "https://example.org/hook"
    )]
    url: String,
    /// Its method.
    #[schema(required = false, default = "POST")]
    method: HttpMethod,
    /// Headers besides.
    #[schema(required = false, example = json!({ "X-Source": "ratchet" }))]
    headers: BTreeMap<String, String>,
    /// How long an answer may take.
    #[schema(required = false, default = 30, minimum = 1, maximum = 300)]
    timeout_seconds: u32,
    /// What the body is sent as.
    #[schema(required = false, default = "application/json")]
    content_type: String,
    /// When a delivery that failed is tried again.
    #[schema(required = false)]
    retry_policy: WebhookRetryPolicy,
    /// How the request proves who sends it, if it does.
    #[schema(required = false)]
    authentication: Option<WebhookAuthentication>,
    /// The secret by which the request is signed after the Standard Webhooks specification. It comes back masked.
    #[schema(required = false)]
    signing_secret: Option<String>,
}

/// When a delivery that failed is tried again. The initial delay is not longer than the maximum.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct WebhookRetryPolicy {
    /// How often it is tried at the most.
    #[schema(required = false, minimum = 1, maximum = 10, example = 3)]
    max_attempts: u32,
    /// How long after the first attempt the second is.
    #[schema(required = false, example = 1.0)]
    initial_delay_seconds: f64,
    /// How long there is between two attempts at the most.
    #[schema(required = false, example = 60.0)]
    max_delay_seconds: f64,
    /// How much longer each delay is than the one before.
    #[schema(required = false, minimum = 1, maximum = 10, example = 2.0)]
    backoff_multiplier: f64,
}

/// How the request proves who sends it. The member that `authType` names must be there; its secret comes back masked.
#[derive(ToSchema)]
#[serde(untagged)]
enum WebhookAuthentication {
    Bearer(ByBearer),
    Basic(ByBasic),
    ApiKey(ByApiKey),
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ByBearer {
    /// It is `bearer`.
    auth_type: BearerType,
    /// The token.
    bearer: BearerAuthentication,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ByBasic {
    /// It is `basic`.
    auth_type: BasicType,
    /// Name and password.
    basic: BasicAuthentication,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ByApiKey {
    /// It is `api_key`.
    auth_type: ApiKeyType,
    /// The key, and where it goes.
    api_key: ApiKeyAuthentication,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum BearerType {
    Bearer,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum BasicType {
    Basic,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ApiKeyType {
    ApiKey,
}

#[derive(ToSchema)]
struct BearerAuthentication {
    /// The token. It comes back masked.
    #[schema(example = "t-2f9a")]
    token: String,
}

#[derive(ToSchema)]
struct BasicAuthentication {
    /// The name.
    #[schema(example = "ratchet")]
    username: String,
    /// The password. It comes back masked.
    #[schema(example = "hunter2")]
    password: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
struct ApiKeyAuthentication {
    /// The key. It comes back masked.
    #[schema(example = "k-2f9a")]
    key: String,
    /// The header that has it.
    #[schema(example = "X-Api-Key")]
    header_name: String,
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces as domain;
    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;

    fn properties<T: PartialSchema>() -> Vec<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        keys(&schema["properties"])
    }

    fn keys(object: &Value) -> Vec<String> {
        let mut keys: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn each_member_that_is_written_stands_in_the_document() {
        let webhook = json!({
            "destinationType": "webhook", "template": "t", "webhook": {
                "url": "https://example.org", "headers": {"A": "b"}, "signingSecret": "whsec_a",
                "authentication": {"authType": "api_key", "apiKey": {"key": "k", "headerName": "X"}},
            },
        });
        let webhook: domain::OutputDestination = serde_json::from_value(webhook).unwrap();
        let webhook = serde_json::to_value(webhook).unwrap()["webhook"].clone();
        assert_eq!(keys(&webhook), properties::<WebhookOptions>());
        assert_eq!(keys(&webhook["retryPolicy"]), properties::<WebhookRetryPolicy>());
        assert_eq!(
            keys(&webhook["authentication"]["apiKey"]),
            properties::<ApiKeyAuthentication>()
        );
        let file = json!({"path": "a", "compression": "GZIP", "permissions": "644"});
        let file: domain::FilesystemOptions = serde_json::from_value(file).unwrap();
        assert_eq!(
            keys(&serde_json::to_value(file).unwrap()),
            properties::<FilesystemOptions>()
        );
        let stdio: domain::StdioOptions = serde_json::from_value(json!({"prefix": "a"})).unwrap();
        assert_eq!(
            keys(&serde_json::to_value(stdio).unwrap()),
            properties::<StdioOptions>()
        );
    }
}
