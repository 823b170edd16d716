//! What a maintainer of Ratchet's scheduler runs: `cargo xtask test`, `coverage`, `schemathesis`, `layers`,
//! `bench`, `migrate`.
//!
//! **Purpose.** One command a chore, the same on a laptop and in CI, needing nothing set up beforehand.
//!
//! **Must not know** any other package of the workspace: what needs them is started as another cargo command, so
//! that this program builds in seconds. Deliberately absent: SQL, an async runtime, any logic of the scheduler.
//!
//! **Lower neighbours**: none.

mod bench;
mod cargo;
mod cluster;
mod coverage;
mod daemon;
mod debian;
mod error;
mod installation;
mod interrupts;
mod layers;
mod lcov;
mod llvm;
mod places;
mod schemathesis;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::cargo::Cargo;
use crate::error::Error;

/// The chores of Ratchet's scheduler.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests, with a throw-away PostgreSQL
    ///
    /// Finds PostgreSQL 15 or newer (as root on Debian, installs it), starts a private cluster in a temporary
    /// directory, builds the `ratchet` binary that the whole-system tests start, and runs `cargo test --workspace`
    /// with RATCHET_TEST_POSTGRES_URL and RATCHET_BIN set. The cluster is gone afterwards, whatever happens.
    ///
    /// Where PostgreSQL cannot be had, or with --no-postgres, the tests that need it are left out, and the command
    /// says so; with CI=true that is a failure.
    #[command(
        after_help = "Examples:\n  cargo xtask test\n  cargo xtask test --no-postgres\n  cargo xtask test -- -p \
                            ratchet-storage a_claimed_job\n  cargo xtask test -- -- --nocapture"
    )]
    Test(test::Options),

    /// Run all tests but doctests, and tell how many lines of each crate they reach
    ///
    /// Instruments the workspace's own crates (`-C instrument-coverage`), runs the tests as `cargo xtask test` does,
    /// and counts what child processes reach too, even those that are killed. Needs llvm-profdata and llvm-cov: of
    /// the toolchain (`rustup component add llvm-tools`) or LLVM 19 or newer (as root on Debian, it is installed).
    ///
    /// Unit-test modules, the packages `ratchet-tests` and `ratchet-bench`, and this tool are not counted.
    #[command(after_help = "Example:\n  cargo xtask coverage --fail-under 80")]
    Coverage(coverage::Options),

    /// Send thousands of made-up requests, right and wrong ones, to a server, and hold its answers against its document
    ///
    /// Installs Schemathesis from its registry into the target folder (needs Python 3.10 or newer), builds the server,
    /// starts it on a database of its own, and has every operation of `/api-docs/openapi.json` tried: no answer may be
    /// undocumented, no error the server's own, no request that the document allows be refused and none that it forbids
    /// be taken. tests/schemathesis/schemathesis.toml has the exceptions, each with its reason.
    #[command(
        after_help = "Examples:\n  cargo xtask schemathesis\n  cargo xtask schemathesis --seed 7 --examples 500\n  \
                            cargo xtask schemathesis --at-least 0 -- --include-path /api/v1/jobs"
    )]
    Schemathesis(schemathesis::Options),

    /// Compare the workspace's dependencies with xtask/layers.toml
    ///
    /// Reports every edge that is not listed, every listed edge that does not exist, and every direct dependency on
    /// an external package that a layer must not know.
    Layers,

    /// Run a benchmark, built with --release
    ///
    /// Hands everything to `cargo run --release -p ratchet-bench`.
    #[command(
        after_help = "Examples:\n  cargo xtask bench precision\n  cargo xtask bench load --json\n  cargo xtask bench jobs --databases sqlite"
    )]
    Bench {
        /// Which one
        benchmark: Benchmark,
        /// Print the results as JSON
        #[arg(long)]
        json: bool,
        /// Further arguments of the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },

    /// Change the database schema
    ///
    /// Hands everything to `ratchet migrate`; the database is the one that the server's configuration names.
    #[command(after_help = "Examples:\n  cargo xtask migrate status\n  cargo xtask migrate up")]
    Migrate {
        /// What to do
        direction: Direction,
        /// Further arguments of `ratchet migrate`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Benchmark {
    /// How late ticks are, beside other engines
    Precision,
    /// What many schedules cost: time, memory, statements, CPU
    Load,
    /// How many jobs a second are run, and how soon one is started; with a throw-away PostgreSQL, if there is one
    Jobs,
    /// How long requests to the real server take while schedules fire, and how late these get
    Api,
    /// How long a page of a list of a million rows takes; with a throw-away PostgreSQL, if there is one
    Lists,
}

#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    /// Apply what is not applied
    Up,
    /// Take back the last migration
    Down,
    /// Tell which are applied
    Status,
    /// Drop every table and apply all
    Fresh,
}

fn main() -> ExitCode {
    match run(Arguments::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.report();
            error.exit_code()
        }
    }
}

fn run(chore: Chore) -> Result<(), Error> {
    let cargo = Cargo::locate()?;
    match chore {
        Chore::Test(options) => test::run(&cargo, &options),
        Chore::Coverage(options) => coverage::run(&cargo, &options),
        Chore::Schemathesis(options) => schemathesis::run(&cargo, &options),
        Chore::Layers => layers::run(&cargo),
        Chore::Bench {
            benchmark,
            json,
            arguments,
        } => {
            let mut command = cargo.command(["run", "--release", "-q", "-p", "ratchet-bench", "--"]);
            command.arg(name(benchmark));
            if json {
                command.arg("--json");
            }
            command.args(arguments);
            match benchmark {
                Benchmark::Precision | Benchmark::Load => Err(cargo::replace_this_process_by(command)),
                Benchmark::Jobs | Benchmark::Lists => bench::with_postgres(command),
                Benchmark::Api => bench::with_server(&cargo, command),
            }
        }
        Chore::Migrate { direction, arguments } => {
            let mut command = cargo.command(["run", "-q", "-p", "ratchet-server", "--", "migrate"]);
            command.arg(name(direction)).args(arguments);
            Err(cargo::replace_this_process_by(command))
        }
    }
}

/// The name under which a value stands on the command line.
fn name(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .expect("no value is skipped")
        .get_name()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_that_a_benchmark_alone_knows_are_passed_on() {
        let parsed = Arguments::try_parse_from(["xtask", "bench", "load", "--json", "--schedules", "7"]);
        let Chore::Bench { json, arguments, .. } = parsed.unwrap().chore else {
            panic!("another chore");
        };
        assert!(json);
        assert_eq!(arguments, ["--schedules", "7"]);
    }
}
