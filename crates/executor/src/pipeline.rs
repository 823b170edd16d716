use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{
    Clock, EventSink, ExecutionRepository, JobRepository, NodeId, Recovery, RuntimeStatus, Signal,
    TaskExecutor, TaskRepository, TaskValidator, WorkerReport, WorkerStatus,
};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::lifecycle::{Lifecycle, PhaseWatch};
use crate::stalls::Stalls;
use crate::{ExecutorConfig, ExecutorError, ServerStatus};

mod attempt;
mod claimer;
mod event;
mod leases;
mod load;
mod open_executions;
mod result_deliveries;
mod roster;
mod run_monitor;
mod settler;
mod stops;
mod teller;

use claimer::Claimer;
use leases::Leases;
use open_executions::OpenExecutions;
use settler::Settler;
use stops::Stops;
use teller::Teller;

/// How many outcomes wait for the settler at the most; a transaction takes no more.
const MAX_WAITING_OUTCOMES: usize = 1_000;

const ORPHAN_REASON: &str = "the process that ran it died";

/// What a [`JobPipeline`] works with.
pub struct JobPipelineParts {
    /// Limits and retries.
    pub config: ExecutorConfig,
    /// The queue.
    pub jobs: Arc<dyn JobRepository>,
    /// The attempts at jobs, to look up what became of one.
    pub executions: Arc<dyn ExecutionRepository>,
    /// The tasks that jobs refer to.
    pub tasks: Arc<dyn TaskRepository>,
    /// What checks a job's input before each attempt, and what the task returned after it.
    pub validator: Arc<dyn TaskValidator>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// Where running jobs are counted.
    pub status: Arc<ServerStatus>,
    /// What runs tasks, each under its own name.
    pub runtimes: Vec<Arc<dyn TaskExecutor>>,
    /// This process, as its jobs' lease names it.
    pub node: NodeId,
    /// To be raised by whoever has committed jobs.
    pub jobs_available: Signal,
    /// To be raised by whoever has asked running jobs to stop, or has taken them away, when that is on disk.
    pub jobs_stopping: Signal,
    /// Raised here when results with deliveries are on disk.
    pub deliveries_available: Signal,
    /// Who hears what becomes of jobs and executions.
    pub events: Arc<dyn EventSink>,
}

/// Takes jobs off the queue, runs them, and makes their ends durable.
pub struct JobPipeline {
    context: Arc<Context>,
    lifecycle: Lifecycle,
}

/// What the loops and the attempts share.
struct Context {
    config: ExecutorConfig,
    jobs: Arc<dyn JobRepository>,
    executions: Arc<dyn ExecutionRepository>,
    tasks: Arc<dyn TaskRepository>,
    validator: Arc<dyn TaskValidator>,
    clock: Arc<dyn Clock>,
    status: Arc<ServerStatus>,
    runtimes: HashMap<String, Arc<dyn TaskExecutor>>,
    node: NodeId,
    open_executions: OpenExecutions,
    stalls: Stalls,
    jobs_available: Signal,
    jobs_stopping: Signal,
    deliveries_available: Signal,
    events: Arc<dyn EventSink>,
}

impl JobPipeline {
    /// A pipeline that does nothing yet.
    ///
    /// # Errors
    /// [`ExecutorError::DuplicateRuntime`] when two runtimes have one name.
    pub fn new(parts: JobPipelineParts) -> Result<Self, ExecutorError> {
        let JobPipelineParts {
            config,
            jobs,
            executions,
            tasks,
            validator,
            clock,
            status,
            runtimes,
            node,
            jobs_available,
            jobs_stopping,
            deliveries_available,
            events,
        } = parts;
        let mut by_name = HashMap::new();
        for runtime in runtimes {
            let name = runtime.runtime().to_owned();
            if by_name.insert(name.clone(), runtime).is_some() {
                return Err(ExecutorError::DuplicateRuntime { name });
            }
        }
        Ok(Self {
            lifecycle: Lifecycle::new("job pipeline", Arc::clone(&clock)),
            context: Arc::new(Context {
                config,
                jobs,
                executions,
                tasks,
                validator,
                clock,
                status,
                runtimes: by_name,
                node,
                open_executions: OpenExecutions::default(),
                stalls: Stalls::default(),
                jobs_available,
                jobs_stopping,
                deliveries_available,
                events,
            }),
        })
    }

    /// Recovers the jobs of a process that died, then begins to claim. Starting a started pipeline does nothing; a
    /// stopped one may be started again.
    ///
    /// # Errors
    /// [`ExecutorError::RecoverOrphans`] when the database does not answer; the pipeline is then not started.
    pub async fn start(&self) -> Result<(), ExecutorError> {
        let context = Arc::clone(&self.context);
        self.lifecycle
            .start(self.context.recover_orphans(), |watch| run(context, watch))
            .await
    }

    /// Claims nothing more, lets what runs end within `grace`, breaks off the rest and hands it back to the queue,
    /// and returns when every outcome is on disk and nothing of the pipeline is left.
    ///
    /// Should the database not take the outcomes, the stop gives up ten seconds after the grace, and the next process
    /// recovers their jobs. Stopping a pipeline that does not run does nothing. A pipeline that is dropped without
    /// a stop ends like a process that died.
    pub async fn stop(&self, grace: Duration) {
        self.lifecycle.stop(grace).await;
        self.context.stalls.clear();
    }

    /// What keeps jobs from being claimed, run or settled at this moment, and since when; `None` when nothing does. It
    /// is for health checks: it waits for nothing and asks the database nothing. A pipeline that was not started or
    /// was stopped has no stall.
    #[must_use]
    pub fn stall(&self) -> Option<String> {
        self.lifecycle.broken().or_else(|| self.context.stalls.tell())
    }
}

impl WorkerStatus for JobPipeline {
    fn report(&self) -> WorkerReport {
        let Context {
            config, status, node, ..
        } = &*self.context;
        let (begun, running) = status.jobs();
        WorkerReport {
            node: *node,
            version: status.version(),
            started_at: status.started_at(),
            uptime: status.uptime(),
            slots: config.max_concurrent_jobs as u64,
            running,
            begun,
            stalled: self.stall(),
        }
    }
}

impl Context {
    async fn recover_orphans(&self) -> Result<(), ExecutorError> {
        if !self.config.recovers_orphans {
            return Ok(());
        }
        let Recovery { jobs, events } = self
            .jobs
            .job_recover_orphans(self.node, self.clock.now(), ORPHAN_REASON)
            .await
            .map_err(|source| ExecutorError::RecoverOrphans { source })?;
        self.events.emit(&events);
        if jobs > 0 {
            warn!(jobs, "jobs of a process that died are back in the queue");
        }
        Ok(())
    }
}

/// The pipeline's life. The claim loop and every attempt hold a sender of outcomes, so the settler ends exactly when
/// nobody is left who could have one.
async fn run(context: Arc<Context>, watch: PhaseWatch) {
    info!(
        max_concurrent_jobs = context.config.max_concurrent_jobs,
        "the job pipeline runs"
    );
    // An attempt counts as unsettled until the settler takes its outcome: a slow database slows down the claims.
    let (outcomes, ended) = mpsc::channel(MAX_WAITING_OUTCOMES);
    let (said, to_tell) = mpsc::unbounded_channel();
    let claimer = tokio::spawn(Claimer::new(Arc::clone(&context), outcomes, said, watch.clone()).run());
    let (all_settled, settled) = oneshot::channel();
    let teller = tokio::spawn(Teller::new(Arc::clone(&context), to_tell, settled, watch.clone()).run());
    let leases = tokio::spawn(Leases::new(Arc::clone(&context), watch.clone()).run());
    let stops = tokio::spawn(Stops::new(Arc::clone(&context), watch.clone()).run());
    let stops_end = stops.abort_handle();
    let stalls = context.stalls.clone();
    let claiming = async {
        if let Err(failure) = claimer.await {
            error!(error = %failure, "the claim loop ended by a panic");
            stalls.begin(
                "claim loop",
                "the claim loop has ended, see the log: no job runs until the server is started again"
                    .to_owned(),
            );
        }
    };
    let stopping = async {
        if let Err(failure) = stops.await
            && failure.is_panic()
        {
            error!(error = %failure, "the loop that calls off running jobs ended by a panic");
            stalls.begin(
                "stop loop",
                "the loop that calls off running jobs has ended, see the log: none is called off until the server \
                 is started again"
                    .to_owned(),
            );
        }
    };
    let working = async {
        tokio::join!(Settler::new(context, ended, watch).run(), claiming);
        // Nothing is left that could be called off, or whose lease could end.
        stops_end.abort();
        leases.abort();
        drop(all_settled);
        if let Err(failure) = teller.await {
            error!(error = %failure, "the loop that writes what tasks say ended by a panic");
        }
    };
    tokio::join!(working, stopping);
    info!("the job pipeline has stopped");
}
