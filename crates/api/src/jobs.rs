//! `/jobs`: the runs of tasks that must happen, or have.

mod cancel;
mod change;
mod create;
mod delete;
mod deliveries;
mod event;
mod list;
mod queue;
mod read;
mod retry;
mod statistics;
mod view;

#[cfg(test)]
pub(crate) use {deliveries::Deliveries, list::Jobs};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) use cancel::{CancelJob, call_off};
pub(crate) use create::run_now;
pub(crate) use retry::put_back_one;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, create::create))
        .routes(routes!(retry::retry_many))
        .routes(routes!(statistics::statistics))
        .routes(routes!(read::get, change::patch, delete::delete))
        .routes(routes!(cancel::cancel))
        .routes(routes!(retry::retry))
        .routes(routes!(deliveries::list))
}

/// What the document groups the routes by.
const TAG: &str = "jobs";

#[cfg(test)]
mod tests;
