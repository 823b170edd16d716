//! The `ratchet` binary.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use ratchet_server::Cli;

/// Requests and jobs are many small values that one thread makes and another drops.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
