//! The tick index, and tokio-cron-scheduler's storage traits over it.
//!
//! **Purpose.** [`MetadataStore`] knows, for every enabled schedule, its next tick: in memory, in the order of
//! time, at about a hundred bytes a schedule. The engine asks it what is due; tokio-cron-scheduler sees it as its
//! `MetaDataStorage`, and [`ActivationCode`] as its `JobCode`, so that the stock `JobScheduler` runs on it too.
//!
//! **Must not know** SeaORM, axum, tasks, and how a due tick becomes a job.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-recurrence`, `ratchet-repository-bridge`.
//!
//! Deliberately absent: any copy of a schedule's row (name, input, destinations are read in the transaction that
//! fires), and any arithmetic of tokio-cron-scheduler's: next ticks come from `ratchet-recurrence` alone.

mod activation_code;
mod awaited;
mod in_order;
mod job_data;
mod metadata_storage;
mod store;
mod tick_index;
mod timetable_pool;

pub use activation_code::ActivationCode;
pub use job_data::JobDataError;
pub use store::{DueTick, LoadReport, MetadataStore, ZoneDataChange};

/// The founding plan's name of [`MetadataStore`]; it works over any repository.
pub type SqliteMetadataStore = MetadataStore;
