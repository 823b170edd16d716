//! `/forecast`: the ticks to come of all schedules.

mod bounded;
mod query;
mod read;
mod view;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(read::forecast))
}

/// What the document groups the route by.
const TAG: &str = "forecast";

#[cfg(test)]
mod tests;
