//! What each command of the command line does.

pub(crate) mod completions;
pub(crate) mod config;
mod confirmation;
pub(crate) mod connection;
pub(crate) mod cron;
pub(crate) mod doctor;
pub(crate) mod forecast;
mod form;
pub(crate) mod job;
mod json;
pub(crate) mod migrate;
mod moment;
mod named;
mod page;
mod paint;
pub(crate) mod reference;
pub(crate) mod schedule;
pub(crate) mod serve;
pub(crate) mod specification;
mod stored;
mod table;
pub(crate) mod task;
pub(crate) mod verify;
pub(crate) mod why;
