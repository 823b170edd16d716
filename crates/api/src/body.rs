use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::error::ApiError;

mod text;
mod whole;

pub(crate) use whole::{nullable_whole, present_whole, whole, whole_or_null};

/// The most bytes of a request's body.
pub(crate) const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A JSON body that may be left out, or be null.
#[derive(Debug)]
pub(crate) struct OptionalJsonBody<T>(pub(crate) Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        check_content_type(request.headers())?;
        read(&bytes(request, state).await?).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let typed = check_content_type(request.headers());
        let bytes = bytes(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        typed?;
        read(&bytes).map(Self)
    }
}

pub(crate) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            ApiError::too_large(format!("the body is too large: {MOST_BYTES} bytes are allowed"))
        } else {
            ApiError::bad_request("the body could not be read to its end")
        }
    })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or(""));
    let essence = given
        .and_then(|given| given.split(';').next())
        .unwrap_or("")
        .trim();
    if is_json(essence) {
        return Ok(());
    }
    let given = given.map_or_else(|| "missing".to_owned(), |given| format!("\"{given}\""));
    Err(ApiError::unsupported_media_type(format!(
        "Content-Type is {given}: a body is sent as application/json"
    )))
}

fn is_json(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    text::check(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        // A field is looked at before what comes after it is read: whether that is JSON is asked first.
        if let Err(cause) = serde_json::from_slice::<IgnoredAny>(bytes) {
            malformed(&cause)
        } else if cause.is_data() {
            let rule = without_place(&cause.to_string());
            // A missing field is of the body itself, and named by the rule.
            ApiError::mistyped(if path == "." {
                rule
            } else {
                format!("{path}: {rule}")
            })
        } else {
            malformed(&cause)
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(body)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::bad_request(format!("the body is no JSON: {error}"))
}

/// The place in the text says nothing where a field is named.
fn without_place(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(place) => message[..place].to_owned(),
        None => message.to_owned(),
    }
}

/// For a field that may be left out, but not be null.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// For a field that may be left out, and means another thing when it is null.
#[expect(
    clippy::option_option,
    reason = "left out, null, and a value are three things"
)]
pub(crate) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only that it is read matters")]
        name: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only that it is read matters")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only that it is read matters")]
        count: u32,
    }

    async fn sent(content_type: Option<&str>, body: &str) -> Result<JsonBody<Sample>, ApiError> {
        let mut request = Request::builder();
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        JsonBody::from_request(request, &()).await
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_body_has_its_own_status_and_names_the_field() {
        for (body, status, words) in [
            ("{", 400, "no JSON"),
            ("", 400, "no JSON"),
            ("{\"name\": \"a\"} x", 400, "no JSON"),
            ("{\"name\": \"\u{1}\"}", 400, "no JSON"),
            ("{} {}", 400, "no JSON"),
            ("{\"name\": 7, }", 400, "no JSON"),
            ("{}", 422, "missing field `name`"),
            ("[]", 422, ""),
            (
                "{\"name\": 7}",
                422,
                "name: invalid type: integer `7`, expected a string",
            ),
            (
                "{\"name\": \"a\", \"inner\": [{\"count\": -1}]}",
                422,
                "inner[0].count: ",
            ),
            (
                "{\"name\": \"a\", \"inner\": [{}]}",
                422,
                "inner[0]: missing field `count`",
            ),
        ] {
            let error = sent(Some("application/json"), body).await.unwrap_err();
            assert_eq!(error.status().as_u16(), status, "{body}: {error}");
            assert!(error.to_string().contains(words), "{body}: {error}");
        }
    }

    #[tokio::test]
    async fn a_body_of_another_type_is_refused_and_fields_that_nobody_knows_are_not() {
        for content_type in [None, Some("text/plain"), Some("application/jsonx")] {
            let error = sent(content_type, "{\"name\": \"a\"}").await.unwrap_err();
            assert_eq!(error.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        for content_type in ["application/json; charset=utf-8", "Application/merge-patch+JSON"] {
            sent(Some(content_type), "{\"name\": \"a\", \"colour\": \"blue\"}")
                .await
                .unwrap();
        }
    }
}
