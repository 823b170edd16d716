use std::sync::Arc;

use tokio::sync::watch;

/// Tells a run that it is to end early.
#[derive(Clone, Debug)]
pub struct StopSource(Arc<watch::Sender<bool>>);

/// Where a run sees that it is to end early. It is cheap to clone, and may be asked from any thread.
///
/// ```
/// use ratchet_interfaces::StopSource;
/// let source = StopSource::default();
/// let token = source.token();
/// assert!(!token.is_stopped());
/// source.stop();
/// assert!(token.is_stopped());
/// ```
#[derive(Clone, Debug)]
pub struct StopToken(watch::Receiver<bool>);

impl Default for StopSource {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl StopSource {
    /// Tells all who have a token, now and from now on.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// A token of this source.
    #[must_use]
    pub fn token(&self) -> StopToken {
        StopToken(self.0.subscribe())
    }
}

impl StopToken {
    /// A token that is never told to stop.
    #[must_use]
    pub fn never() -> Self {
        // Where the source is gone, nobody can tell any more.
        StopSource::default().token()
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the run is to end; never, if its source is gone without saying so.
    pub async fn stopped(&self) {
        if self.0.clone().wait_for(|stops| *stops).await.is_err() {
            std::future::pending().await
        }
    }
}
