//! Where tasks come from, and whether they are in order.
//!
//! **Purpose.** [`EmbeddedRegistry`] holds the tasks that come with the server. [`TaskRegistryManager`] makes the
//! stored tasks what the registries say they are. [`SchemaValidator`] checks definitions, and input and output against
//! a task's JSON Schemas. [`default_schedules`] says which schedules a fresh server wants for its own tasks.
//!
//! **Must not know** SeaORM, axum, how a task is run, or when. Deliberately absent: anything that deletes a stored
//! task (jobs and schedules may refer to it long after its registry forgot it), anything that creates a schedule (the
//! server decides about the wishes here), and any network: a schema that refers to another document is refused.
//!
//! **Lower neighbours**: `ratchet-interfaces`.

mod default_schedule;
mod embedded;
mod manager;
mod plan;
mod validator;

pub use default_schedule::{DefaultSchedule, default_schedules};
pub use embedded::EmbeddedRegistry;
pub use manager::TaskRegistryManager;
pub use validator::SchemaValidator;
