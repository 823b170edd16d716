use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleId, TickOutcome};

/// More faults are counted, and not kept.
const MOST_FAULTS: usize = 1_000;

/// What an audit has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// How many schedules were audited.
    pub schedules: u64,
    /// How many ticks they had that must have been decided on.
    pub ticks: u64,
    /// How many ticks, excluded instants and runs by hand the ledger has, by outcome. Of a range that reaches out of
    /// what is audited, only that part counts.
    pub outcomes: BTreeMap<TickOutcome, u64>,
    /// How many ticks are due and not decided on yet: they are being decided on, or wait for the engine to run.
    pub pending: u64,
    /// When the first of these was due.
    pub pending_since: Option<DateTime<Utc>>,
    /// How many ticks of paused schedules wait for these to be resumed.
    pub paused: u64,
    /// How many schedules this binary cannot read, as they are or as they were: nobody can say what their ticks were.
    pub unreadable: u64,
    /// What would be faults, were it not for time-zone data that have changed since: in ticks.
    pub under_other_zone_data: u64,
    /// What is wrong with the ledger: the first thousand.
    pub faults: Vec<Fault>,
    /// How many faults there are.
    pub faults_total: u64,
}

impl AuditReport {
    /// Whether the ledger accounts for each tick exactly once.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults_total == 0
    }

    pub(super) fn record(&mut self, fault: Fault) {
        self.faults_total += 1;
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        let Self {
            schedules,
            ticks,
            outcomes,
            pending,
            pending_since,
            paused,
            unreadable,
            under_other_zone_data,
            faults,
            faults_total,
        } = other;
        self.schedules += schedules;
        self.ticks += ticks;
        for (outcome, count) in outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        self.pending += pending;
        self.pending_since = match (self.pending_since, pending_since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.paused += paused;
        self.unreadable += unreadable;
        self.under_other_zone_data += under_other_zone_data;
        self.faults_total += faults_total;
        let room = MOST_FAULTS - self.faults.len();
        self.faults.extend(faults.into_iter().take(room));
    }
}

/// Something that is wrong with the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Where: the first instant that is concerned.
    pub instant: DateTime<Utc>,
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What is wrong, in words.
    pub words: String,
}

/// The kinds of [`Fault`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Ticks have no row.
    Missing,
    /// A tick has two rows.
    Doubled,
    /// A range begins before an earlier row has ended.
    Overlapping,
    /// A row, or the end of a range, is at an instant that is no tick.
    NotATick,
    /// A range stands for another number of ticks than it says.
    WrongCount,
    /// A row says that instants were excluded, and they were not, or not as many.
    WrongExclusion,
    /// The stored next tick is not the first that was not decided on.
    NextRun,
    /// A row's number of a request does not fit its outcome, or is higher than any that was made.
    WrongRequest,
    /// A row says that there is a job, and names none, or one of something else.
    WrongJob,
    /// The job that a row names is not there: somebody may have deleted it.
    JobGone,
}

impl FaultKind {
    /// The name of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Doubled => "doubled",
            Self::Overlapping => "overlapping",
            Self::NotATick => "not_a_tick",
            Self::WrongCount => "wrong_count",
            Self::WrongExclusion => "wrong_exclusion",
            Self::NextRun => "next_run",
            Self::WrongRequest => "wrong_request",
            Self::WrongJob => "wrong_job",
            Self::JobGone => "job_gone",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
