//! Requests to the real server, from this process, while its schedules fire: how long they take, and how late ticks get.

mod client;
mod mix;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use ratchet_interfaces::ScheduleId;
use ratchet_storage::Database;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use crate::Failure;
use crate::api::client::Client;
use crate::api::mix::{Kind, Mix};
use crate::latencies::{Latencies, shown};
use crate::process::{cpu_time, cpu_time_of};

/// The variable that names the binary of the server.
const SERVER: &str = "RATCHET_BENCH_SERVER";
/// The task that returns what it is given, after no time.
const TASK: &str = "00000000-0000-0000-0000-000000000002";
const START_LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// How many requests are sent a second
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// For how long, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// How many schedules fire each second, all at once
    #[arg(long, default_value_t = 1_000)]
    schedules: usize,
    /// Over how many connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    requests: Vec<Row>,
    ticks: u64,
    lateness_us: Option<Latencies>,
    cores: Cores,
}

/// How many cores were busy on the average.
#[derive(Debug, Serialize)]
struct Cores {
    server: f64,
    sender: f64,
}

/// What the two processes have used.
struct CpuTime {
    server: Duration,
    sender: Duration,
}

impl CpuTime {
    fn now(server: &Server) -> Result<Self, Failure> {
        Ok(Self {
            server: cpu_time_of(server.0.id())?,
            sender: cpu_time()?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            sender: self.sender.saturating_sub(before.sender),
        }
    }

    fn cores(&self, seconds: f64) -> Cores {
        Cores {
            server: self.server.as_secs_f64() / seconds,
            sender: self.sender.as_secs_f64() / seconds,
        }
    }
}

/// Requests of one kind.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    sent: usize,
    errors: usize,
    /// From the instant at which it was to be sent to the last byte of its answer.
    latency_us: Option<Latencies>,
}

/// What became of one request.
struct Sample {
    kind: Kind,
    micros: i64,
    error: Option<String>,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let binary = std::env::var_os(SERVER).ok_or("RATCHET_BENCH_SERVER names no binary")?;
    let folder = tempfile::tempdir_in(".")?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut server = Server::start(&PathBuf::from(binary), folder.path(), port)?;
    let address = format!("127.0.0.1:{port}");
    if let Err(error) = until_ready(&address, &mut server).await {
        return Err(format!(
            "{error}; its log:\n{}",
            std::fs::read_to_string(folder.path().join("log"))?
        )
        .into());
    }

    eprintln!("creating {} schedules", arguments.schedules);
    let schedules = create_schedules(&address, arguments.schedules).await?;
    let mix = Arc::new(Mix::new(schedules.clone(), TASK));
    // The first second after the last was created is not whole.
    sleep(Duration::from_secs(2)).await;

    eprintln!(
        "sending {} requests a second for {} s",
        arguments.rate, arguments.seconds
    );
    let begun = Utc::now();
    let used = CpuTime::now(&server)?;
    let samples = send(&arguments, &address, &mix).await?;
    let ended = Utc::now();
    let used = CpuTime::now(&server)?.since(&used);
    server.stop()?;

    let lateness = lateness(&folder.path().join("ratchet.db"), &schedules, begun, ended).await?;
    let report = Report {
        requests: rows(&samples),
        ticks: lateness.len() as u64,
        lateness_us: Latencies::of(lateness),
        cores: used.cores((ended - begun).as_seconds_f64()),
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", requests_table(&report));
        println!("{}", ticks_table(&report));
    }
    match samples.iter().find_map(|sample| sample.error.as_ref()) {
        Some(error) => Err(format!("a request failed, the first so: {error}").into()),
        None => Ok(()),
    }
}

/// The server, ended when this value is dropped.
struct Server(Child);

impl Server {
    fn start(binary: &Path, folder: &Path, port: u16) -> Result<Self, Failure> {
        let log = std::fs::File::create(folder.join("log"))?;
        let child = Command::new(binary)
            .arg("serve")
            .current_dir(folder)
            .env("RATCHET_SERVER_BIND", format!("127.0.0.1:{port}"))
            .env("RATCHET_DATABASE_URL", "sqlite://ratchet.db")
            .env("RATCHET_LOG_LEVEL", "warn")
            // To the server it is a setting that does not exist.
            .env_remove(SERVER)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self(child))
    }

    /// Ends it gracefully, so that its database can be read.
    fn stop(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let status = self.0.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended badly: {status}").into())
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where it was stopped.
        if let Ok(None) = self.0.try_wait()
            && let Err(error) = self.0.kill().and_then(|()| self.0.wait())
        {
            eprintln!("the server, process {}, cannot be killed: {error}", self.0.id());
        }
    }
}

async fn until_ready(address: &str, server: &mut Server) -> Result<(), Failure> {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Ok(mut client) = Client::connect(address).await
            && let Ok((200, _)) = client.send("GET", "/ready", None).await
        {
            return Ok(());
        }
        if let Some(status) = server.0.try_wait()? {
            return Err(format!("the server ended: {status}").into());
        }
        if Instant::now() > deadline {
            return Err(format!("the server was not ready within {} s", START_LIMIT.as_secs()).into());
        }
        sleep(Duration::from_millis(20)).await;
    }
}

async fn create_schedules(address: &str, count: usize) -> Result<Vec<String>, Failure> {
    let mut client = Client::connect(address).await?;
    let mut ids = Vec::with_capacity(count);
    for number in 0..count {
        let body = json!({
            "name": format!("every-second-{number}"),
            "taskId": TASK,
            "cronExpression": "* * * * * *",
            "input": {"seconds": 0},
        });
        let (status, answer) = client.send("POST", "/api/v1/schedules", Some(&body)).await?;
        let id = answer["data"]["id"].as_str().filter(|_| status == 201);
        ids.push(
            id.ok_or_else(|| format!("a schedule was answered {status}: {answer}"))?
                .to_owned(),
        );
    }
    Ok(ids)
}

/// Sends each request at its instant, whether or not those before are answered. One that finds all connections busy waits
/// for one, and its time counts from the instant at which it was to be sent.
async fn send(arguments: &Arguments, address: &str, mix: &Arc<Mix>) -> Result<Vec<Sample>, Failure> {
    let total = arguments.rate as usize * arguments.seconds as usize;
    let pause = Duration::from_secs(1) / arguments.rate;
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now() + Duration::from_millis(100);
    let mut senders = Vec::with_capacity(arguments.connections);
    for _ in 0..arguments.connections {
        let mut client = Client::connect(address).await?;
        let (next, mix) = (Arc::clone(&next), Arc::clone(mix));
        senders.push(tokio::spawn(async move {
            let mut samples = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    return samples;
                }
                let planned = begin + pause * u32::try_from(number).unwrap_or(u32::MAX);
                sleep_until(planned).await;
                let request = mix.request(number);
                let outcome = client
                    .send(request.method, &request.path, request.body.as_ref())
                    .await;
                let micros = i64::try_from(planned.elapsed().as_micros()).unwrap_or(i64::MAX);
                let error = match outcome {
                    Ok((status, answer)) if (200..300).contains(&status) => {
                        mix.learn(&request, &answer);
                        None
                    }
                    Ok((status, answer)) => {
                        Some(format!("{} {}: {status} {answer}", request.method, request.path))
                    }
                    Err(error) => Some(format!("{} {}: {error}", request.method, request.path)),
                };
                samples.push(Sample {
                    kind: request.kind,
                    micros,
                    error,
                });
            }
        }));
    }
    let mut samples = Vec::with_capacity(total);
    for sender in senders {
        samples.extend(sender.await?);
    }
    Ok(samples)
}

fn rows(samples: &[Sample]) -> Vec<Row> {
    let row = |kind: &'static str, of: &dyn Fn(&Sample) -> bool| {
        let chosen: Vec<_> = samples.iter().filter(|sample| of(sample)).collect();
        Row {
            kind,
            sent: chosen.len(),
            errors: chosen.iter().filter(|sample| sample.error.is_some()).count(),
            latency_us: Latencies::of(chosen.iter().map(|sample| sample.micros).collect()),
        }
    };
    let mut rows: Vec<_> = Kind::ALL
        .iter()
        .map(|kind| row(kind.words(), &|sample| sample.kind == *kind))
        .collect();
    rows.push(row("all", &|_| true));
    rows
}

/// How late each tick of the schedules was decided on, from the ledger, in microseconds.
async fn lateness(
    file: &Path,
    schedules: &[String],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<i64>, Failure> {
    let database = Database::connect(&format!("sqlite://{}", file.display())).await?;
    let ticks = database.repositories().ticks();
    let mut lateness = Vec::new();
    for id in schedules {
        let id: ScheduleId = id.parse()?;
        let mut after = None;
        loop {
            let rows = ticks.tick_scan(id, from, after, 1_000).await?;
            let Some(last) = rows.last() else { break };
            after = Some((last.record.scheduled_for, last.request));
            for row in rows
                .iter()
                .filter(|row| row.request == 0 && row.record.scheduled_for < to)
            {
                if row.record.count != 1 {
                    return Err(format!("ticks were missed: {row:?}").into());
                }
                lateness.push(row.record.lateness.num_microseconds().unwrap_or(i64::MAX));
            }
        }
    }
    database.close().await?;
    Ok(lateness)
}

fn requests_table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["requests", "sent", "errors", "p50", "p99", "max"]);
    for row in &report.requests {
        let mut cells = vec![row.kind.to_owned(), row.sent.to_string(), row.errors.to_string()];
        cells.extend(columns(row.latency_us));
        table.add_row(cells);
    }
    table
}

fn ticks_table(report: &Report) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "ticks",
        "late by p50",
        "p99",
        "max",
        "cores of the server",
        "of this process",
    ]);
    let mut cells = vec![report.ticks.to_string()];
    cells.extend(columns(report.lateness_us));
    let Cores { server, sender } = report.cores;
    cells.extend([server, sender].map(|cores| format!("{cores:.2}")));
    table.add_row(cells);
    table
}

fn columns(latencies: Option<Latencies>) -> [String; 3] {
    match latencies {
        Some(Latencies { p50, p99, max }) => [shown(p50), shown(p99), shown(max)],
        None => std::array::from_fn(|_| "-".to_owned()),
    }
}
