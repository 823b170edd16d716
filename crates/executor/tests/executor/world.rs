use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_executor::{
    DeliveryWorker, DeliveryWorkerParts, ExecutorConfig, JobPipeline, JobPipelineParts, ServerStatus,
};
use ratchet_interfaces::{
    Clock, Event, EventSink, JobId, ManualClock, NodeId, OutputDelivery, Signal, Task, TaskDefinition,
    TaskId, TaskValidator, UnifiedJob, ValidationIssue,
};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::{Value, json};

use crate::fake_database::FakeDatabase;

/// What the executor told.
#[derive(Default)]
pub(crate) struct Heard(Mutex<Vec<Event>>);

impl Heard {
    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl EventSink for Heard {
    fn emit(&self, events: &[Event]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

/// Everything around the executor.
pub(crate) struct World {
    pub(crate) database: Arc<FakeDatabase>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) status: Arc<ServerStatus>,
    pub(crate) jobs_available: Signal,
    pub(crate) jobs_stopping: Signal,
    pub(crate) deliveries_available: Signal,
    pub(crate) heard: Arc<Heard>,
}

impl World {
    pub(crate) fn new() -> Self {
        let now = Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        Self {
            database: Arc::new(FakeDatabase::new()),
            status: Arc::new(ServerStatus::new("9.8.7", clock.clone() as Arc<dyn Clock>)),
            clock,
            jobs_available: Signal::default(),
            jobs_stopping: Signal::default(),
            deliveries_available: Signal::default(),
            heard: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A pipeline with room for `slots` jobs; jobs without a timeout of their own have ten seconds.
    pub(crate) fn pipeline(&self, slots: u64, functions: BuiltinRuntime) -> JobPipeline {
        JobPipeline::new(JobPipelineParts {
            config: ExecutorConfig::new(slots, 10).unwrap(),
            jobs: self.database.clone(),
            executions: self.database.clone(),
            tasks: self.database.clone(),
            validator: Arc::new(TypeValidator),
            clock: self.clock.clone(),
            status: self.status.clone(),
            runtimes: vec![Arc::new(functions)],
            node: NodeId::new(),
            jobs_available: self.jobs_available.clone(),
            jobs_stopping: self.jobs_stopping.clone(),
            deliveries_available: self.deliveries_available.clone(),
            events: self.heard.clone(),
        })
        .unwrap()
    }

    pub(crate) fn delivery_worker(&self, output: Arc<dyn OutputDelivery>) -> DeliveryWorker {
        DeliveryWorker::new(DeliveryWorkerParts {
            deliveries: self.database.clone(),
            output,
            clock: self.clock.clone(),
            deliveries_available: self.deliveries_available.clone(),
            events: self.heard.clone(),
        })
    }

    /// Stores an enabled task of the runtime `builtin`.
    pub(crate) fn task(&self, name: &str) -> TaskId {
        let id = TaskId::new();
        let task = Task::new(
            TaskDefinition::new(id, name, "1.0.0", "builtin"),
            "test",
            self.now(),
        );
        self.database.state().tasks.insert(id, task);
        id
    }

    /// Commits a job and signals it.
    pub(crate) fn add(&self, job: UnifiedJob) -> JobId {
        let id = job.id;
        self.database.state().jobs.push(job);
        self.jobs_available.raise();
        id
    }

    /// Commits a plain job of a task and signals it.
    pub(crate) fn job_of(&self, task: TaskId) -> JobId {
        self.add(UnifiedJob::new(task, json!({}), self.now()))
    }

    /// Lets every part go as far as it can without time passing. Nothing here does real input or output, so on one
    /// thread a number of turns is enough.
    pub(crate) async fn quiesce(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass once everybody has begun to wait.
    pub(crate) async fn pass(&self, duration: Duration) {
        self.quiesce().await;
        self.clock.advance(TimeDelta::from_std(duration).unwrap());
        self.quiesce().await;
    }

    /// The statements since the last call.
    pub(crate) fn take_statements(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.database.state().statements)
    }
}

/// Knows of a schema only its `type`, and of types only `object`.
pub(crate) struct TypeValidator;

impl TaskValidator for TypeValidator {
    fn validate_task(&self, _: &TaskDefinition) -> Vec<ValidationIssue> {
        unreachable!("the executor validates no definitions")
    }

    fn validate_input(&self, task: &TaskDefinition, input: &Value) -> Vec<ValidationIssue> {
        issues(task, "/input", task.input_schema.as_ref(), input)
    }

    fn validate_output(&self, task: &TaskDefinition, output: &Value) -> Vec<ValidationIssue> {
        issues(task, "/output", task.output_schema.as_ref(), output)
    }
}

fn issues(task: &TaskDefinition, field: &str, schema: Option<&Value>, value: &Value) -> Vec<ValidationIssue> {
    let suits = schema.is_none_or(|schema| schema["type"] != "object") || value.is_object();
    let issue = ValidationIssue {
        task: task.name.clone(),
        field: field.to_owned(),
        message: "it is not of type \"object\"".to_owned(),
    };
    if suits { Vec::new() } else { vec![issue] }
}
