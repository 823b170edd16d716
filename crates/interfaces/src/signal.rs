use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// A hint that there is something new to read in the database.
///
/// The database is the truth and the signal only a hint: arm it, then query, then wait. Signals that arrive
/// between two waits are merged into one; one that arrives after arming is never lost.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use ratchet_interfaces::Signal;
/// let signal = Signal::default();
/// let armed = signal.arm();      // arm …
/// signal.raise();                // … (somebody commits a row) … query …
/// armed.await;                   // … wait: returns at once
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<Notify>);

impl Signal {
    /// Tells the one who waits, now or the next time it waits.
    pub fn raise(&self) {
        self.0.notify_one();
    }

    /// Starts listening. The returned future completes at the first [`Signal::raise`] from now on, or at once if
    /// one came since the last wait.
    pub fn arm(&self) -> OwnedNotified {
        Arc::clone(&self.0).notified_owned()
    }
}
