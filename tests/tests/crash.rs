//! The real binary is killed again and again, with every policy active; the ledger must not show it.

use std::path::Path;
use std::time::{Duration, Instant};

use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::{EveryPolicy, EverySecond, Random, ServerProcess};
use rustix::process::Signal;

const SCHEDULES: usize = 50;

#[test]
fn after_many_kills_on_sqlite_every_nominal_second_stands_in_the_ledger_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("ratchet.db").display());
    kill_and_audit(folder.path(), &url, 55);
}

#[test]
fn after_many_kills_on_postgresql_every_nominal_second_stands_in_the_ledger_exactly_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(database) = runtime.block_on(TestDatabase::postgres()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let url = database.url().to_owned();
    kill_and_audit(folder.path(), &url, 15);
}

fn kill_and_audit(folder: &Path, url: &str, kills: u64) {
    // The first server makes the tables and the tasks.
    assert_eq!(start(folder, url).ready().end_by(Signal::TERM).code, Some(0));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let schedules = runtime.block_on(EverySecond::create(url, SCHEDULES));
    runtime.block_on(EveryPolicy::create(url));

    let mut random = Random::new(0x5eed_cafe_f00d_d00d);
    for round in 0..kills {
        let server = start(folder, url);
        // Some are killed before they are ready, the others anywhere within some seconds.
        let mut server = if round % 5 == 4 { server } else { server.ready() };
        let deadline = Instant::now() + Duration::from_micros(random.below(1_600_000));
        server.watch(deadline, |_| false);
        assert_eq!(server.kill().code, None);
    }
    let mut last = start(folder, url).ready();
    // The queue is worked off, and ticks fire again.
    let fresh = |results: &[serde_json::Value]| results.len() > 3 * SCHEDULES;
    last.watch(Instant::now() + Duration::from_secs(30), fresh);
    assert_eq!(last.end_by(Signal::TERM).code, Some(0));

    let (seconds, jobs) = runtime.block_on(schedules.audit(url));
    println!("{seconds} nominal seconds, {jobs} of them became jobs, over {kills} kills");
    let (ticks, outcomes) = runtime.block_on(EveryPolicy::audit(url));
    println!("{ticks} nominal ticks under every policy: {outcomes:?}");
}

fn start(folder: &Path, url: &str) -> ServerProcess {
    ServerProcess::start(
        folder,
        &["--database", url, "--log-level", "warn,ratchet_server=info"],
    )
}
