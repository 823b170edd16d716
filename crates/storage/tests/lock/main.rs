//! That one server has a database, by whatever name it is called and whatever happens to the way to it.

#![allow(
    clippy::unwrap_used,
    reason = "what a test unwraps, it asserts; the lint does not exempt what tests share"
)]

mod file;
mod proxy;
mod session;
