//! `/workers`: who runs jobs.

mod read;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list))
        .routes(routes!(read::statistics))
}

/// What the document groups the routes by.
const TAG: &str = "workers";

#[cfg(test)]
mod tests;
