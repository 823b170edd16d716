//! The executor as its users see it: over an in-memory database, on a clock that the test moves.

mod delivering;
mod fake_database;
mod heartbeat;
mod lifecycle;
mod running;
mod settling;
mod stopping;
mod waiting;
mod world;
