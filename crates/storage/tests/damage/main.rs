//! Rows that no verb would write, damaged by hand or by a broken disk: each disturbs itself only.

#![allow(
    clippy::unwrap_used,
    reason = "what a test unwraps, it asserts; the lint does not exempt what tests share"
)]

mod delivery;
mod job;
mod raw;
mod sample;
mod schedule;
