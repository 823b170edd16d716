//! The `ratchet` binary.

use std::process::ExitCode;

use clap::Parser;
use ratchet_server::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
