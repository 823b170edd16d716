use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use ratchet_interfaces::{
    Clock, RepositoryFactory, ScheduleId, Task, TaskDefinition, TaskId, UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::Database;
use serde::Serialize;

use crate::Failure;
use crate::latencies::{Latencies, shown};

mod legacy_poller;
mod ratchet_engine;
mod stock_scheduler;

/// How often the schedules fire, all of them in the same second: a herd every five seconds, so that one is over
/// before the next, and a few schedules every second, so that there is something to take a percentile of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    pub(crate) expression: &'static str,
    pub(crate) period: TimeDelta,
}

impl Beat {
    const fn of(schedules: usize) -> Self {
        if schedules < 100 {
            Self {
                expression: "* * * * * *",
                period: TimeDelta::seconds(1),
            }
        } else {
            Self {
                expression: "*/5 * * * * *",
                period: TimeDelta::seconds(5),
            }
        }
    }
}

/// What an engine is given to load the schedules before the first of its instants that counts.
const SETTING_UP: TimeDelta = TimeDelta::seconds(3);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How many schedules are due in the same second
    #[arg(long, value_delimiter = ',', default_values_t = [1, 1_000, 10_000])]
    schedules: Vec<usize>,
    /// Which engines are watched
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Engine::LegacyPoller, Engine::TokioCronScheduler, Engine::Ratchet])]
    engines: Vec<Engine>,
    /// For how many seconds stock tokio-cron-scheduler and Ratchet are watched
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// For how many seconds the poller is watched: it acts every 30
    #[arg(long, default_value_t = 65)]
    poller_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Engine {
    LegacyPoller,
    TokioCronScheduler,
    Ratchet,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::LegacyPoller => "legacy-poller",
            Self::TokioCronScheduler => "tokio-cron-scheduler",
            Self::Ratchet => "ratchet",
        }
    }
}

/// One engine with one number of schedules.
#[derive(Debug, Serialize)]
struct Row {
    engine: Engine,
    schedules: usize,
    expected: usize,
    fired: usize,
    doubled: usize,
    to_handler_us: Option<Latencies>,
    to_commit_us: Option<Latencies>,
}

/// The nominal instants that an engine has to fire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) beat: Beat,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
}

impl Window {
    /// From the next instant that leaves time to set up, for whole periods.
    fn after(now: DateTime<Utc>, seconds: u32, beat: Beat) -> Self {
        let period = beat.period.num_seconds();
        let first = (now.timestamp() / period + 2) * period;
        let from = DateTime::from_timestamp(first, 0).unwrap_or(now);
        let periods = (i64::from(seconds) + period - 1) / period;
        Self {
            beat,
            from,
            until: from + TimeDelta::seconds(period * periods.max(1)),
        }
    }

    pub(crate) fn contains(self, nominal: DateTime<Utc>) -> bool {
        (self.from..self.until).contains(&nominal)
    }

    /// When an engine is stopped: before what is due at the end of the window, and so does not count.
    pub(crate) fn end_of_watch(self) -> DateTime<Utc> {
        self.until - self.beat.period / 5
    }

    fn ticks(self) -> usize {
        let ticks = (self.until - self.from).num_seconds() / self.beat.period.num_seconds();
        usize::try_from(ticks).unwrap_or(0)
    }

    /// The nominal instant at or before `now`.
    pub(crate) fn nominal(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let period = self.beat.period.num_seconds();
        DateTime::from_timestamp(now.timestamp() / period * period, 0).unwrap_or(now)
    }
}

/// A schedule and one of its nominal instants.
type Nominal = (ScheduleId, DateTime<Utc>);

/// A tick, and when it was seen.
#[derive(Clone, Copy)]
struct Sighting {
    tick: Nominal,
    at: DateTime<Utc>,
}

/// When each tick reached its handler and the disk. What is measured must not wait for the measuring: a sighting is
/// put at the end of a list that has room for all of them.
pub(crate) struct Sightings {
    handler: Mutex<Vec<Sighting>>,
    commit: Mutex<Vec<Sighting>>,
}

impl Sightings {
    fn with_room_for(ticks: usize) -> Self {
        Self {
            handler: Mutex::new(Vec::with_capacity(ticks)),
            commit: Mutex::new(Vec::with_capacity(ticks)),
        }
    }

    pub(crate) fn handler_started(&self, schedule: ScheduleId, nominal: DateTime<Utc>, at: DateTime<Utc>) {
        see(&self.handler, (schedule, nominal), at);
    }

    pub(crate) fn committed(&self, schedule: ScheduleId, nominal: DateTime<Utc>, at: DateTime<Utc>) {
        see(&self.commit, (schedule, nominal), at);
    }

    fn row(&self, engine: Engine, schedules: usize, window: Window) -> Row {
        let started = within(&self.handler, window);
        let mut fired = HashMap::with_capacity(started.len());
        for sighting in &started {
            *fired.entry(sighting.tick).or_insert(0) += 1;
        }
        Row {
            engine,
            schedules,
            expected: schedules * window.ticks(),
            fired: fired.len(),
            doubled: fired.values().filter(|times| **times > 1).count(),
            to_handler_us: latencies(&started),
            to_commit_us: latencies(&within(&self.commit, window)),
        }
    }
}

fn see(list: &Mutex<Vec<Sighting>>, tick: Nominal, at: DateTime<Utc>) {
    list.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Sighting { tick, at });
}

fn within(list: &Mutex<Vec<Sighting>>, window: Window) -> Vec<Sighting> {
    let list = list.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = |sighting: &&Sighting| window.contains(sighting.tick.1);
    list.iter().filter(counts).copied().collect()
}

fn latencies(sightings: &[Sighting]) -> Option<Latencies> {
    let late = |sighting: &Sighting| sighting.at - sighting.tick.1;
    let micros = sightings
        .iter()
        .map(|sighting| late(sighting).num_microseconds().unwrap_or(i64::MAX));
    Latencies::of(micros.collect())
}

/// A database of its own with `count` schedules that are due from `window.from` on.
pub(crate) struct Stage {
    _folder: tempfile::TempDir,
    database: Database,
    pub(crate) repositories: Arc<dyn RepositoryFactory>,
}

impl Stage {
    async fn with_schedules(count: usize, window: Window) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(".")?;
        let database =
            Database::connect(&format!("sqlite://{}", folder.path().join("bench.db").display())).await?;
        database.migrate().await?;
        let repositories = database.repositories();
        let now = SystemClock::new().now();
        let task = task("no-op", now);
        repositories
            .tasks()
            .task_upsert_many(std::slice::from_ref(&task))
            .await?;
        let schedules: Vec<_> = (0..count)
            .map(|number| UnifiedSchedule {
                next_run: Some(window.from),
                ..UnifiedSchedule::new(
                    format!("schedule-{number}"),
                    task.definition.id,
                    window.beat.expression,
                    now,
                )
            })
            .collect();
        repositories.schedules().schedule_create_many(&schedules).await?;
        Ok(Self {
            _folder: folder,
            database,
            repositories,
        })
    }

    async fn close(self) -> Result<(), Failure> {
        self.database.close().await?;
        Ok(())
    }
}

pub(crate) fn task(name: &str, now: DateTime<Utc>) -> Task {
    Task::new(
        TaskDefinition::new(TaskId::new(), name, "1.0.0", "builtin"),
        "bench",
        now,
    )
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut rows = Vec::new();
    for &schedules in &arguments.schedules {
        eprintln!("{schedules} schedules due in the same second:");
        for &engine in &arguments.engines {
            rows.push(watch(engine, schedules, &arguments, &clock).await?);
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
        println!("tokio-cron-scheduler runs with its default settings and keeps nothing on disk.");
    }
    Ok(())
}

async fn watch(
    engine: Engine,
    schedules: usize,
    arguments: &Arguments,
    clock: &Arc<dyn Clock>,
) -> Result<Row, Failure> {
    let seconds = match engine {
        Engine::LegacyPoller => arguments.poller_seconds,
        Engine::TokioCronScheduler | Engine::Ratchet => arguments.seconds,
    };
    let window = Window::after(clock.now() + SETTING_UP, seconds, Beat::of(schedules));
    eprintln!("  {}, until {}", engine.name(), window.until.format("%T"));
    // What fires before and after the window is seen as well.
    let sightings = Arc::new(Sightings::with_room_for(schedules * (window.ticks() + 10)));
    match engine {
        Engine::LegacyPoller => {
            let stage = Stage::with_schedules(schedules, window).await?;
            legacy_poller::watch(&*stage.repositories, &**clock, window, &sightings).await?;
            stage.close().await?;
        }
        Engine::TokioCronScheduler => stock_scheduler::watch(schedules, clock, window, &sightings).await?,
        Engine::Ratchet => {
            let stage = Stage::with_schedules(schedules, window).await?;
            ratchet_engine::watch(Arc::clone(&stage.repositories), clock, window, &sightings).await?;
            stage.close().await?;
        }
    }
    Ok(sightings.row(engine, schedules, window))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "engine",
        "schedules",
        "expected",
        "fired",
        "doubled",
        "to handler: p50",
        "p99",
        "max",
        "to commit: p50",
        "p99",
        "max",
    ]);
    for row in rows {
        let mut cells = vec![
            row.engine.name().to_owned(),
            row.schedules.to_string(),
            row.expected.to_string(),
            row.fired.to_string(),
            row.doubled.to_string(),
        ];
        for latencies in [row.to_handler_us, row.to_commit_us] {
            match latencies {
                Some(Latencies { p50, p99, max }) => cells.extend([p50, p99, max].map(shown)),
                None => cells.extend(["–"; 3].map(str::to_owned)),
            }
        }
        table.add_row(cells);
    }
    table
}
