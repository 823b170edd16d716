//! The executor as its users see it: over an in-memory database, on a clock that the test moves.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

mod announcing;
mod calling_off;
mod delivering;
mod fake_database;
mod heartbeat;
mod lifecycle;
mod losing_answers;
mod running;
mod settling;
mod stalling;
mod stopping;
mod telling;
mod validating;
mod wait;
mod waiting;
mod warnings;
mod world;
