//! The HTTP API: routes below `/api/v1`, what goes over the wire, and the OpenAPI document.
//!
//! **Purpose.** Requests become calls of the traits of `ratchet-interfaces`, and what those answer becomes JSON. The
//! document is generated from the handlers; what a list can be filtered and sorted by is declared once, and that
//! declaration is both the parser and the document.
//!
//! **Must not know** SQL, files, settings, or how schedules fire. Deliberately absent: rules of the domain (the services
//! below refuse what is wrong, and one place here makes answers of refusals), listening and health (that is
//! `ratchet-server`), and authentication: whoever serves this must listen on loopback only, and requests that name
//! another host, or come from a page of one, are refused here.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-recurrence`.

mod body;
mod destination;
mod document;
mod envelope;
mod error;
mod etag;
mod events;
mod executions;
mod guard;
mod id;
mod job;
mod jobs;
mod list;
mod named;
mod router;
mod run;
mod schedules;
mod state;
#[cfg(test)]
mod test_support;

pub use error::ApiError;
pub use events::EventHub;
pub use router::{PREFIX, router};
pub use state::{ApiState, Services};
