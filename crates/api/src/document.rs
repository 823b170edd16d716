use axum::Json;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

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

/// Answers with the document.
pub(crate) fn answer(document: &Document) -> Response {
    Json(document).into_response()
}
