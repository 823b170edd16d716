//! What every repository promises, written once and run on every database: see [`harness::on_each_database`].
//!
//! A module is a repository; `laws` says of random rows what the others say of chosen ones, and `sqlite` and
//! `postgres` hold what is true of one of them only.

#![allow(
    clippy::unwrap_used,
    reason = "what a test unwraps, it asserts; the lint does not exempt what tests share"
)]

mod audit;
mod delivery;
mod execution;
mod factory;
mod harness;
mod idempotency;
mod job;
mod laws;
mod lease;
mod paging;
mod postgres;
mod sample;
mod schedule;
mod sqlite;
mod task;
mod tick;
mod token;
