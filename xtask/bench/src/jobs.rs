use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clap::{Args, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use ratchet_executor::{ExecutorConfig, JobPipeline, JobPipelineParts, ServerStatus};
use ratchet_interfaces::{
    Choice, Clock, JobCondition, JobFilter, JobSort, JobStatus, NoEventSink, NodeId, PageRequest,
    RepositoryFactory, Signal, Task, TaskDefinition, TaskError, TaskExecutor, TaskId, TaskRequest,
    UnifiedJob,
};
use ratchet_outbound::{AddressPolicy, OutboundClient};
use ratchet_registry::SchemaValidator;
use ratchet_runtimes::{JavaScriptConfig, JavaScriptRuntime};
use ratchet_scheduler::SystemClock;
use ratchet_storage::Database;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::Failure;
use crate::latencies::{Latencies, shown};

/// The variable that names the PostgreSQL server on which the benchmark makes its database.
const POSTGRES_URL: &str = "RATCHET_BENCH_POSTGRES_URL";

/// How many jobs are created in one transaction.
const CREATED_AT_ONCE: usize = 2_000;

/// What a JavaScript job runs.
const JAVASCRIPT: &str = "(input) => ({ next: input.number + 1 })";

/// How long the pipeline is left alone before a job whose latency counts.
const IDLE: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print a JSON array instead of a table
    #[arg(long)]
    json: bool,
    /// How many jobs wait when the pipeline is started
    #[arg(long, default_value_t = 100_000)]
    jobs: usize,
    /// How many jobs may run at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100])]
    concurrency: Vec<u64>,
    /// On which databases
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Sqlite, Kind::Postgres])]
    databases: Vec<Kind>,
    /// Of which runtimes
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Runtime::NoOp, Runtime::JavaScript])]
    runtimes: Vec<Runtime>,
    /// How many jobs are queued one by one, each while nothing else runs, to measure how soon they are started
    #[arg(long, default_value_t = 200)]
    idle_jobs: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Runtime {
    #[value(name = "noop")]
    NoOp,
    #[value(name = "javascript")]
    JavaScript,
}

/// One database, runtime and limit.
#[derive(Debug, Serialize)]
struct Row {
    database: Kind,
    runtime: Runtime,
    concurrency: u64,
    jobs: usize,
    jobs_per_s: f64,
    queued_to_started_us: Option<Latencies>,
}

/// A runtime that tells of each start before it hands the job on.
struct Counted {
    name: &'static str,
    inner: Option<Arc<dyn TaskExecutor>>,
    started: AtomicUsize,
    wanted: AtomicUsize,
    reached: Notify,
}

#[async_trait]
impl TaskExecutor for Counted {
    fn runtime(&self) -> &str {
        self.name
    }

    fn check(&self, _: &TaskDefinition) -> Option<String> {
        None
    }

    fn stop_grace(&self) -> Duration {
        Duration::ZERO
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        let started = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        if started == self.wanted.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
        match &self.inner {
            Some(runtime) => runtime.execute(request).await,
            None => Ok(Value::Null),
        }
    }
}

impl Counted {
    /// Returns when so many jobs were started since the runtime was made.
    async fn until(&self, wanted: usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        while self.started.load(Ordering::SeqCst) < wanted {
            self.reached.notified().await;
        }
    }
}

/// A database of its own, on a disk, and a pipeline over it.
struct Workshop {
    database: Database,
    repositories: Arc<dyn RepositoryFactory>,
    runtime: Arc<Counted>,
    pipeline: JobPipeline,
    jobs_available: Signal,
    task: TaskId,
    clock: Arc<dyn Clock>,
    _folder: tempfile::TempDir,
}

impl Workshop {
    async fn open(kind: Kind, runtime: Runtime, concurrency: u64) -> Result<Self, Failure> {
        let folder = tempfile::tempdir_in(".")?;
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("bench.db").display()),
            Kind::Postgres => fresh_postgres().await?,
        };
        let database = Database::connect(&url).await?;
        database.migrate().await?;
        let repositories = database.repositories();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (name, inner, source) = match runtime {
            Runtime::NoOp => ("noop", None, None),
            Runtime::JavaScript => {
                let client = OutboundClient::new(AddressPolicy::default())?;
                let inner = JavaScriptRuntime::new(JavaScriptConfig::default(), Arc::new(client))?;
                let inner: Arc<dyn TaskExecutor> = Arc::new(inner);
                ("javascript", Some(inner), Some(JAVASCRIPT.to_owned()))
            }
        };
        let runtime = Arc::new(Counted {
            name,
            inner,
            started: AtomicUsize::new(0),
            wanted: AtomicUsize::new(0),
            reached: Notify::new(),
        });
        let task = TaskDefinition {
            source,
            ..TaskDefinition::new(TaskId::new(), "no-op", "1.0.0", name)
        };
        let id = task.id;
        let task = Task::new(task, "bench", clock.now());
        repositories.tasks().task_upsert_many(&[task]).await?;
        let jobs_available = Signal::default();
        let pipeline = JobPipeline::new(JobPipelineParts {
            config: ExecutorConfig::new(concurrency, 3_600)?,
            jobs: repositories.jobs(),
            executions: repositories.executions(),
            tasks: repositories.tasks(),
            validator: Arc::new(SchemaValidator::default()),
            clock: Arc::clone(&clock),
            status: Arc::new(ServerStatus::new("bench", Arc::clone(&clock))),
            runtimes: vec![Arc::clone(&runtime) as Arc<dyn TaskExecutor>],
            node: NodeId::new(),
            jobs_available: jobs_available.clone(),
            jobs_stopping: Signal::default(),
            deliveries_available: Signal::default(),
            events: Arc::new(NoEventSink),
        })?;
        Ok(Self {
            database,
            repositories,
            runtime,
            pipeline,
            jobs_available,
            task: id,
            clock,
            _folder: folder,
        })
    }

    async fn queue(&self, count: usize) -> Result<(), Failure> {
        let now = self.clock.now();
        let jobs: Vec<_> = (0..count)
            .map(|number| UnifiedJob::new(self.task, json!({"number": number}), now))
            .collect();
        for chunk in jobs.chunks(CREATED_AT_ONCE) {
            self.repositories.jobs().job_create_many(chunk, &[]).await?;
        }
        Ok(())
    }

    async fn close(self, expected: usize) -> Result<(), Failure> {
        let completed = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Completed))]);
        let page = PageRequest::new(0, 1)?;
        let completed = self
            .repositories
            .jobs()
            .job_list(&completed, JobSort::default(), page)
            .await?
            .total;
        self.database.close().await?;
        if completed != expected as u64 {
            return Err(format!("{completed} jobs are completed, not {expected}").into());
        }
        Ok(())
    }
}

/// An empty database on the server that the environment names.
pub(crate) async fn fresh_postgres() -> Result<String, Failure> {
    let server = std::env::var(POSTGRES_URL)
        .map_err(|_| format!("{POSTGRES_URL} names no PostgreSQL server: use --databases sqlite"))?;
    let database = Database::connect(&server).await?;
    database.fresh().await?;
    database.close().await?;
    Ok(server)
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for &database in &arguments.databases {
        for &runtime in &arguments.runtimes {
            for &concurrency in &arguments.concurrency {
                eprintln!(
                    "{database:?}, {runtime:?}, {concurrency} at once: {} jobs",
                    arguments.jobs
                );
                let jobs_per_s = throughput(database, runtime, concurrency, arguments.jobs).await?;
                rows.push(Row {
                    database,
                    runtime,
                    concurrency,
                    jobs: arguments.jobs,
                    jobs_per_s,
                    queued_to_started_us: latency(database, runtime, concurrency, arguments.idle_jobs)
                        .await?,
                });
            }
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(&rows));
    }
    Ok(())
}

/// How many jobs a second go from queued to completed when very many wait.
async fn throughput(
    database: Kind,
    runtime: Runtime,
    concurrency: u64,
    count: usize,
) -> Result<f64, Failure> {
    let workshop = Workshop::open(database, runtime, concurrency).await?;
    workshop.queue(count).await?;
    let began = workshop.clock.monotonic();
    workshop.pipeline.start().await?;
    workshop.runtime.until(count).await;
    // It returns when every outcome is on disk.
    workshop.pipeline.stop(Duration::from_secs(60)).await;
    let took = workshop.clock.monotonic() - began;
    workshop.close(count).await?;
    #[expect(clippy::cast_precision_loss, reason = "a number of jobs is small")]
    let jobs = count as f64;
    Ok((jobs / took.as_secs_f64()).round())
}

/// From the commit of a job that is queued while nothing runs until its task is started.
async fn latency(
    database: Kind,
    runtime: Runtime,
    concurrency: u64,
    count: usize,
) -> Result<Option<Latencies>, Failure> {
    let workshop = Workshop::open(database, runtime, concurrency).await?;
    workshop.pipeline.start().await?;
    let mut latencies = Vec::new();
    for number in 0..count {
        workshop.clock.sleep(IDLE).await;
        workshop.queue(1).await?;
        let queued = workshop.clock.monotonic();
        workshop.jobs_available.raise();
        workshop.runtime.until(number + 1).await;
        let took = workshop.clock.monotonic().saturating_sub(queued);
        latencies.push(i64::try_from(took.as_micros())?);
    }
    workshop.pipeline.stop(Duration::from_secs(60)).await;
    workshop.close(count).await?;
    Ok(Latencies::of(latencies))
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "database",
        "runtime",
        "at once",
        "jobs",
        "jobs/s",
        "queued to started p50",
        "p99",
        "max",
    ]);
    for row in rows {
        let latency = |pick: fn(Latencies) -> i64| {
            row.queued_to_started_us
                .map_or_else(|| "–".to_owned(), |latencies| shown(pick(latencies)))
        };
        table.add_row([
            format!("{:?}", row.database).to_lowercase(),
            format!("{:?}", row.runtime).to_lowercase(),
            row.concurrency.to_string(),
            row.jobs.to_string(),
            format!("{:.0}", row.jobs_per_s),
            latency(|latencies| latencies.p50),
            latency(|latencies| latencies.p99),
            latency(|latencies| latencies.max),
        ]);
    }
    table
}
