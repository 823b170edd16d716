//! Results on their way: to streams, to files in real folders, and to receivers that listen on the loopback interface.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

mod checking;
mod files;
mod receiver;
mod streams;
mod webhooks;
mod world;
