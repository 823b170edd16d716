//! HTTP requests that leave this process on somebody's behalf: a task's `fetch`, an `http` task, a webhook.
//!
//! **Purpose.** One client, with one guard: a request reaches no private, loopback or link-local address unless the
//! configuration allows it, however it gets there (a name that resolves to one, a redirect, a literal). Time, size and
//! number of redirects are bounded; only an answer that is opened to be read as it comes may go on.
//!
//! **Must not know** tasks, jobs, deliveries, or who asks. Deliberately absent: retries (whoever asks knows when),
//! signatures and authentication (they are headers here), cookies, compressed answers (none is asked for, so that
//! nothing grows after it was measured), and a proxy taken from the environment.
//!
//! **Lower neighbours**: none.
//!
//! ```
//! # async fn example() -> Result<(), ratchet_outbound::OutboundError> {
//! use ratchet_outbound::{AddressPolicy, OutboundClient, OutboundRequest};
//! let client = OutboundClient::new(AddressPolicy::default())?;
//! let answer = client.send(OutboundRequest::get("https://example.org/")).await?;
//! assert_eq!(answer.status, 200);
//! # Ok(())
//! # }
//! ```

mod address_policy;
mod client;
mod connector;
mod error;
mod network;
mod redirect;
mod request;
mod response;
mod roots;
mod stream;

pub use address_policy::AddressPolicy;
pub use client::OutboundClient;
pub use error::{AddressPolicyError, OutboundError};
pub use request::OutboundRequest;
pub use response::OutboundResponse;
pub use stream::OutboundStream;
