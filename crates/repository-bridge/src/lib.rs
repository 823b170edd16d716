//! The only way from the engine to the stored data.
//!
//! **Purpose.** It turns what the repositories store into what the engine works with (a parsed
//! [`Specification`](ratchet_recurrence::Specification) instead of a text), and the engine's decisions into what the
//! repositories store, so that the engine holds no repository and the repositories know no engine.
//!
//! **Must not know** SeaORM or any SQL, tokio-cron-scheduler, and what time it is: instants are arguments.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-recurrence`.
//!
//! Deliberately absent: a cache (the tick index above is the only copy of a schedule in memory), and a verb that
//! returns all schedules at once (a million rows would stand in memory twice).

mod bridge;
mod pages;
mod specification;
mod timetable;
mod zone_data;

pub use bridge::RepositoryBridge;
pub use pages::{InvalidSchedule, LoadedPage, ScheduleJobData, SchedulePages};
pub use specification::{SpecificationError, end_of, first_tick, parse_specification, read_specification};
pub use timetable::{Timetable, offset_of};
pub use zone_data::NextRunChange;
