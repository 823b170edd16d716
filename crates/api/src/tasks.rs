//! `/tasks`: what jobs run, and where it comes from.

mod change;
mod list;
mod read;
mod retry;
mod synchronize;
mod view;
mod write;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, write::create))
        .routes(routes!(read::statistics))
        .routes(routes!(synchronize::synchronize))
        .routes(routes!(read::get, write::patch, write::delete))
        .routes(routes!(write::enable))
        .routes(routes!(write::disable))
}

/// What the document groups the routes by.
const TAG: &str = "tasks";

#[cfg(test)]
mod tests;
