//! `/executions`: the attempts at jobs, and what their tasks printed.

mod change;
mod list;
mod logs;
mod pending;
mod read;
mod statistics;
mod subject;
mod view;

pub(crate) use view::Standing;
#[cfg(test)]
pub(crate) use {list::Executions, logs::Lines, pending::Asked};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, change::create))
        .routes(routes!(statistics::statistics))
        .routes(routes!(read::get, change::patch, change::delete))
        .routes(routes!(change::cancel))
        .routes(routes!(change::retry))
        .routes(routes!(logs::list))
}

/// What the document groups the routes by.
const TAG: &str = "executions";

#[cfg(test)]
mod tests;
