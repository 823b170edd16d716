use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// An answer about a row, with its version as the entity tag.
#[derive(Debug)]
pub(crate) struct Tagged<T> {
    pub(crate) version: u32,
    pub(crate) answer: T,
}

impl<T: IntoResponse> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        if let Ok(tag) = HeaderValue::try_from(tag(self.version)) {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

fn tag(version: u32) -> String {
    format!("\"{version}\"")
}

/// How often a change is made that somebody else's come before.
const ATTEMPTS: usize = 8;

/// What a request says of how the row must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing.
    Absent,
    /// It must exist.
    Any,
    /// It must have one of these tags.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Refuses a row of another version than the request names.
    pub(crate) fn check(&self, version: u32) -> Result<(), ApiError> {
        match self {
            Self::Absent | Self::Any => Ok(()),
            // A weak tag never matches here: RFC 9110, section 13.1.1.
            Self::OneOf(tags) if tags.contains(&tag(version)) => Ok(()),
            Self::OneOf(tags) => Err(ApiError::stale(format!(
                "If-Match is {}, but the ETag is {}: read it again and repeat the change",
                tags.join(", "),
                tag(version)
            ))),
        }
    }

    /// Makes a change, which reads the row, and makes it anew on what somebody else wrote meanwhile, unless the request names the
    /// version that it is meant for. No change is lost: each is made on the one before.
    pub(crate) async fn settle<T, F>(&self, change: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        for _ in 1..ATTEMPTS {
            match change().await {
                Err(conflict) if conflict.is_version_conflict() && !self.names_versions() => {}
                settled => return settled.map_err(|error| self.overtaken(error)),
            }
        }
        change().await.map_err(|error| self.overtaken(error))
    }

    const fn names_versions(&self) -> bool {
        matches!(self, Self::OneOf(_))
    }

    /// A change that somebody else's came before is a failed precondition for who named a version.
    fn overtaken(&self, conflict: ApiError) -> ApiError {
        if conflict.is_version_conflict() && self.names_versions() {
            ApiError::stale(conflict.to_string())
        } else {
            conflict
        }
    }

    fn read(text: &str) -> Self {
        let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
        if tags.iter().any(|tag| tag == "*") {
            Self::Any
        } else {
            Self::OneOf(tags)
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut texts = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            let text = value
                .to_str()
                .map_err(|_| ApiError::bad_request("If-Match is no list of entity tags"))?;
            texts.push(text);
        }
        Ok(if texts.is_empty() {
            Self::Absent
        } else {
            Self::read(&texts.join(","))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_matches_its_own_tag_and_no_other() {
        for (header, matches) in [
            ("\"7\"", true),
            ("\"6\", \"7\"", true),
            ("*", true),
            ("\"6\"", false),
            ("7", false),
            ("W/\"7\"", false),
            ("", false),
        ] {
            assert_eq!(IfMatch::read(header).check(7).is_ok(), matches, "{header}");
        }
        let refusal = IfMatch::read("\"6\"").check(7).unwrap_err();
        assert_eq!(refusal.status().as_u16(), 412);
        assert!(IfMatch::Absent.check(7).is_ok());
    }
}
