//! The benchmarks behind `cargo xtask bench`: each compares engines side by side in one run, on real databases and
//! the machine's clock, and prints a table or, with `--json`, an array.

mod api;
mod jobs;
mod latencies;
mod lists;
mod load;
mod precision;
mod process;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

/// Errors of a benchmark are only shown.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
enum Bench {
    /// How late ticks are: the 30-second poller of old, stock tokio-cron-scheduler, and Ratchet
    Precision(precision::Arguments),
    /// What many schedules cost: time and memory to load them, statements and CPU of an idle minute
    Load(load::Arguments),
    /// How many jobs a second go from queued to completed, and how soon a job is started when nothing else runs
    Jobs(jobs::Arguments),
    /// How long requests take while schedules fire, and how late these get: requests come from a process of their own
    Api(api::Arguments),
    /// How long a page of a long list takes: the first, the middle and the last, by sort key and filter
    Lists(lists::Arguments),
    /// One measurement of `load`, in a process of its own
    #[command(hide = true)]
    LoadOne(load::OneArguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Bench::parse() {
        Bench::Precision(arguments) => precision::run(arguments).await,
        Bench::Load(arguments) => load::run(arguments).await,
        Bench::Jobs(arguments) => jobs::run(arguments).await,
        Bench::Api(arguments) => api::run(arguments).await,
        Bench::Lists(arguments) => lists::run(arguments).await,
        Bench::LoadOne(arguments) => load::run_one(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", ratchet_interfaces::with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}
