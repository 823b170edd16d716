//! The runtime `process` as the pipeline sees it: over real processes, on a clock that the test moves.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

mod allowing;
mod bounding;
mod ending;
mod environment;
mod results;
mod stopping;
mod world;
