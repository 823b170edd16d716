//! `/jobs`: the runs of tasks that must happen, or have.

mod cancel;
mod create;
mod deliveries;
mod list;
mod queue;
mod read;
mod retry;
mod view;

#[cfg(test)]
pub(crate) use {deliveries::Deliveries, list::Jobs};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(retry::retry_many))
        .routes(routes!(read::get))
        .routes(routes!(cancel::cancel))
        .routes(routes!(retry::retry))
        .routes(routes!(deliveries::list))
}

/// What the document groups the routes by.
const TAG: &str = "jobs";

#[cfg(test)]
mod tests;
