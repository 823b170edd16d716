mod complete;
mod compose;
mod particular;
mod show;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::error::ApiError;

/// Where the document is.
pub(crate) const PATH: &str = "/api-docs/openapi.json";

/// What of the document stands in no handler.
#[derive(OpenApi)]
#[openapi(info(
    title = "Ratchet API",
    description = "The HTTP API of Ratchet's scheduler.",
    license(name = "MIT OR Apache-2.0")
))]
struct Frame;

pub(crate) fn frame() -> Document {
    let mut document = Frame::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.contact = None;
    document
}

/// The whole document: what the handlers say, and what holds of all of them.
pub(crate) fn complete(document: &Document) -> Result<Value, serde_json::Error> {
    let mut document = serde_json::to_value(document)?;
    complete::complete(&mut document);
    Ok(document)
}

/// Answers with the document.
pub(crate) fn answer(document: &Document) -> Response {
    match complete(document) {
        Ok(document) => Json(document).into_response(),
        Err(error) => {
            tracing::error!(%error, "the document cannot be written");
            ApiError::internal().into_response()
        }
    }
}
