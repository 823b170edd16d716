use std::process::Command;

use crate::cluster::{Cluster, Durability};
use crate::error::Error;
use crate::installation::Installation;
use crate::interrupts::Interrupts;

/// Names the PostgreSQL server that a benchmark makes its database on.
const POSTGRES_URL: &str = "RATCHET_BENCH_POSTGRES_URL";

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
