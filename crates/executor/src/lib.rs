//! The job pipeline: it takes jobs off the queue, runs them, makes their ends durable and delivers their results.
//!
//! **Purpose.** [`JobPipeline`] claims jobs, runs each attempt under its timeout in a task runtime, and settles the
//! outcomes in groups. [`DeliveryWorker`] empties the outbox that settling fills.
//!
//! **Must not know** axum, SeaORM, SQL, cron, or which tasks exist. Deliberately absent: anything that decides *when*
//! a job is made (the scheduler does), any task runtime (they are in `ratchet-runtimes`), how a result leaves the process (`ratchet-output` does), and any timer that
//! looks into the database on suspicion: all loops sleep on a signal, on a known instant, or on a free slot, and an
//! idle process executes no statement.
//!
//! **Lower neighbours**: `ratchet-interfaces`.
//!
//! ```text
//!   jobs_available ─┐                                            ┌─► deliveries_available
//!                   ▼                                            │
//!   clock ──► claim loop ──► attempts (spawned, ──► settler ─────┤
//!                   ▲         one slot each)     (group commit)  │
//!                   └───────────── a retry's run_after ◄─────────┘
//!
//!   jobs_stopping ──► stop loop ──► attempts
//! ```
//!
//! Both parts have one lifecycle, which [`JobPipeline::stop`] describes: start and stop may be called in any order
//! and as often as one likes, and a stop returns when the part has stopped.

mod config;
mod delivery_worker;
mod error;
mod lifecycle;
mod outage;
mod pipeline;
mod reason;
mod rest;
mod server_status;
mod set_back;
mod stalls;

pub use config::ExecutorConfig;
pub use delivery_worker::{DeliveryWorker, DeliveryWorkerParts};
pub use error::ExecutorError;
pub use pipeline::{JobPipeline, JobPipelineParts};
pub use server_status::ServerStatus;
