use std::sync::Arc;
use std::time::Duration;

use ratchet_interfaces::Clock;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tracing::error;

/// How long what has ended may take to become durable, once the grace of a stop is over. It is bounded because the
/// database may be away for good, and what is not durable then is recovered by the next process.
const SETTLING_GRACE: Duration = Duration::from_secs(10);

/// How far a stop has come. Phases only rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Nobody wants a stop.
    Running,
    /// Nothing new is begun; what runs may end.
    Draining,
    /// What still runs is broken off.
    BreakingOff,
    /// What is not durable yet stays undone.
    GivingUp,
}

/// The start and stop of a part that works in the background.
pub(crate) struct Lifecycle {
    part: &'static str,
    clock: Arc<dyn Clock>,
    /// Held while the part starts or stops, so that each waits for the other.
    work: Mutex<Option<Work>>,
}

struct Work {
    phase: watch::Sender<Phase>,
    handle: JoinHandle<()>,
}

impl Lifecycle {
    pub(crate) fn new(part: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self {
            part,
            clock,
            work: Mutex::new(None),
        }
    }

    /// Starts what `begin` returns, unless the part runs. The part ends by itself when the phase says so.
    pub(crate) async fn start<E, W>(
        &self,
        prepare: impl Future<Output = Result<(), E>>,
        begin: impl FnOnce(PhaseWatch) -> W,
    ) -> Result<(), E>
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let mut work = self.work.lock().await;
        if work.is_none() {
            prepare.await?;
            let (phase, watch) = watch::channel(Phase::Running);
            let handle = tokio::spawn(begin(PhaseWatch(watch)));
            *work = Some(Work { phase, handle });
        }
        Ok(())
    }

    /// What to tell of a part that ended although nobody stopped it. Nothing while it starts or stops.
    pub(crate) fn broken(&self) -> Option<String> {
        let work = self.work.try_lock().ok()?;
        work.as_ref()
            .filter(|work| work.handle.is_finished())
            .map(|_| format!("the {} has ended, see the log: start the server again", self.part))
    }

    /// Stops the part and returns when it has stopped. A stop that is dropped half-way can be taken up by another.
    pub(crate) async fn stop(&self, grace: Duration) {
        let mut guard = self.work.lock().await;
        let Some(work) = guard.as_mut() else {
            return;
        };
        let ended = loop {
            let patience = match work.advance() {
                Phase::Running | Phase::Draining => grace,
                Phase::BreakingOff => SETTLING_GRACE,
                Phase::GivingUp => break (&mut work.handle).await,
            };
            tokio::select! {
                biased;
                ended = &mut work.handle => break ended,
                () = self.clock.sleep(patience) => {}
            }
        };
        if let Err(failure) = ended {
            error!(part = self.part, error = %failure, "a background part ended by a panic");
        }
        *guard = None;
    }
}

impl Work {
    /// Goes on to the next phase and returns it.
    fn advance(&self) -> Phase {
        let next = match *self.phase.borrow() {
            Phase::Running => Phase::Draining,
            Phase::Draining => Phase::BreakingOff,
            Phase::BreakingOff | Phase::GivingUp => Phase::GivingUp,
        };
        self.phase.send_replace(next);
        next
    }
}

/// Where a running part sees how far a stop has come. When the part's owner is dropped without a stop, every phase
/// counts as reached.
#[derive(Clone)]
pub(crate) struct PhaseWatch(watch::Receiver<Phase>);

impl PhaseWatch {
    pub(crate) fn has_reached(&self, phase: Phase) -> bool {
        *self.0.borrow() >= phase || self.0.has_changed().is_err()
    }

    /// Returns as soon as the phase is reached.
    pub(crate) async fn reached(&self, phase: Phase) {
        match self.0.clone().wait_for(|now| *now >= phase).await {
            // The error says that the owner is gone, which counts as the last of all phases.
            Ok(_) | Err(_) => {}
        }
    }

    /// Waits for `future`, but no longer than until the phase is reached.
    pub(crate) async fn unless<F: Future>(&self, phase: Phase, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = self.reached(phase) => None,
        }
    }
}
