//! Where tasks come from, and whether they are in order.
//!
//! **Purpose.** [`EmbeddedRegistry`] holds the tasks that come with the server, [`FileSystemRegistry`] finds those that
//! lie in folders ([`read_task_folder`] and [`read_test_cases`] say what is in one). [`TaskRegistryManager`] makes the
//! stored tasks what the registries say they are, and [`TaskWatcher`] has it do so when a folder changes.
//! [`SchemaValidator`] checks definitions, and input and output against a task's JSON Schemas. [`default_schedules`]
//! says which schedules a fresh server wants for its own tasks.
//!
//! **Must not know** SeaORM, axum, how a task is run, or when. Deliberately absent: anything that takes away a task to
//! which jobs or schedules refer, anything that creates a schedule (the server decides about the wishes here), anything
//! that writes into a folder of tasks, and any network: a schema that refers to another document is refused.
//!
//! **Lower neighbours**: `ratchet-interfaces`.

mod default_schedule;
mod embedded;
mod file_system;
mod folder;
mod manager;
mod plan;
mod scan;
mod validator;
mod watcher;

pub use default_schedule::{DefaultSchedule, default_schedules};
pub use embedded::EmbeddedRegistry;
pub use file_system::FileSystemRegistry;
pub use folder::{
    FetchMock, METADATA_FILE, MockAnswer, TestCase, is_task_folder, program_file, read_task_folder,
    read_test_cases, task_id_of,
};
pub use manager::TaskRegistryManager;
pub use validator::SchemaValidator;
pub use watcher::TaskWatcher;
