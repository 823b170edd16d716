use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleId, TickFiring};

/// Sees what happens to ticks as it happens, for metrics and benchmarks. It is called on the hot path: it must not
/// block. Both methods do nothing unless they are implemented.
pub trait TickObserver: Send + Sync {
    /// A due tick reached its handler.
    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>) {
        let (_, _) = (schedule, scheduled_for);
    }

    /// A decision on due ticks is on disk.
    fn committed(&self, firing: &TickFiring) {
        let _ = firing;
    }
}

/// Sees nothing.
pub(crate) struct NoObserver;

impl TickObserver for NoObserver {}
