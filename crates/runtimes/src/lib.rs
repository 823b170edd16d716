//! The task runtimes: what is behind [`ratchet_interfaces::TaskExecutor`].
//!
//! **Purpose.** Each runtime runs tasks of one kind within the limits that it is given, tells the task's monitor what
//! the task says, and ends when it is told to stop. Another crate plugs in its own by implementing the same trait.
//!
//! **Must not know** the database, the queue, schedules, or what becomes of a result. Deliberately absent: retries,
//! timeouts (the pipeline keeps the time and tells the run to stop), and validation against a task's schemas.
//!
//! **Lower neighbours**: `ratchet-interfaces`, `ratchet-outbound`, `ratchet-template`.

mod absent;
mod builtin;
mod fetch;
mod http;
mod javascript;
mod process;
mod template_fields;

pub use absent::AbsentRuntime;
pub use builtin::BuiltinRuntime;
pub use fetch::Fetch;
pub use http::HttpRuntime;
pub use javascript::{JavaScriptConfig, JavaScriptConfigError, JavaScriptRuntime};
pub use process::{ProcessConfig, ProcessConfigError, ProcessRuntime};
