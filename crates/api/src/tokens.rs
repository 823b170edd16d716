//! `/tokens`: who may use the API.

mod create;
mod list;
mod read;
mod revoke;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(revoke::revoke))
}

/// What the document groups the routes by.
const TAG: &str = "tokens";

#[cfg(test)]
mod tests;
