//! What each command of the command line does.

pub(crate) mod apply;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cron;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod forecast;
pub(crate) mod import;
pub(crate) mod migrate;
mod paint;
pub(crate) mod serve;
pub(crate) mod specification;
mod stored;
pub(crate) mod task;
pub(crate) mod verify;
pub(crate) mod why;
