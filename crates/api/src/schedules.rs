//! `/schedules`: what is fired when, and what became of it.

mod apply;
mod change;
mod instants;
mod list;
mod pause;
mod policies;
mod read;
mod run;
mod ticks;
mod view;
mod why;
mod write;

pub(crate) use policies::whole_milliseconds;
#[cfg(test)]
pub(crate) use {list::Schedules, ticks::Ticks};

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(read::list, write::create))
        .routes(routes!(apply::apply))
        .routes(routes!(apply::export))
        .routes(routes!(read::statistics))
        .routes(routes!(instants::preview))
        .routes(routes!(read::get, write::patch, write::delete))
        .routes(routes!(write::enable))
        .routes(routes!(write::disable))
        .routes(routes!(run::trigger))
        .routes(routes!(run::backfill))
        .routes(routes!(instants::next))
        .routes(routes!(ticks::list))
        .routes(routes!(pause::pause))
        .routes(routes!(pause::resume))
        .routes(routes!(why::why))
}

/// What the document groups the routes by.
const TAG: &str = "schedules";

#[cfg(test)]
mod tests;
