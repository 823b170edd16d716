use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

use crate::body::MOST_BYTES;
use crate::error::{method_not_allowed, route_not_found};
use crate::state::ApiState;
use crate::{document, events, executions, guard, jobs, schedules};

/// What the paths of the API begin with.
pub const PREFIX: &str = "/api/v1";

/// The routes of the API, those `beside` them, and an answer in the API's envelope for whatever is no route.
pub fn router(state: ApiState, beside: OpenApiRouter) -> Router {
    let (beside, beside_document) = beside.split_for_parts();
    let (api, mut document) = OpenApiRouter::with_openapi(document::frame())
        .nest(PREFIX, schedules::routes())
        .nest(PREFIX, jobs::routes())
        .nest(PREFIX, executions::routes())
        .nest(PREFIX, events::routes())
        .split_for_parts();
    document.merge(beside_document);
    let document = Arc::new(document);
    api.layer(DefaultBodyLimit::max(MOST_BYTES))
        .layer(from_fn_with_state(state.clone(), guard::to_an_answer))
        .layer(from_fn(guard::local_only))
        .with_state(state)
        .route(document::PATH, get(async move || document::answer(&document)))
        .merge(beside)
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

#[cfg(test)]
mod tests;
