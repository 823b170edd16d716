use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ScheduleId;

/// What is asked about the ticks to come: of all stored schedules that are enabled, not paused and not completed, and of
/// those that one thinks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastRequest {
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The first instant that does not belong to it any more.
    pub to: DateTime<Utc>,
    /// What would be different.
    pub what_if: Vec<WhatIf>,
}

/// A schedule that one thinks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhatIf {
    /// There is one more, or the one of this name is another.
    Set {
        /// Its name.
        name: String,
        /// Its specification, in canonical form or in plain English.
        specification: String,
        /// The zone in which that is read.
        timezone: String,
        /// Over how long its ticks are spread.
        spread: Duration,
    },
    /// The one of this name is not there.
    Without {
        /// Its name.
        name: String,
    },
}

/// A tick to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForecastTick {
    /// When it is due: the nominal instant and the schedule's spread.
    pub due_at: DateTime<Utc>,
    /// The nominal instant.
    pub scheduled_for: DateTime<Utc>,
    /// The schedule, if it is stored.
    pub schedule_id: Option<ScheduleId>,
    /// Its name.
    pub name: Arc<str>,
}

/// How many ticks are due in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForecastBucket {
    /// Where it begins.
    pub from: DateTime<Utc>,
    /// How many.
    pub ticks: u64,
}

/// A second in which many ticks are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyInstant {
    /// The second.
    pub at: DateTime<Utc>,
    /// How many.
    pub ticks: u64,
}
