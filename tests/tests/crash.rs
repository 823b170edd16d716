//! The real binary is killed again and again; the ledger must not show it.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Clock, JobFilter, JobSort, JobStatus, OutputDestination, PageRequest, RepositoryFactory, SortOrder,
    TaskId, Tick, TickFilter, TickOutcome, UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::Database;
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::ServerProcess;
use rustix::process::Signal;

const SCHEDULES: usize = 50;
const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";

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
    let created = runtime.block_on(create_schedules(url));

    let mut random = Random(0x5eed_cafe_f00d_d00d);
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

    let (seconds, jobs) = runtime.block_on(audit(url, created));
    println!("{seconds} nominal seconds, {jobs} of them became jobs, over {kills} kills");
}

fn start(folder: &Path, url: &str) -> ServerProcess {
    ServerProcess::start(
        folder,
        &["--database", url, "--log-level", "warn,ratchet_server=info"],
    )
}

async fn open(url: &str) -> (Database, std::sync::Arc<dyn RepositoryFactory>) {
    let database = Database::connect(url).await.unwrap();
    let repositories = database.repositories();
    (database, repositories)
}

/// Fifty schedules that fire every second, from the next second on.
async fn create_schedules(url: &str) -> DateTime<Utc> {
    let (database, repositories) = open(url).await;
    let now = SystemClock::new().now();
    let task: TaskId = HEARTBEAT.parse().unwrap();
    let first = DateTime::from_timestamp(now.timestamp() + 1, 0).unwrap();
    let schedules: Vec<_> = (0..SCHEDULES)
        .map(|number| UnifiedSchedule {
            next_run: Some(first),
            output_destinations: vec![OutputDestination::stdout_json()],
            ..UnifiedSchedule::new(format!("every-second-{number}"), task, "* * * * * *", now)
        })
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    database.close().await.unwrap();
    first
}

async fn audit(url: &str, first: DateTime<Utc>) -> (u64, usize) {
    let (database, repositories) = open(url).await;
    let mut jobs_of_ticks = HashSet::new();
    let mut seconds = 0;
    for number in 0..SCHEDULES {
        let name = format!("every-second-{number}");
        let schedule = repositories
            .schedules()
            .schedule_find_by_name(&name)
            .await
            .unwrap()
            .unwrap();
        let next = schedule.next_run.expect("it goes on for ever");
        let ledger = whole_ledger(&*repositories, &schedule).await;
        let mut expected = first;
        let mut fired = 0;
        for tick in &ledger {
            assert_eq!(
                tick.record.scheduled_for, expected,
                "{name}: a second is missing or doubled"
            );
            let length = (tick.record.through - tick.record.scheduled_for).num_seconds() + 1;
            assert_eq!(u64::try_from(length).unwrap(), tick.record.count);
            expected = tick.record.through + TimeDelta::seconds(1);
            let job = tick
                .record
                .job_id
                .expect("every tick names the job that it became or was merged into");
            if tick.record.outcome == TickOutcome::Fired {
                fired += 1;
                assert!(jobs_of_ticks.insert(job), "{name}: two ticks became one job");
            }
        }
        assert_eq!(
            expected, next,
            "{name}: the ledger ends where the schedule goes on"
        );
        assert_eq!(schedule.run_count, fired);
        seconds += ledger.iter().map(|tick| tick.record.count).sum::<u64>();
    }

    let mut keys = HashSet::new();
    let mut jobs = HashSet::new();
    let mut offset = 0;
    loop {
        let page = PageRequest::new(offset, PageRequest::MAX_LIMIT).unwrap();
        let sort = JobSort::QueuedAt(SortOrder::Ascending);
        let page = repositories
            .jobs()
            .job_list(&JobFilter::default(), sort, page)
            .await
            .unwrap();
        if page.items.is_empty() {
            break;
        }
        offset += page.items.len() as u64;
        for job in page.items {
            assert_ne!(
                job.status,
                JobStatus::Processing,
                "a graceful stop leaves no job behind"
            );
            assert_ne!(job.status, JobStatus::Failed, "{:?}", job.error);
            let key = (job.schedule_id, job.scheduled_for);
            assert!(keys.insert(key), "two jobs for one tick: {key:?}");
            jobs.insert(job.id);
        }
    }
    assert!(
        jobs.is_superset(&jobs_of_ticks),
        "a tick names a job that does not exist"
    );
    database.close().await.unwrap();
    (seconds, jobs_of_ticks.len())
}

async fn whole_ledger(repositories: &dyn RepositoryFactory, schedule: &UnifiedSchedule) -> Vec<Tick> {
    let filter = TickFilter {
        schedule_id: Some(schedule.id),
        ..TickFilter::default()
    };
    let mut ledger = Vec::new();
    loop {
        let page = PageRequest::new(ledger.len() as u64, PageRequest::MAX_LIMIT).unwrap();
        let page = repositories.ticks().tick_list(&filter, page).await.unwrap();
        if page.items.is_empty() {
            break;
        }
        ledger.extend(page.items);
    }
    ledger.sort_by_key(|tick| tick.record.scheduled_for);
    ledger
}

/// xorshift64*: random enough to choose moments, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}
