use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use ratchet_interfaces::{TaskDefinition, TaskError, TaskErrorKind, TaskExecutor, TaskRequest};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

mod config;
mod console;
mod control;
mod failure;
mod fetch;
mod globals;
mod pool;
mod program;
mod run;
mod sandbox;
mod timers;
mod web;

pub use config::{JavaScriptConfig, JavaScriptConfigError};

use control::{Event, RunControl};
use pool::ThreadPool;
use run::Run;

use crate::Fetch;

/// The runtime `javascript`: tasks whose source is the text of a `main.js`, on QuickJS.
///
/// Each run has an engine of its own, so that nothing of one run is there in the next. It runs on a thread of its own
/// pool, never on one of tokio's: a task that computes without end delays nobody. A run that waits, for an answer or a
/// time, blocks its thread and costs no more than its memory.
pub struct JavaScriptRuntime {
    config: JavaScriptConfig,
    fetch: Arc<dyn Fetch>,
    pool: Arc<ThreadPool>,
}

impl JavaScriptRuntime {
    /// The name that a task's `runtime` gives.
    pub const NAME: &'static str = "javascript";

    /// A runtime whose tasks reach the network through this `fetch`. It starts no thread before there is a run.
    ///
    /// # Errors
    /// [`JavaScriptConfigError`] names the field, its value and what is allowed.
    pub fn new(config: JavaScriptConfig, fetch: Arc<dyn Fetch>) -> Result<Self, JavaScriptConfigError> {
        Ok(Self {
            config: config.validated()?,
            fetch,
            pool: Arc::default(),
        })
    }
}

#[async_trait]
impl TaskExecutor for JavaScriptRuntime {
    fn runtime(&self) -> &str {
        Self::NAME
    }

    fn check(&self, task: &TaskDefinition) -> Option<String> {
        match &task.source {
            None => Some("a task of the runtime javascript needs a main.js".to_owned()),
            Some(source) => program::syntax_error(source),
        }
    }

    async fn execute(&self, request: TaskRequest) -> Result<Value, TaskError> {
        let (events, heard) = mpsc::channel();
        let (ended, mut end) = oneshot::channel();
        let control = Arc::new(RunControl::new(request.stop.clone()));
        // When this future is dropped, the run is told.
        let hold = Hold {
            control: Arc::clone(&control),
            events: events.clone(),
        };
        let stop = request.stop.clone();
        let run = Run {
            request,
            config: self.config.clone(),
            control: Arc::clone(&control),
            fetch: Arc::clone(&self.fetch),
            tokio: Handle::current(),
            events,
            heard,
            pool: Arc::clone(&self.pool),
        };
        self.pool
            .submit(Box::new(move || {
                // Nobody hears the end of a run that was given up.
                let _ = ended.send(run.execute());
            }))
            .map_err(no_thread)?;
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                outcome = &mut end => {
                    return outcome.unwrap_or_else(|_| {
                        Err(TaskError::of(TaskErrorKind::Panic, "the runtime failed while the task ran"))
                    });
                }
                () = stop.stopped(), if !stopping => {
                    stopping = true;
                    hold.wake();
                }
                () = tokio::time::sleep(ThreadPool::PATIENCE), if !control.has_begun() => {
                    self.pool.grow().map_err(no_thread)?;
                }
            }
        }
    }

    /// The engine looks at the token every few thousand steps; a large library function may take a while in between.
    fn stop_grace(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn no_thread(error: std::io::Error) -> TaskError {
    TaskError::of(
        TaskErrorKind::Panic,
        format!("no thread can be had for the run: {error}"),
    )
}

/// Held by whoever waits for a run. Dropped, it ends the run.
struct Hold {
    control: Arc<RunControl>,
    events: mpsc::Sender<Event>,
}

impl Hold {
    fn wake(&self) {
        // A run that has ended needs no waking.
        let _ = self.events.send(Event::Wake);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.control.give_up();
        self.wake();
    }
}
