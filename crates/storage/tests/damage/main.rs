//! Rows that no verb would write, damaged by hand or by a broken disk, and databases that refuse what is no row's
//! fault: each row disturbs itself only, and an outage disturbs none. A clock that was set back makes no tick fire twice.

#![allow(
    clippy::unwrap_used,
    reason = "what a test unwraps, it asserts; the lint does not exempt what tests share"
)]

mod by_id;
mod delivery;
mod job;
mod ledger;
mod outage;
mod raw;
mod sample;
mod schedule;
mod task;
