use std::sync::Arc;
use std::time::Duration;

use ratchet_api::Services;
use ratchet_executor::{
    DeliveryWorker, DeliveryWorkerParts, ExecutorConfig, ExecutorError, JobPipeline, JobPipelineParts,
    ServerStatus,
};
use ratchet_interfaces::{
    Clock, EventSink, NoEventSink, NodeId, OutputDelivery, RegistryError, RegistryManager, RepositoryError,
    RepositoryFactory, RuntimeStatus, SchedulerError, SchedulerService, Signal, TaskExecutor, TaskRegistry,
    TaskValidator, ValidationIssue, with_causes,
};
use ratchet_outbound::{OutboundClient, OutboundError};
use ratchet_output::{OutputDeliveryManager, OutputFolder, OutputParts};
use ratchet_registry::{
    EmbeddedRegistry, FileSystemRegistry, SchemaValidator, TaskRegistryManager, TaskWatcher,
};
use ratchet_runtimes::{
    AbsentRuntime, BuiltinRuntime, Fetch, HttpRuntime, JavaScriptConfigError, JavaScriptRuntime,
    ProcessConfigError, ProcessRuntime,
};
use ratchet_scheduler::{SystemClock, TokioCronSchedulerService};
use ratchet_storage::{Database, DatabaseLock, StorageError};

use crate::default_schedules::create_default_schedules;
use crate::settings::{Settings, TaskSettings};

/// Every part of the server, joined.
pub struct ServiceContainer {
    /// The stored data.
    pub repositories: Arc<dyn RepositoryFactory>,
    /// The tasks that come with the binary.
    pub registry: Arc<dyn TaskRegistry>,
    /// Notices what changes in the folder of tasks, if there is one.
    pub task_watcher: Option<TaskWatcher>,
    /// Keeps the stored tasks what the registries say.
    pub registry_manager: Arc<dyn RegistryManager>,
    /// Checks tasks and inputs.
    pub validator: Arc<dyn TaskValidator>,
    /// Brings results to their destinations.
    pub output_manager: Arc<dyn OutputDelivery>,
    /// Fires the schedules.
    pub scheduler_service: Arc<dyn SchedulerService>,
    /// Runs the jobs.
    pub job_pipeline: Arc<JobPipeline>,
    /// Empties the outbox.
    pub delivery_worker: Arc<DeliveryWorker>,
    /// Raised when there may be a job that can run.
    pub jobs_available: Signal,
    /// Raised when there may be a running job that is to stop.
    pub jobs_stopping: Signal,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// What the process says of itself.
    pub status: Arc<dyn RuntimeStatus>,
    /// Who hears what happens.
    pub events: Arc<dyn EventSink>,
    database: Database,
    /// Held as long as the container lives: no other server uses the database meanwhile.
    lock: Option<DatabaseLock>,
    grace: Duration,
}

/// The server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The stored data cannot be read or written.
    #[error("the database failed at the start")]
    Repository(#[from] RepositoryError),
    /// The registries cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The executor cannot be set up.
    #[error(transparent)]
    Executor(#[from] ExecutorError),
    /// The scheduler cannot be set up.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
    /// Requests cannot be sent.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The JavaScript runtime cannot be set up.
    #[error(transparent)]
    JavaScript(#[from] JavaScriptConfigError),
    /// Processes cannot be run as it is set.
    #[error(transparent)]
    Process(#[from] ProcessConfigError),
    /// Traces cannot be sent.
    #[error("traces cannot be told")]
    Traces(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Standard output and error cannot be written to.
    #[error("the process's own streams cannot be had")]
    Output(#[source] std::io::Error),
    /// The address cannot be listened on.
    #[error("server.bind is \"{address}\": it cannot be listened on")]
    Bind {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others could reach the address, and nobody would ask them who they are.
    #[error(
        "server.bind is \"{address}\", which other machines can reach, and there is no token: make one by `ratchet token \
         create NAME --scope admin`, or listen on an address of loopback, such as 127.0.0.1:8080"
    )]
    NoToken {
        /// The address.
        address: std::net::SocketAddr,
    },
    /// HTTP ended by an error.
    #[error("the HTTP server failed")]
    Http(#[source] std::io::Error),
    /// The process cannot be told to stop.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

impl ServiceContainer {
    /// Opens the database, brings its tables up, and builds every part on the machine's clock. Nothing runs yet.
    ///
    /// # Errors
    /// [`StartError`] says which part cannot be had, and why.
    pub async fn new(settings: &Settings) -> Result<Self, StartError> {
        Self::with_clock(settings, Arc::new(SystemClock::new())).await
    }

    /// As [`ServiceContainer::new`], on another clock.
    ///
    /// # Errors
    /// As [`ServiceContainer::new`].
    pub async fn with_clock(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::with_events(settings, clock, Arc::new(NoEventSink)).await
    }

    /// As [`ServiceContainer::with_clock`], and `events` hears what happens.
    ///
    /// # Errors
    /// As [`ServiceContainer::new`].
    pub async fn with_events(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, StartError> {
        let database = Database::open(settings.database.url.clone()).await?;
        let lock = database.lock_exclusively().await?;
        database.migrate().await?;
        if !settings.server.is_local() && !database.repositories().tokens().token_exists().await? {
            let address = settings.server.bind;
            database.close().await?;
            return Err(StartError::NoToken { address });
        }
        Self::over(settings, clock, events, database, Some(lock))
    }

    /// Builds every part over a database that is open and whose tables are there. Without the lock another server may run:
    /// then nothing may be written, and nothing started.
    ///
    /// # Errors
    /// As [`ServiceContainer::new`].
    pub(crate) fn over(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventSink>,
        database: Database,
        lock: Option<DatabaseLock>,
    ) -> Result<Self, StartError> {
        let repositories = database.repositories();

        let (jobs_available, deliveries_available) = (Signal::default(), Signal::default());
        let jobs_stopping = Signal::default();
        let outbound = OutboundClient::new(settings.outbound.allowed_networks.clone())?;
        let output_manager = OutputDeliveryManager::new(OutputParts {
            folder: OutputFolder::at(&settings.output.folder),
            client: outbound.clone(),
            clock: Arc::clone(&clock),
        });
        let output_manager: Arc<dyn OutputDelivery> = Arc::new(output_manager.map_err(StartError::Output)?);
        let status = Arc::new(ServerStatus::new(env!("CARGO_PKG_VERSION"), Arc::clone(&clock)));
        let builtin =
            BuiltinRuntime::standard(Arc::clone(&clock), Arc::clone(&status) as Arc<dyn RuntimeStatus>);
        let outbound = Arc::new(outbound);
        let javascript = JavaScriptRuntime::new(
            settings.javascript.clone(),
            Arc::clone(&outbound) as Arc<dyn Fetch>,
        )?;
        let http = HttpRuntime::new(outbound, Arc::clone(&clock));
        let process = ProcessRuntime::new(settings.process.clone(), Arc::clone(&clock))?;
        let runtimes: Vec<Arc<dyn TaskExecutor>> = vec![
            Arc::new(builtin),
            Arc::new(http),
            Arc::new(javascript),
            Arc::new(process),
            Arc::new(AbsentRuntime),
        ];
        let validator: Arc<dyn TaskValidator> = Arc::new(SchemaValidator::default().with_runtimes(&runtimes));
        let registry: Arc<dyn TaskRegistry> = Arc::new(EmbeddedRegistry::new()?);
        let mut registry_manager =
            TaskRegistryManager::new(repositories.tasks(), Arc::clone(&validator), Arc::clone(&clock))
                .with_jobs_available(jobs_available.clone())
                .with_registry(Arc::clone(&registry));
        // One that was not named may be made while the server runs.
        let files = match &settings.tasks.folder {
            Some(folder) => FileSystemRegistry::new("files", [folder]),
            None => FileSystemRegistry::new("files", [TaskSettings::DEFAULT_FOLDER]).where_present(),
        };
        let task_folders = settings.tasks.watch.then(|| files.roots().to_vec());
        registry_manager = registry_manager.with_registry(Arc::new(files));
        let registry_manager: Arc<dyn RegistryManager> = Arc::new(registry_manager);
        let task_watcher = task_folders
            .map(|folders| TaskWatcher::new(Arc::clone(&registry_manager), Arc::clone(&clock), folders))
            .transpose()?;
        let job_pipeline = JobPipeline::new(JobPipelineParts {
            config: ExecutorConfig::new(
                settings.scheduler.max_concurrent_jobs as u64,
                settings.scheduler.job_timeout_seconds,
            )?,
            jobs: repositories.jobs(),
            executions: repositories.executions(),
            tasks: repositories.tasks(),
            validator: Arc::clone(&validator),
            clock: Arc::clone(&clock),
            status: Arc::clone(&status),
            runtimes,
            node: NodeId::new(),
            jobs_available: jobs_available.clone(),
            jobs_stopping: jobs_stopping.clone(),
            deliveries_available: deliveries_available.clone(),
            events: Arc::clone(&events),
        })?;
        let delivery_worker = DeliveryWorker::new(DeliveryWorkerParts {
            deliveries: repositories.deliveries(),
            output: Arc::clone(&output_manager),
            clock: Arc::clone(&clock),
            deliveries_available,
            events: Arc::clone(&events),
        });
        let scheduler =
            TokioCronSchedulerService::new(Arc::clone(&repositories), settings.scheduler.clone())?
                .with_clock(Arc::clone(&clock))
                .with_jobs_available(jobs_available.clone())
                .with_jobs_stopping(jobs_stopping.clone())
                .with_events(Arc::clone(&events));
        Ok(Self {
            repositories,
            registry,
            task_watcher,
            registry_manager,
            validator,
            output_manager,
            scheduler_service: Arc::new(scheduler),
            job_pipeline: Arc::new(job_pipeline),
            delivery_worker: Arc::new(delivery_worker),
            jobs_available,
            jobs_stopping,
            clock,
            status,
            events,
            database,
            lock,
            grace: Duration::from_secs(settings.server.shutdown_grace_seconds),
        })
    }

    /// Synchronizes the tasks, creates the default schedules, and starts every part.
    ///
    /// # Errors
    /// [`StartError`] says which part failed, and why. What runs already is ended by [`ServiceContainer::stop`].
    pub async fn start(&self) -> Result<(), StartError> {
        if let Some(watcher) = &self.task_watcher {
            watcher.start().await;
        }
        let report = self.registry_manager.sync().await?;
        for ValidationIssue { task, field, message } in &report.issues {
            tracing::warn!(task, field, "a task is not in order: {message}");
        }
        self.delivery_worker.start().await;
        self.job_pipeline.start().await?;
        create_default_schedules(
            &*self.registry,
            &*self.repositories,
            &*self.scheduler_service,
            self.clock.now(),
        )
        .await?;
        self.scheduler_service.start().await?;
        Ok(())
    }

    /// What the API calls.
    #[must_use]
    pub fn api_services(&self) -> Services {
        Services {
            repositories: Arc::clone(&self.repositories),
            scheduler: Arc::clone(&self.scheduler_service),
            registries: Arc::clone(&self.registry_manager),
            worker: Arc::clone(&self.job_pipeline) as _,
            validator: Arc::clone(&self.validator),
            output: Arc::clone(&self.output_manager),
            jobs_available: self.jobs_available.clone(),
            jobs_stopping: self.jobs_stopping.clone(),
            events: Arc::clone(&self.events),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Completes when another server has the database's lock instead of this one, which must then stop.
    pub async fn lock_lost(&self) -> StorageError {
        match &self.lock {
            Some(lock) => lock.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Fires no further tick, lets running jobs finish within the configured grace, hands back the rest, and
    /// closes the database. A part that ends badly does not keep the others from being stopped.
    ///
    /// # Errors
    /// [`StartError`] of the first part that ended badly.
    pub async fn stop(&self) -> Result<(), StartError> {
        let scheduler = self.scheduler_service.stop().await;
        if let Some(watcher) = &self.task_watcher {
            watcher.stop().await;
        }
        self.job_pipeline.stop(self.grace).await;
        self.delivery_worker.stop(self.grace).await;
        let database = self.database.close().await;
        first_error([scheduler.map_err(Into::into), database.map_err(Into::into)])
    }
}

/// The first error is the caller's; what went wrong after it is only told.
pub(crate) fn first_error<const N: usize>(outcomes: [Result<(), StartError>; N]) -> Result<(), StartError> {
    let mut errors = outcomes.into_iter().filter_map(Result::err);
    let first = errors.next();
    for error in errors {
        tracing::error!(error = with_causes(&error), "another part ended badly");
    }
    first.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::MockSchedulerService;

    use super::*;

    #[tokio::test]
    async fn a_scheduler_that_ends_badly_does_not_keep_the_other_parts_from_being_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.database.url = folder.path().join("a.db").display().to_string().parse().unwrap();
        let mut container = ServiceContainer::new(&settings).await.unwrap();
        let mut scheduler = MockSchedulerService::new();
        scheduler.expect_stop().returning(|| {
            Err(SchedulerError::Runtime {
                during: "ending the event loop",
                source: "it panicked".into(),
            })
        });
        container.scheduler_service = Arc::new(scheduler);
        container.delivery_worker.start().await;
        container.job_pipeline.start().await.unwrap();
        container.repositories.ping().await.unwrap();

        let error = container.stop().await.unwrap_err();
        assert!(matches!(error, StartError::Scheduler(_)), "{error}");
        assert!(
            container.repositories.ping().await.is_err(),
            "the database is open"
        );
    }
}
