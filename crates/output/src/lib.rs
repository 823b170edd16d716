//! How results leave the process.
//!
//! **Purpose.** [`OutputDeliveryManager`] makes one attempt to bring a result to its destination, by the
//! destination's type: a line on standard output or error.
//!
//! **Must not know** SeaORM, axum, jobs, or the outbox. Deliberately absent: retries, timeouts and what becomes of a
//! failed delivery, all of which are the delivery worker's (`ratchet-executor`).
//!
//! **Lower neighbours**: `ratchet-interfaces`.

mod line;
mod line_writer;
mod manager;

pub use manager::OutputDeliveryManager;
