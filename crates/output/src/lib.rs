//! How results leave the process.
//!
//! **Purpose.** [`OutputDeliveryManager`] makes one attempt to bring a result to its destination: as a line or a block
//! on standard output or error, as a file below one folder, or as a signed HTTP request. It checks a destination before
//! anything is delivered there.
//!
//! **Must not know** SeaORM, axum, jobs, or the outbox. Deliberately absent: retries, and what becomes of a failed
//! delivery, both of which are the delivery worker's (`ratchet-executor`); and which addresses a request may reach, which
//! the client knows that it is given.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-outbound`, `ratchet-template`.

mod compression;
mod content;
mod file_path;
mod folder;
mod format;
mod line_writer;
mod manager;
mod stdio;
mod webhook;

pub use folder::OutputFolder;
pub use manager::{OutputDeliveryManager, OutputParts};
