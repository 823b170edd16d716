//! The HTTP API: routes below `/api/v1`, what goes over the wire, and the OpenAPI document.
//!
//! **Purpose.** Requests become calls of the traits of `ratchet-interfaces`, and what those answer becomes JSON. The
//! document is generated from the handlers; what a list can be filtered and sorted by is declared once, and that
//! declaration is both the parser and the document.
//!
//! **Must not know** SQL, files, settings, or how schedules fire. Deliberately absent: rules of the domain (the services
//! below refuse what is wrong, and one place here makes answers of refusals), listening and health (that is
//! `ratchet-server`).
//!
//! **The way of a request**, from outside in; what is refused goes no further:
//!
//! ```text
//!  harden ─► CORS ─► time and panics (guard) ─► admit (auth) ─► change ─► handler
//!                                               │               │
//!                                               │               ├ body read whole, in a task of its own
//!                                               │               ├ idempotency key: claimed, or answered again
//!                                               │               └ audit log, after the answer is known
//!                                               ├ operation: declared in the document, or 405
//!                                               ├ token, or nobody needs one
//!                                               ├ Host and Origin (guard)
//!                                               ├ rate limit
//!                                               └ scope
//! ```
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-recurrence`.

mod audit;
mod auth;
mod body;
mod browse;
mod change;
mod config;
mod destination;
mod document;
mod envelope;
mod error;
mod etag;
mod events;
mod example;
mod executions;
mod forecast;
mod guard;
mod harden;
mod id;
mod idempotency;
mod job;
mod jobs;
mod list;
mod named;
mod operation;
mod origin;
mod rate;
mod readable;
mod router;
mod run;
mod schedules;
mod state;
mod tasks;
#[cfg(test)]
mod test_support;
mod tokens;
mod workers;

pub use config::ApiConfig;
pub use error::ApiError;
pub use events::EventHub;
pub use origin::{Origin, OriginError};
pub use router::{PREFIX, openapi, router};
pub use state::{ApiState, Services};
