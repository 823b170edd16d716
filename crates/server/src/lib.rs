//! Configuration, wiring, HTTP, and the `ratchet` binary.
//!
//! **Purpose.** [`Settings`] says what is wanted, [`ServiceContainer`] builds the parts and joins them,
//! [`UnifiedServer`] runs them until it is told to stop, and [`Cli`] is what a person types.
//!
//! **Must not know** SQL, and how any part below does its work.
//!
//! **Lower neighbours**: `ratchet-storage`, `ratchet-scheduler`, `ratchet-executor`, `ratchet-registry`,
//! `ratchet-output`, `ratchet-recurrence`, `ratchet-interfaces`.
//!
//! Deliberately absent: domain rules (they belong below), and any task's name.

mod cli;
mod command;
mod container;
mod default_schedules;
mod http;
mod logging;
mod open_files;
mod server;
mod settings;

pub use cli::{Cli, CliError};
pub use container::{ServiceContainer, StartError};
pub use server::UnifiedServer;
pub use settings::{
    DEFAULT_FILE, DatabaseSettings, LogFilter, LogFormat, LogSettings, ServerSettings, Settings,
    SettingsError, SettingsSources, TaskSettings,
};
