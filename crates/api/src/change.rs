use std::panic::AssertUnwindSafe;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::audit::{self, Deed};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::idempotency::{self, Claim};
use crate::state::{ApiState, Services};

/// Has a change done in a task of its own: a client that does not wait for the answer breaks nothing off, and what became
/// of it stands in the audit log all the same. Reading passes.
pub(crate) async fn in_a_task(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let task = tokio::spawn(async move {
        done(&state, request, next)
            .await
            .unwrap_or_else(IntoResponse::into_response)
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a change was broken off");
        ApiError::internal().into_response()
    })
}

async fn done(state: &ApiState, request: Request, next: Next) -> Result<Response, ApiError> {
    let services = state.services()?;
    let (mut parts, body) = request.into_parts();
    let Some(caller) = parts.extensions.get::<Caller>().cloned() else {
        // Whoever did not pass the gate does not come here.
        return Err(ApiError::internal());
    };
    let mut deed = Deed {
        resource_id: path_id(&mut parts).await,
        fields: Vec::new(),
        status: caller.operation.success,
        note: None,
    };
    let request = Request::from_parts(parts, body);
    let answer = match outcome(state, &services, &caller, request, next, &mut deed).await {
        Ok(Outcome::Replayed(answer)) => return Ok(answer),
        Ok(Outcome::Answered(answer)) => answer,
        Err(refusal) => refusal.into_response(),
    };
    deed.resource_id = deed.resource_id.or_else(|| created_id(answer.headers()));
    deed.status = answer.status();
    audit::record_change(state, &services, &caller, deed).await;
    Ok(answer)
}

enum Outcome {
    Answered(Response),
    /// Nothing was done: it is the answer to an earlier request.
    Replayed(Response),
}

async fn outcome(
    state: &ApiState,
    services: &Services,
    caller: &Caller,
    request: Request,
    next: Next,
    deed: &mut Deed,
) -> Result<Outcome, ApiError> {
    let (parts, body) = request.into_parts();
    let body = crate::body::bytes(Request::from_parts(parts.clone(), body), &()).await?;
    deed.fields = audit::fields_of(&body);
    let claimed = match key(&parts)? {
        None => None,
        Some(key) => match idempotency::claim(state, services, caller, key, (&parts, &body)).await? {
            Claim::Replayed(answer) => return Ok(Outcome::Replayed(answer)),
            Claim::Mine(claimed) => Some(claimed),
        },
    };
    let answer = answer(parts, body, next);
    let answer = match audit::note(services, caller, deed) {
        Some(note) => note.during(answer).await,
        None => answer.await,
    };
    Ok(Outcome::Answered(match claimed {
        Some(claimed) => claimed.settle(services, answer).await,
        None => answer,
    }))
}

/// The idempotency key; only what a POST does is not the same when it is done twice.
fn key(parts: &Parts) -> Result<Option<String>, ApiError> {
    if parts.method == Method::POST {
        idempotency::key(&parts.headers)
    } else {
        Ok(None)
    }
}

/// What the handler answers, also if it panics: the change may have been made.
async fn answer(parts: Parts, body: Bytes, next: Next) -> Response {
    let request = Request::from_parts(parts, Body::from(body));
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        tracing::error!("a request ended in a panic");
        ApiError::internal().into_response()
    })
}

async fn path_id(parts: &mut Parts) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    let id = parameters.iter().find(|(name, _)| *name == "id");
    id.map(|(_, id)| audit::shortened(id))
}

/// The id of what was created, from the path at which it is.
fn created_id(headers: &HeaderMap) -> Option<String> {
    let path = headers.get(header::LOCATION)?.to_str().ok()?;
    path.rsplit('/').next().map(str::to_owned)
}
