use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use chrono::SecondsFormat;
use ratchet_interfaces::{TaskContext, TaskError, TaskErrorKind, TaskRequest};
use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Promise, Value};
use serde_json::json;
use tokio::runtime::Handle;

use super::config::JavaScriptConfig;
use super::control::{Event, Interruption, RunControl};
use super::failure;
use super::globals::Globals;
use super::pool::ThreadPool;
use super::program::Program;
use super::sandbox::{Limits, Sandbox};
use crate::Fetch;

/// One run of a task, from its thread's point of view.
pub(super) struct Run {
    pub(super) request: TaskRequest,
    pub(super) config: JavaScriptConfig,
    pub(super) control: Arc<RunControl>,
    pub(super) fetch: Arc<dyn Fetch>,
    /// Where fetches run.
    pub(super) tokio: Handle,
    pub(super) events: Sender<Event>,
    pub(super) heard: Receiver<Event>,
    pub(super) pool: Arc<ThreadPool>,
}

impl Run {
    /// Less than this no engine can work with.
    const LEAST_MEMORY_BYTES: usize = 1024 * 1024;

    /// Runs the task. It returns when the task has ended, or was made to.
    pub(super) fn execute(self) -> Result<serde_json::Value, TaskError> {
        self.control.begin();
        if self.control.is_stopped() {
            return Err(Interruption::Stopped.into());
        }
        catch_unwind(AssertUnwindSafe(|| self.in_sandbox())).unwrap_or_else(|_| {
            // The panic hook has told where.
            Err(TaskError::of(
                TaskErrorKind::Panic,
                "the JavaScript runtime panicked",
            ))
        })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let own = self.request.limits.memory_bytes;
        own.map_or(self.config.memory_bytes(), |bytes| {
            usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .max(Self::LEAST_MEMORY_BYTES)
        })
    }

    fn in_sandbox(&self) -> Result<serde_json::Value, TaskError> {
        let Some(source) = &self.request.task.source else {
            return Err(TaskError::of(
                TaskErrorKind::Definition,
                "a task of the runtime javascript needs a main.js",
            ));
        };
        let program = Program::new(source);
        let timeout = self.request.limits.timeout;
        let (sandbox, limits) =
            Sandbox::new(&program, self.memory_bytes(), Arc::clone(&self.control), timeout).map_err(
                |error| TaskError::of(TaskErrorKind::Panic, format!("no engine can be had: {error}")),
            )?;
        let outcome = sandbox.context().with(|ctx| {
            let outcome = self.in_context(&ctx, &program, &limits);
            let outcome = outcome.map_err(|failed| failed.into_error(&ctx, &program));
            // Whatever the script made of being interrupted, that is what ended it.
            limits.check().map_err(|interruption| Some(interruption.into()))?;
            outcome
        });
        outcome.map_err(|error| match error {
            Some(error) => error,
            None if program.throws_null() && !sandbox.is_full() => TaskError::failed("null was thrown"),
            None => failure::out_of_memory(),
        })
    }

    fn in_context<'js>(
        &self,
        ctx: &Ctx<'js>,
        program: &Program<'_>,
        limits: &Rc<Limits>,
    ) -> Result<serde_json::Value, Failed> {
        let globals = Globals::install(ctx, program, self)?;
        let main = program.main(ctx).map_err(Failed::Loading)?;
        let main = main.ok_or_else(|| {
            let message = "main.js is no function and defines none with the name main";
            Failed::Known(TaskError::of(TaskErrorKind::Definition, message))
        })?;
        let input = ctx.json_parse(self.request.input.to_string())?;
        let context = ctx.json_parse(context_json(&self.request.context).to_string())?;
        let returned: Value<'js> = main.call((input, context))?;
        let result = match returned.as_promise() {
            None => returned,
            Some(promise) => self.awaited(ctx, promise, &globals, limits)?,
        };
        self.output(ctx, result)
    }

    /// Runs what the script has put off until the promise is settled.
    fn awaited<'js>(
        &self,
        ctx: &Ctx<'js>,
        promise: &Promise<'js>,
        globals: &Globals<'js>,
        limits: &Limits,
    ) -> Result<Value<'js>, Failed> {
        loop {
            while ctx.execute_pending_job() {
                if limits.check().is_err() {
                    break;
                }
            }
            limits
                .check()
                .map_err(|interruption| Failed::Known(interruption.into()))?;
            match promise.state() {
                PromiseState::Pending => {}
                PromiseState::Resolved | PromiseState::Rejected => {
                    return promise
                        .result()
                        .unwrap_or(Err(rquickjs::Error::Unknown))
                        .map_err(Failed::Thrown);
                }
            }
            if let Ok(event) = self.heard.try_recv() {
                globals.hear(ctx, event)?;
                continue;
            }
            let next_timer = globals.timers().next_due();
            if next_timer.is_some_and(|due| due <= Instant::now()) {
                globals.fire_due()?;
                continue;
            }
            if next_timer.is_none() && !globals.is_fetching() {
                let message = "the task waits for a promise that nothing is left to settle";
                return Err(Failed::Known(TaskError::failed(message)));
            }
            let until = [next_timer, limits.deadline()].into_iter().flatten().min();
            if let Some(event) = self.pool.waiting(|| self.next_event(until)) {
                globals.hear(ctx, event)?;
            }
        }
    }

    fn next_event(&self, until: Option<Instant>) -> Option<Event> {
        match until {
            Some(until) => {
                let wait = until.saturating_duration_since(Instant::now());
                // The run itself holds a sender, so that the only error is that the time is up.
                self.heard.recv_timeout(wait).ok()
            }
            None => self.heard.recv().ok(),
        }
    }

    /// What the task returned, as JSON.
    fn output<'js>(&self, ctx: &Ctx<'js>, result: Value<'js>) -> Result<serde_json::Value, Failed> {
        let Some(json) = ctx.json_stringify(result).map_err(Failed::Stringifying)? else {
            return Ok(serde_json::Value::Null);
        };
        let output = |message: String| Failed::Known(TaskError::of(TaskErrorKind::Output, message));
        let json = json.to_cstring()?;
        let most = self.config.max_output_bytes();
        if json.len() > most {
            let permanent = TaskError {
                retryable: false,
                ..TaskError::of(
                    TaskErrorKind::Output,
                    format!(
                        "the result has {} bytes as JSON: at most {most} are allowed",
                        json.len()
                    ),
                )
            };
            return Err(Failed::Known(permanent));
        }
        serde_json::from_str(json.as_str()).map_err(|error| output(format!("the result is no JSON: {error}")))
    }
}

/// How a run failed, before it is put into words.
pub(super) enum Failed {
    /// The words are there.
    Known(TaskError),
    /// The script could not be evaluated.
    Loading(rquickjs::Error),
    /// The task threw.
    Thrown(rquickjs::Error),
    /// What it returned cannot be written as JSON.
    Stringifying(rquickjs::Error),
}

impl From<rquickjs::Error> for Failed {
    fn from(error: rquickjs::Error) -> Self {
        Self::Thrown(error)
    }
}

impl Failed {
    /// In words; none where `null` was thrown.
    fn into_error(self, ctx: &Ctx<'_>, program: &Program<'_>) -> Option<TaskError> {
        let (error, kind) = match self {
            Self::Known(error) => return Some(error),
            Self::Loading(error) => (error, TaskErrorKind::Definition),
            Self::Thrown(error) => (error, TaskErrorKind::Task),
            Self::Stringifying(error) => (error, TaskErrorKind::Output),
        };
        match error {
            rquickjs::Error::Exception => failure::of_value(ctx, ctx.catch(), kind, program),
            rquickjs::Error::Allocation => Some(failure::out_of_memory()),
            other => Some(TaskError::of(kind, other.to_string())),
        }
    }
}

fn context_json(context: &TaskContext) -> serde_json::Value {
    let TaskContext {
        execution_id,
        job_id,
        task_id,
        task_version,
        scheduled_for,
        attempt,
    } = context;
    json!({
        "executionId": execution_id.to_string(),
        "jobId": job_id.to_string(),
        "taskId": task_id.to_string(),
        "taskVersion": task_version,
        "scheduledFor": scheduled_for.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        "attempt": attempt,
    })
}
