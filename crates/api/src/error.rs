use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ratchet_interfaces::{RegistryError, RepositoryError, SchedulerError, TokenRule, with_causes};
use serde::Serialize;
use utoipa::ToSchema;

/// A request that was not done, as its sender is told: `{"error": {"code", "message", "status"}}`.
///
/// ```
/// use ratchet_api::ApiError;
/// let error = ApiError::not_found("schedule", "nightly");
/// assert_eq!(error.to_string(), "schedule nightly does not exist");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Whether the row was changed by somebody else meanwhile.
    version_conflict: bool,
    /// What a header says besides.
    header: Option<(HeaderName, HeaderValue)>,
}

/// The envelope of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorEnvelope {
    /// What is wrong.
    error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// The kind of error, for programs.
    #[schema(example = "NOT_FOUND")]
    code: &'static str,
    /// What is wrong and what is allowed, for people.
    #[schema(example = "schedule 01935b2e-7c00-7000-8000-000000000002 does not exist")]
    message: String,
    /// The HTTP status again.
    #[schema(example = 404)]
    status: u16,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            version_conflict: false,
            header: None,
        }
    }

    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self {
            header: Some((name, value)),
            ..self
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::missing(format!("{what} {id} does not exist"))
    }

    fn missing(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// The request cannot be understood.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// A value of the request is not allowed.
    pub(crate) fn invalid(field: &str, rule: impl std::fmt::Display) -> Self {
        let message = format!("{field}: {rule}");
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// A field of the body is missing or of another type.
    pub(crate) fn mistyped(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR", message)
    }

    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            message,
        )
    }

    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
    }

    /// Who sends it must say who they are.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"ratchet\"");
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// What was shown is not valid.
    pub(crate) fn invalid_token(message: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"ratchet\", error=\"invalid_token\"");
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
            .with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// There were too many requests; after so many seconds one may be sent again.
    pub(crate) fn rate_limited(message: impl Into<String>, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message)
            .with_header(header::RETRY_AFTER, seconds.into())
    }

    /// The method is none of the path's, which has these.
    pub(crate) fn method_of_others(method: &Method, path: &str, allowed: &str) -> Self {
        let refusal = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            format!("{path} does not take {method}"),
        );
        match HeaderValue::try_from(allowed) {
            Ok(allowed) => refusal.with_header(header::ALLOW, allowed),
            Err(_) => refusal,
        }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    pub(crate) fn timed_out(message: impl Into<String>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
    }

    /// What `If-Match` names is not how the thing is any more.
    pub(crate) fn stale(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", message)
    }

    /// What is asked for does not go with what is there.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", message)
    }

    /// Something that the sender has no part in; the log has it.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL_ERROR",
            "the server could not do it: its log says why",
        )
    }

    pub(crate) const fn is_version_conflict(&self) -> bool {
        self.version_conflict
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The kind of error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self {
            status,
            code,
            message,
            version_conflict: _,
            header,
        } = self;
        let error = ErrorBody {
            code,
            message,
            status: status.as_u16(),
        };
        let mut response = (status, Json(ErrorEnvelope { error })).into_response();
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match &error {
            RepositoryError::NotFound { .. } => Self::missing(error.to_string()),
            RepositoryError::VersionConflict { .. } => Self {
                version_conflict: true,
                ..Self::conflict(error.to_string())
            },
            RepositoryError::AlreadyExists { .. } | RepositoryError::IsFollowed { .. } => {
                Self::conflict(error.to_string())
            }
            RepositoryError::InvalidPage { .. } => Self::bad_request(error.to_string()),
            RepositoryError::BrokenReference { .. } => Self::invalid("reference", error),
            RepositoryError::DependencyCycle { .. } => Self::invalid("after", error),
            RepositoryError::FollowingCycle { .. } => Self::invalid("cronExpression", error),
            RepositoryError::Unavailable { .. } => {
                tracing::warn!(
                    error = with_causes(&error),
                    "a request met an unavailable database"
                );
                Self::unavailable("the database is unavailable: try again later")
            }
            RepositoryError::CorruptRow { what, .. } => {
                tracing::error!(
                    error = with_causes(&error),
                    "a row that a request needs cannot be read"
                );
                Self::conflict(format!("{error}, and nothing was done: {}", mending(what)))
            }
            RepositoryError::Refused { .. } => Self::unforeseen(&error),
        }
    }
}

/// How a row of which a stored value cannot be read is mended. Why it cannot be read the log says: the value may be a secret.
fn mending(what: &str) -> &'static str {
    match what {
        "task" => {
            "POST /tasks/sync says why; a registry that has the task writes it anew then, and a task of the registry database \
             must be mended in the database"
        }
        _ => "mend that column of the row in the database; the log says what is wrong with it",
    }
}

impl From<TokenRule> for ApiError {
    fn from(TokenRule { field, rule }: TokenRule) -> Self {
        Self::invalid(field, rule)
    }
}

impl From<SchedulerError> for ApiError {
    fn from(error: SchedulerError) -> Self {
        match error {
            SchedulerError::InvalidSchedule {
                schedule: _,
                field,
                value,
                source,
            } => {
                let rule = with_causes(&*source);
                Self::invalid(wire_name(field), format!("\"{value}\" is not allowed: {rule}"))
            }
            SchedulerError::InvalidRequest { field, value, rule } => {
                Self::invalid(wire_name(field), format!("\"{value}\" is not allowed: {rule}"))
            }
            SchedulerError::Repository { during: _, source } => source.into(),
            SchedulerError::InvalidConfig { .. } | SchedulerError::Runtime { .. } => Self::unforeseen(&error),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Store { registry: _, source } => source.into(),
            error => Self::unforeseen(&error),
        }
    }
}

impl ApiError {
    /// What a server could not do with a row that is its own concern, and not what was asked for.
    pub(crate) fn of_server(error: RepositoryError) -> Self {
        match error {
            RepositoryError::CorruptRow { .. } => Self::unforeseen(&error),
            error => error.into(),
        }
    }

    fn unforeseen(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = with_causes(error), "a request failed");
        Self::internal()
    }
}

/// How a schedule's field that the scheduler names is called in the API.
fn wire_name(field: &'static str) -> &'static str {
    match field {
        "specification" => "cronExpression",
        "misfire" => "policies.misfire",
        "grace" => "policies.graceSeconds",
        "catchUpMax" => "policies.catchUpMax",
        "catchUpWindow" => "policies.catchUpWindowSeconds",
        "overlap" => "policies.overlap",
        "bufferLimit" => "policies.bufferLimit",
        "spread" => "policies.spreadSeconds",
        "maxRuns" => "policies.maxRuns",
        "pauseAfterFailures" => "policies.pauseAfterFailures",
        other => other,
    }
}

pub(crate) async fn route_not_found(uri: Uri) -> ApiError {
    ApiError::missing(format!("there is no {}", uri.path()))
}

pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        format!("{} does not take {method}", uri.path()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_a_repository_has_its_status() {
        let id = || "7".to_owned();
        let cases = [
            (
                RepositoryError::NotFound {
                    what: "task",
                    id: id(),
                },
                404,
                "NOT_FOUND",
            ),
            (
                RepositoryError::AlreadyExists {
                    what: "schedule",
                    field: "name",
                    value: "nightly".to_owned(),
                },
                409,
                "CONFLICT",
            ),
            (
                RepositoryError::VersionConflict {
                    what: "task",
                    id: id(),
                },
                409,
                "CONFLICT",
            ),
            (
                RepositoryError::IsFollowed {
                    id: id(),
                    followers: "b".to_owned(),
                },
                409,
                "CONFLICT",
            ),
            (
                RepositoryError::BrokenReference {
                    what: "task",
                    id: id(),
                },
                400,
                "VALIDATION_ERROR",
            ),
            (
                RepositoryError::DependencyCycle { id: id() },
                400,
                "VALIDATION_ERROR",
            ),
            (
                RepositoryError::FollowingCycle { circle: id() },
                400,
                "VALIDATION_ERROR",
            ),
            (
                RepositoryError::InvalidPage { limit: 0, max: 100 },
                400,
                "BAD_REQUEST",
            ),
            (
                RepositoryError::CorruptRow {
                    what: "job",
                    id: id(),
                    column: "input",
                    source: "trailing characters".into(),
                },
                409,
                "CONFLICT",
            ),
        ];
        for (error, status, code) in cases {
            let text = error.to_string();
            let answer = ApiError::from(error);
            assert_eq!(
                (answer.status().as_u16(), answer.code()),
                (status, code),
                "{text}"
            );
            assert!(answer.to_string().contains(&text), "{answer} lacks {text}");
        }
    }

    #[test]
    fn what_the_sender_has_no_part_in_is_told_without_internals() {
        let unavailable = RepositoryError::Unavailable {
            during: "reading",
            source: "password authentication failed for ratchet".into(),
        };
        let refused = RepositoryError::Refused {
            during: "storing",
            source: "near SELECT: syntax error".into(),
        };
        for (error, status) in [(unavailable, 503), (refused, 500)] {
            let answer = ApiError::from(SchedulerError::Repository {
                during: "updating",
                source: error,
            });
            assert_eq!(answer.status().as_u16(), status);
            let text = answer.to_string();
            assert!(!text.contains("password") && !text.contains("SELECT"), "{text}");
        }
    }

    #[test]
    fn a_refused_field_is_told_by_the_name_that_the_api_gives_it() {
        let error = SchedulerError::InvalidSchedule {
            schedule: "nightly".to_owned(),
            field: "specification",
            value: "99 * * * *".to_owned(),
            source: "minute: allowed is 0 to 59".into(),
        };
        let answer = ApiError::from(error);
        assert_eq!(
            answer.to_string(),
            "cronExpression: \"99 * * * *\" is not allowed: minute: allowed is 0 to 59"
        );
    }
}
