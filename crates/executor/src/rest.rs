use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Backoff, Clock};

const CONTENTION_BACKOFF: Backoff = Backoff::doubling(Duration::from_millis(10), Duration::from_secs(1));

/// The rest of a loop between two looks into the database, when it has nothing to do.
pub(crate) struct Rest {
    clock: Arc<dyn Clock>,
    fruitless: u32,
}

/// What a look into the database found.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    /// The time that the look was taken for.
    pub(crate) at: DateTime<Utc>,
    /// Whether there was anything to do.
    pub(crate) found_work: bool,
    /// When there is something to do next, as far as the database knows.
    pub(crate) next: Option<DateTime<Utc>>,
}

impl Rest {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, fruitless: 0 }
    }

    /// Returns when it is time to look again: at the next instant, after a step of the clock, or never.
    ///
    /// A row that is due and yet was not handed out is locked by another process, which is about to take it. The loop
    /// must neither spin until then nor trust that the other succeeds, so it looks again after a growing while.
    pub(crate) async fn after(&mut self, look: Look) {
        let Some(next) = look.next else {
            self.fruitless = 0;
            return std::future::pending().await;
        };
        if !look.found_work && next <= look.at {
            let delay = CONTENTION_BACKOFF.delay(self.fruitless);
            self.fruitless = self.fruitless.saturating_add(1);
            self.clock.sleep(delay).await;
        } else {
            self.fruitless = 0;
            self.clock.wait_until(next).await;
        }
    }
}
