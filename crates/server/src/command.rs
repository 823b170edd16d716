//! What each command of the command line does.

pub(crate) mod audit;
mod columns;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cron;
pub(crate) mod doctor;
pub(crate) mod forecast;
pub(crate) mod migrate;
mod paint;
pub(crate) mod serve;
pub(crate) mod specification;
mod stored;
pub(crate) mod task;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod why;
