use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::specification::Specification;

/// A schedule as it is planned: what a forecast needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Planned<K> {
    /// What names it in the answer.
    pub key: K,
    /// When it ticks.
    pub specification: Arc<Specification>,
    /// How long after each tick it runs, to the nanosecond: its [`spread_offset`](crate::spread_offset).
    pub offset: Duration,
    /// The runs that are left to it, if they are counted: those of its first ticks that are not before
    /// [`from`](Self::from), or, without that, its first runs in the forecast.
    pub most: Option<u64>,
    /// No tick before this instant counts, which is the next tick of a stored schedule.
    pub from: Option<DateTime<Utc>>,
}

impl<K> Planned<K> {
    /// A schedule that runs at each of its ticks.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use ratchet_recurrence::{Planned, Specification, Zone, busiest};
    ///
    /// let nightly = Arc::new(Specification::parse("0 2 * * *", Zone::UTC)?);
    /// let limited = Planned { most: Some(3), ..Planned::new("backup", nightly) };
    /// let busy = busiest([limited], "2026-01-01T00:00:00Z".parse()?, "2026-02-01T00:00:00Z".parse()?, 10)?;
    /// assert_eq!(busy.len(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn new(key: K, specification: Arc<Specification>) -> Self {
        Self {
            key,
            specification,
            offset: Duration::ZERO,
            most: None,
            from: None,
        }
    }
}
