//! Requests that may be sent again: the first answer is kept for a day, and given again.
//!
//! | the key is | the same request | another request |
//! |---|---|---|
//! | free, or a day old | it is done | it is done |
//! | of a request that is running | 409 | 422 |
//! | of one that was answered | that answer, replayed | 422 |
//! | of one that was broken off | 409 | 422 |
//!
//! An answer is kept that the same request would always get: 2xx, and 400, 413, 415 and 422. With any other the key is free
//! again: nothing was done (401, 403, 404, 409, 412), or it is worth another try (5xx).
//!
//! A request is broken off when the process ends before its answer is kept. Whether it was done is not known then, and the
//! key stays taken: that nothing is done twice is what a key is for. Whoever sent it looks, and takes another key.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::TimeDelta;
use ratchet_interfaces::{IdempotencyClaim, IdempotencyKey, IdempotencyState, KeptAnswer, with_causes};
use sha2::{Digest, Sha256};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::{ApiState, Services};

/// The header with the key.
pub(crate) const KEY_NAME: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub(crate) const REPLAYED_NAME: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The most characters of a key.
pub(crate) const LONGEST_KEY: usize = 255;
/// For how long an answer is kept.
pub(crate) const KEPT_FOR: TimeDelta = TimeDelta::days(1);
/// The headers of an answer that are kept: what they say is of what was done.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// The body that is kept instead of the answer's, which has a secret.
#[derive(Clone, Debug)]
pub(crate) struct WithoutSecret(pub(crate) String);

/// The keys whose requests are running in this process, each with what its request is.
#[derive(Debug, Default)]
pub(crate) struct RunningKeys(Mutex<HashMap<IdempotencyKey, String>>);

/// A key that was claimed, or the answer that it gives.
pub(crate) enum Claim {
    /// The request is to be done.
    Mine(Claimed),
    /// It was done before.
    Replayed(Response),
}

/// A key whose request is running: until this is dropped.
pub(crate) struct Claimed {
    key: IdempotencyKey,
    state: ApiState,
}

impl Drop for Claimed {
    fn drop(&mut self) {
        let running = &self.state.access().running.0;
        running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// The key of a request, if it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut given = headers.get_all(KEY_NAME).iter();
    let Some(first) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(ApiError::bad_request(
            "Idempotency-Key is given twice: it is allowed once",
        ));
    }
    let bytes = first.as_bytes();
    let is_visible = bytes.iter().all(u8::is_ascii_graphic);
    match first.to_str() {
        Ok(key) if is_visible && (1..=LONGEST_KEY).contains(&bytes.len()) => Ok(Some(key.to_owned())),
        _ => Err(ApiError::bad_request(format!(
            "Idempotency-Key has {} bytes: allowed are 1 to {LONGEST_KEY} visible characters of ASCII",
            bytes.len()
        ))),
    }
}

/// What tells a request from another.
fn fingerprint(parts: &Parts, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    for part in [parts.method.as_str().as_bytes(), path.as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Claims the key of a request, or finds what it was answered before.
pub(crate) async fn claim(
    state: &ApiState,
    services: &Services,
    caller: &Caller,
    key: String,
    (parts, body): (&Parts, &Bytes),
) -> Result<Claim, ApiError> {
    let client = caller.identity.token_id();
    let key = IdempotencyKey {
        client: client.map_or_else(|| caller.identity.name().to_owned(), |id| id.to_string()),
        route: caller.operation.id.clone(),
        key,
    };
    let fingerprint = fingerprint(parts, body);
    let claimed = state.access().running.begin(state, &key, &fingerprint)?;
    let now = services.clock.now();
    let wanted = IdempotencyClaim {
        key,
        fingerprint,
        at: now,
        expired_before: now - KEPT_FOR,
    };
    let keys = services.repositories.idempotency();
    match keys
        .idempotency_claim(&wanted)
        .await
        .map_err(ApiError::of_server)?
    {
        IdempotencyState::Claimed => Ok(Claim::Mine(claimed)),
        IdempotencyState::Answered(answer) => Ok(Claim::Replayed(replayed(answer)?)),
        IdempotencyState::OfAnother => Err(of_another(&claimed.key.key)),
        IdempotencyState::Unanswered => Err(ApiError::conflict(format!(
            "Idempotency-Key: the first request with \"{}\" was broken off, and may be done or not: look, and send it with \
             another key if it is not",
            claimed.key.key
        ))),
    }
}

impl RunningKeys {
    fn begin(&self, state: &ApiState, key: &IdempotencyKey, fingerprint: &str) -> Result<Claimed, ApiError> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match running.get(key) {
            Some(first) if first == fingerprint => Err(ApiError::conflict(format!(
                "Idempotency-Key: the first request with \"{}\" is still running",
                key.key
            ))),
            Some(_) => Err(of_another(&key.key)),
            None => {
                running.insert(key.clone(), fingerprint.to_owned());
                Ok(Claimed {
                    key: key.clone(),
                    state: state.clone(),
                })
            }
        }
    }
}

fn of_another(key: &str) -> ApiError {
    ApiError::mistyped(format!(
        "Idempotency-Key: \"{key}\" was given with another request: a new request has a new key"
    ))
}

fn replayed(answer: KeptAnswer) -> Result<Response, ApiError> {
    let KeptAnswer {
        status,
        headers,
        body,
    } = answer;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| ApiError::internal())?;
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| ApiError::internal())?;
        let value = HeaderValue::try_from(value).map_err(|_| ApiError::internal())?;
        response.headers_mut().insert(name, value);
    }
    response
        .headers_mut()
        .insert(REPLAYED_NAME, HeaderValue::from_static("true"));
    Ok(response)
}

impl Claimed {
    /// Keeps the answer, or frees the key.
    pub(crate) async fn settle(self, services: &Services, response: Response) -> Response {
        let keys = services.repositories.idempotency();
        let (response, settled) = if is_kept(response.status()) {
            let (mut parts, body) = response.into_parts();
            let Ok(body) = to_bytes(body, usize::MAX).await else {
                // A handler's body is whole before it is sent.
                tracing::error!(
                    operation = self.key.route,
                    "the answer could not be read, and is not kept"
                );
                return axum::response::IntoResponse::into_response(ApiError::internal());
            };
            let shown = parts.extensions.remove::<WithoutSecret>();
            let shown = shown.map_or_else(|| String::from_utf8_lossy(&body).into_owned(), |kept| kept.0);
            let answer = kept(&parts, shown);
            let settled = keys.idempotency_keep(&self.key, &answer).await;
            (Response::from_parts(parts, Body::from(body)), settled)
        } else {
            (response, keys.idempotency_release(&self.key).await)
        };
        if let Err(error) = settled {
            // The request was done or refused, and that is its answer; the key counts as one that was broken off.
            tracing::error!(
                operation = self.key.route,
                error = with_causes(&error),
                "the answer to a request with an idempotency key could not be kept"
            );
        }
        response
    }
}

/// Whether the same request would always get this answer.
fn is_kept(status: StatusCode) -> bool {
    status.is_success()
        || matches!(
            status,
            StatusCode::BAD_REQUEST
                | StatusCode::PAYLOAD_TOO_LARGE
                | StatusCode::UNSUPPORTED_MEDIA_TYPE
                | StatusCode::UNPROCESSABLE_ENTITY
        )
}

fn kept(parts: &axum::http::response::Parts, body: String) -> KeptAnswer {
    let header = |name: &HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    KeptAnswer {
        status: parts.status.as_u16(),
        headers: KEPT_HEADERS.iter().filter_map(header).collect(),
        body,
    }
}

#[cfg(test)]
mod tests;
