//! The runtime `javascript`, run as the pipeline runs it.

#[path = "javascript/errors.rs"]
mod errors;
#[path = "javascript/globals.rs"]
mod globals;
#[path = "javascript/harness.rs"]
mod harness;
#[path = "javascript/limits.rs"]
mod limits;
#[path = "javascript/network.rs"]
mod network;
#[path = "javascript/results.rs"]
mod results;
