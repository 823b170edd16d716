use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use ratchet_interfaces::{ApiId, ExecutionId, JobId, ScheduleId, TaskId, TokenId};

use crate::error::ApiError;

/// The noun that a kind of id identifies.
pub(crate) trait Identifies: From<ApiId> + Send {
    const NOUN: &str;
}

impl Identifies for ScheduleId {
    const NOUN: &str = "schedule";
}

impl Identifies for TaskId {
    const NOUN: &str = "task";
}

impl Identifies for JobId {
    const NOUN: &str = "job";
}

impl Identifies for ExecutionId {
    const NOUN: &str = "execution";
}

impl Identifies for TokenId {
    const NOUN: &str = "token";
}

/// The `{id}` of a path. Ids are opaque to whoever sends them, so one that cannot be an id is one that does not exist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PathId<I>(pub(crate) I);

impl<S: Send + Sync, I: Identifies> FromRequestParts<S> for PathId<I> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let parameters = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|rejection| ApiError::bad_request(rejection.to_string()))?;
        let text = parameters
            .iter()
            .find(|(name, _)| *name == "id")
            .map_or("", |(_, text)| text);
        let id: ApiId = text.parse().map_err(|_| ApiError::not_found(I::NOUN, text))?;
        Ok(Self(I::from(id)))
    }
}
