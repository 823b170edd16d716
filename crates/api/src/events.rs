//! `/events`: what happens, as it happens, as server-sent events.
//!
//! ```text
//!  engine ──emit──► hub: a ring of the last events ──each client at its own pace──► filter ──► stream
//! ```
//!
//! The engine writes into the ring and is done. Who reads too slowly, or comes back too late, finds that the ring has gone
//! on, and is told so by an event `gap`.

mod filter;
mod hub;
mod position;
mod stream;
mod view;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{Caller, Permit};
use crate::error::{ApiError, ErrorEnvelope};
use crate::state::{ApiState, Services};
pub(crate) use filter::EXAMPLE as LAST_EVENT_ID;
use filter::EventQuery;
pub use hub::EventHub;
use position::Position;
use stream::Watcher;
use view::EventView;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(watch))
}

/// What happens from now on, or from where an earlier stream ended: server-sent events until the client goes, the server
/// stops, or the token that was shown expires or is revoked.
///
/// Each event has its type as its name, and in its data as `type`. Its id is where to go on after it: a client that
/// comes back with it, as browsers do by themselves, gets what it has missed; the server keeps the last 10,000
/// events. What it cannot get any more an event `gap` stands for, after which the client reads again what it shows.
/// Lines that begin with a colon come every 15 seconds where nothing else does.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    operation_id = "events_watch",
    params(EventQuery),
    responses(
        (status = 200, body = EventView, content_type = "text/event-stream", description = "Events, without an end"),
        (status = 400, body = ErrorEnvelope, description = "A parameter is unknown or not allowed"),
        (status = 503, body = ErrorEnvelope, description = "The server starts or stops"),
    )
)]
async fn watch(
    State(state): State<ApiState>,
    services: Services,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    query: EventQuery,
) -> Result<Response, ApiError> {
    let EventQuery { filter, after } = query;
    let after = match after {
        Some(after) => Some(after),
        None => headers
            .get("last-event-id")
            .map(last_event_id)
            .transpose()?
            .flatten(),
    };
    let permit = Permit::new(caller.identity, services, &state);
    let watcher = Watcher::new(state.events(), state.shared_clock(), filter, after, permit);
    let mut response = Sse::new(events(watcher)).into_response();
    // Proxies that gather what they pass on would hold events back.
    response.headers_mut().insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    Ok(response)
}

/// A browser sends an empty one where it was given none.
fn last_event_id(value: &HeaderValue) -> Result<Option<Position>, ApiError> {
    let text = value.to_str().unwrap_or("\u{fffd}");
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|rule| ApiError::invalid("Last-Event-ID", rule))
}

fn events(watcher: Watcher) -> impl Stream<Item = Result<Event, Infallible>> {
    futures_util::stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok(event), watcher))
    })
}

impl ApiState {
    /// What the engine tells, for those who watch.
    #[must_use]
    pub fn events(&self) -> Arc<EventHub> {
        Arc::clone(&self.events)
    }
}
