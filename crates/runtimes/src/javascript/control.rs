use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratchet_interfaces::{StopToken, TaskError, TaskErrorKind};
use ratchet_outbound::{OutboundError, OutboundResponse};

/// What wakes a run that waits.
pub(super) enum Event {
    /// Something may have changed: look.
    Wake,
    /// A fetch has ended.
    Fetched {
        id: u32,
        outcome: Result<OutboundResponse, OutboundError>,
    },
}

/// How a run is told to end.
pub(super) struct RunControl {
    stop: StopToken,
    given_up: AtomicBool,
    begun: AtomicBool,
}

/// Why a run is to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interruption {
    /// It was told to stop, or nobody waits for it any more.
    Stopped,
    /// It took longer than it may.
    TimedOut(Duration),
}

impl RunControl {
    pub(super) fn new(stop: StopToken) -> Self {
        Self {
            stop,
            given_up: AtomicBool::new(false),
            begun: AtomicBool::new(false),
        }
    }

    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) || self.stop.is_stopped()
    }
}

impl From<Interruption> for TaskError {
    fn from(interruption: Interruption) -> Self {
        let message = match interruption {
            Interruption::Stopped => "the run was told to stop".to_owned(),
            Interruption::TimedOut(after) => format!("the run took longer than {} s", after.as_secs_f64()),
        };
        Self::of(TaskErrorKind::Timeout, message)
    }
}
