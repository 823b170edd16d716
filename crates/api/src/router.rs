use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use serde_json::Value;
use tower_http::cors::CorsLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::auth::{Gate, admit};
use crate::body::MOST_BYTES;
use crate::error::{method_not_allowed, route_not_found};
use crate::harden::harden;
use crate::operation::Operations;
use crate::origin::Origin;
use crate::state::ApiState;
use crate::{
    audit, browse, change, document, events, executions, forecast, guard, idempotency, jobs, operation,
    schedules, tasks, tokens, workers,
};

/// What the paths of the API begin with.
pub const PREFIX: &str = "/api/v1";

/// The OpenAPI document of the API, with those of the routes beside it, as the server answers it.
///
/// # Errors
/// The error of `serde_json` where the document cannot be written.
pub fn openapi(guarded: OpenApi, open: OpenApi) -> Result<Value, serde_json::Error> {
    let (_, document, _) = parts(guarded, open);
    document::complete(&document)
}

/// The routes of the API, the document of these and of those beside them, and what can be done by them.
fn parts(guarded: OpenApi, open: OpenApi) -> (Router<ApiState>, OpenApi, Operations) {
    let (api, mut document) = OpenApiRouter::with_openapi(document::frame())
        .nest(PREFIX, schedules::routes())
        .nest(PREFIX, jobs::routes())
        .nest(PREFIX, executions::routes())
        .nest(PREFIX, tasks::routes())
        .nest(PREFIX, workers::routes())
        .nest(PREFIX, tokens::routes())
        .nest(PREFIX, audit::routes())
        .nest(PREFIX, events::routes())
        .nest(PREFIX, forecast::routes())
        .split_for_parts();
    document.merge(guarded);
    let operations = operation::declare(&mut document);
    document.merge(open);
    (api, document, operations)
}

/// The routes of the API, those that ask for tokens as these do, those that are open to all, and an answer in the API's
/// envelope for whatever is no route.
pub fn router(state: ApiState, guarded: OpenApiRouter, open: OpenApiRouter) -> Router {
    let (guarded, of_guarded) = guarded.split_for_parts();
    let (open, of_open) = open.split_for_parts();
    let (api, document, operations) = parts(of_guarded, of_open);
    let api = api.merge(guarded.with_state(()));
    let gate = Gate {
        operations: Arc::new(operations),
        state: state.clone(),
    };
    let document = Arc::new(document);
    let origins = &state.access().config.cors_origins;
    let cors = (!origins.is_empty()).then(|| cors(origins));
    let router = api
        .layer(from_fn_with_state(state.clone(), change::in_a_task))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(gate, admit))
        .layer(from_fn_with_state(state.clone(), guard::to_an_answer))
        .with_state(state)
        .route(document::PATH, get(async move || document::answer(&document)))
        .merge(browse::routes())
        .merge(open)
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed);
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.layer(from_fn(harden))
}

/// Lets pages of these origins send requests, and read of the answers what programs read.
fn cors(origins: &[Origin]) -> CorsLayer {
    let origins = origins.iter().map(|origin| origin.header().clone());
    let name = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::PUT,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            idempotency::KEY_NAME,
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::CONTENT_RANGE,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            idempotency::REPLAYED_NAME,
            name("x-total-count"),
        ])
}

#[cfg(test)]
mod tests;
