use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Datelike, Utc};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use ratchet_interfaces::{Clock, TaskId, UnifiedSchedule};
use ratchet_scheduler::SystemClock;
use ratchet_server::{ServiceContainer, Settings, SettingsSources};
use ratchet_storage::Database;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::process::{cpu_time, resident_bytes};

/// How many schedules are written in one transaction.
const WRITTEN_AT_ONCE: usize = 10_000;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How many schedules there are
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    schedules: Vec<usize>,
    /// For how long the idle server is watched
    #[arg(long, default_value_t = 60)]
    idle_seconds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct OneArguments {
    database: PathBuf,
    #[arg(long)]
    schedules: usize,
    #[arg(long)]
    idle_seconds: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    schedules: usize,
    load_s: f64,
    rss_mb: f64,
    idle_statements: u64,
    idle_cpu_ms: u64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for &schedules in &arguments.schedules {
        let folder = tempfile::tempdir_in(".")?;
        let file = folder.path().join("bench.db");
        eprintln!("{schedules} schedules: writing them");
        fill(&file, schedules).await?;
        eprintln!(
            "{schedules} schedules: loading them, then idle for {} s",
            arguments.idle_seconds
        );
        let output = tokio::task::spawn_blocking(move || {
            std::process::Command::new(std::env::current_exe()?)
                .arg("load-one")
                .arg(&file)
                .arg(format!("--schedules={schedules}"))
                .arg(format!("--idle-seconds={}", arguments.idle_seconds))
                .stderr(std::process::Stdio::inherit())
                .output()
        })
        .await??;
        if !output.status.success() {
            return Err(format!("the measuring process ended with {}", output.status).into());
        }
        rows.push(serde_json::from_slice::<Row>(&output.stdout)?);
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
    }
    Ok(())
}

/// One server in this process, so that its memory and CPU are its own.
pub(crate) async fn run_one(arguments: OneArguments) -> Result<(), Failure> {
    let clock = SystemClock::new();
    let sources = SettingsSources::new()
        .with_flag(
            "--database",
            "database.url",
            Some(format!("sqlite://{}", arguments.database.display())),
        )
        .with_flag("--bind", "server.bind", Some("127.0.0.1:0"));
    let settings = Settings::load(sources)?;
    let container = ServiceContainer::new(&settings).await?;
    let began = clock.monotonic();
    container.start().await?;
    let load = clock.monotonic() - began;
    let loaded = container.scheduler_service.health().await?.schedules;
    if loaded != arguments.schedules {
        return Err(format!("{loaded} schedules were loaded, not {}", arguments.schedules).into());
    }
    let (statements, cpu) = (container.repositories.statements_executed(), cpu_time()?);
    clock.sleep(Duration::from_secs(arguments.idle_seconds)).await;
    let row = Row {
        schedules: arguments.schedules,
        load_s: load.as_secs_f64(),
        rss_mb: f64::from(u32::try_from(resident_bytes()? >> 10)?) / 1_024.0,
        idle_statements: container.repositories.statements_executed() - statements,
        idle_cpu_ms: u64::try_from((cpu_time()? - cpu).as_millis())?,
    };
    container.stop().await?;
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}

/// Schedules of many distinct expressions, none of them due within the next weeks; and the heartbeat's, disabled, so
/// that the server does not add one that is due within the minute.
async fn fill(file: &Path, count: usize) -> Result<(), Failure> {
    let database = Database::connect(&format!("sqlite://{}", file.display())).await?;
    database.migrate().await?;
    let repositories = database.repositories();
    let now = SystemClock::new().now();
    let task = super::precision::task("no-op", now);
    let heartbeat_id: TaskId = "00000000-0000-0000-0000-000000000001".parse()?;
    let mut heartbeat = super::precision::task("heartbeat", now);
    heartbeat.definition.id = heartbeat_id;
    repositories
        .tasks()
        .task_upsert_many(&[task.clone(), heartbeat])
        .await?;
    let disabled = UnifiedSchedule {
        enabled: false,
        ..UnifiedSchedule::new("heartbeat of the benchmark", heartbeat_id, "@yearly", now)
    };
    repositories.schedules().schedule_create(&disabled).await?;
    let numbers: Vec<usize> = (0..count).collect();
    for chunk in numbers.chunks(WRITTEN_AT_ONCE) {
        let schedules: Vec<_> = chunk
            .iter()
            .map(|&number| {
                UnifiedSchedule::new(
                    format!("schedule-{number}"),
                    task.definition.id,
                    expression(number, now),
                    now,
                )
            })
            .collect();
        repositories.schedules().schedule_create_many(&schedules).await?;
    }
    database.close().await?;
    Ok(())
}

/// One of some 40,000 expressions, in a month that is neither this nor the next.
fn expression(number: usize, now: DateTime<Utc>) -> String {
    let (minute, hour, day) = (number % 60, number / 60 % 24, number / 1_440 % 28 + 1);
    let month = (now.month0() + 6) % 12 + 1;
    format!("{minute} {hour} {day} {month} *")
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "schedules",
        "loaded in",
        "resident",
        "statements while idle",
        "CPU while idle",
    ]);
    for row in rows {
        table.add_row([
            row.schedules.to_string(),
            format!("{:.2} s", row.load_s),
            format!("{:.0} MB", row.rss_mb),
            row.idle_statements.to_string(),
            format!("{} ms", row.idle_cpu_ms),
        ]);
    }
    table
}
