use std::process::Command;

use crate::cargo::{Cargo, Profile};
use crate::cluster::{Cluster, Durability};
use crate::error::Error;
use crate::installation::Installation;
use crate::interrupts::Interrupts;

/// Names the PostgreSQL server that a benchmark makes its database on.
const POSTGRES_URL: &str = "RATCHET_BENCH_POSTGRES_URL";

/// Names the server's binary that a benchmark starts.
const SERVER: &str = "RATCHET_BENCH_SERVER";

/// Builds the server as it ships, and runs a benchmark that starts it.
pub(crate) fn with_server(cargo: &Cargo, mut benchmark: Command) -> Result<(), Error> {
    let interrupts = Interrupts::listen()?;
    let server = cargo.build_server(&interrupts, Profile::Release)?;
    interrupts.run(benchmark.env(SERVER, server))
}

/// Runs a benchmark beside a PostgreSQL server of its own, whose commits are on disk. Without PostgreSQL the benchmark
/// itself says what it cannot measure.
pub(crate) fn with_postgres(mut benchmark: Command) -> Result<(), Error> {
    let interrupts = Interrupts::listen()?;
    let cluster = match Installation::find_or_install(&interrupts)? {
        Some(installation) => Some(Cluster::start(&installation, &interrupts, Durability::Full)?),
        None => None,
    };
    match &cluster {
        Some(cluster) => benchmark.env(POSTGRES_URL, cluster.url()),
        None => benchmark.env_remove(POSTGRES_URL),
    };
    interrupts.run(&mut benchmark)
}
