use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::{Clock, SchedulerError, with_causes};
use ratchet_metadata_store::MetadataStore;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinError, JoinHandle};

use crate::event_loop;
use crate::firing::{Activation, Firing};
use crate::job_runtime::JobRuntime;
use crate::pruner::Pruner;

/// How long a stop waits for ticks on their way, when they cannot be made durable. They are found again at the next
/// start.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// A scheduler that was started: the task that activates what is due, the one that makes it durable, and the one that
/// deletes what is old.
pub(crate) struct Running {
    stop_activating: watch::Sender<bool>,
    stop_firing: watch::Sender<bool>,
    event_loop: JoinHandle<Result<(), SchedulerError>>,
    firing: JoinHandle<()>,
    pruning: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts both. `firing` is made with where it sees that it is to stop.
    pub(crate) fn start(
        store: MetadataStore,
        clock: Arc<dyn Clock>,
        runtime: Arc<JobRuntime>,
        queue: Arc<Mutex<UnboundedReceiver<Activation>>>,
        pruner: Option<Pruner>,
        firing: impl FnOnce(watch::Receiver<bool>) -> Firing,
    ) -> Self {
        let (stop_activating, activating_stopped) = watch::channel(false);
        let (stop_firing, firing_stopped) = watch::channel(false);
        let firing = firing(firing_stopped);
        let pruning_stopped = activating_stopped.clone();
        Self {
            stop_activating,
            stop_firing,
            event_loop: tokio::spawn(async move {
                let ended = event_loop::run(store, clock, runtime, activating_stopped).await;
                if let Err(error) = &ended {
                    tracing::error!(
                        error = with_causes(error),
                        "the event loop ends: no tick fires any more"
                    );
                }
                ended
            }),
            firing: tokio::spawn(async move { firing.run(&mut *queue.lock().await).await }),
            pruning: pruner.map(|pruner| tokio::spawn(pruner.run(pruning_stopped))),
        }
    }

    /// Which task ended although nobody stopped it, and what follows from that.
    pub(crate) fn broken(&self) -> Option<&'static str> {
        if self.event_loop.is_finished() {
            Some("the event loop has ended, see the log: no tick fires until the scheduler is started again")
        } else if self.firing.is_finished() {
            Some(
                "the firing has ended, see the log: no tick becomes a job until the scheduler is started again",
            )
        } else {
            None
        }
    }

    /// Stops activating, then firing, however the one ended. A task that does not end is left behind.
    pub(crate) async fn stop(self, clock: &dyn Clock) -> Result<(), SchedulerError> {
        self.stop_activating.send_replace(true);
        let activated = in_time(self.event_loop, clock).await;
        self.stop_firing.send_replace(true);
        let fired = in_time(self.firing, clock).await;
        if let Some(pruning) = self.pruning
            && in_time(pruning, clock)
                .await
                .map_err(ended_badly("deleting old ledger rows"))?
                .is_none()
        {
            tracing::warn!("the deletion of old ledger rows did not end in time");
        }
        match activated.map_err(ended_badly("ending the event loop"))? {
            Some(ended) => ended?,
            None => tracing::warn!("the event loop did not end in time"),
        }
        if fired
            .map_err(ended_badly("making the last ticks durable"))?
            .is_none()
        {
            tracing::warn!(
                "ticks on their way were not made durable in time; they are found again at the next start"
            );
        }
        Ok(())
    }
}

/// What the task ended with, or nothing if it was broken off.
async fn in_time<T>(mut task: JoinHandle<T>, clock: &dyn Clock) -> Result<Option<T>, JoinError> {
    tokio::select! {
        biased;
        ended = &mut task => ended.map(Some),
        () = clock.sleep(STOP_PATIENCE) => {
            task.abort();
            Ok(None)
        }
    }
}

pub(crate) fn ended_badly(during: &'static str) -> impl FnOnce(JoinError) -> SchedulerError {
    move |source| SchedulerError::Runtime {
        during,
        source: Box::new(source),
    }
}
