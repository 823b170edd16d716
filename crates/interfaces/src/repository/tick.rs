use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    CommittedFirings, CommittedRuns, ManualRuns, Page, PageRequest, RepositoryError, ScheduleId, Tick,
    TickFilter, TickFiring, TickSort,
};

/// The table `ticks`, the ledger.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TickRepository: Send + Sync {
    /// Makes decisions durable: for each firing, its ledger rows, its job and its schedule's `last_run`,
    /// `next_run` and `run_count`, all firings in one transaction.
    ///
    /// A firing whose schedule is not what it expects (see [`TickFiring`]) is [`FiringOutcome::Stale`] and writes
    /// nothing; the others are not disturbed. No two firings of a call are of the same schedule. What the unfinished jobs
    /// of a schedule mean for a firing, [`crate::decide_overlap`] says.
    ///
    /// Where a job is made, the active schedules that follow its schedule (see [`crate::Following`]) get theirs in the same
    /// transaction, each after it, and a ledger row; so do those that follow these.
    async fn tick_fire_many(&self, firings: &[TickFiring]) -> Result<CommittedFirings, RepositoryError>;

    /// Has a schedule run out of turn: raises its `requests`, and stores a ledger row and a job for each run, all in one
    /// transaction. Those that follow the schedule get theirs as in
    /// [`Self::tick_fire_many`], under requests of their own.
    ///
    /// # Errors
    /// `NotFound` when there is no such schedule.
    async fn tick_add_manual(&self, runs: &ManualRuns) -> Result<CommittedRuns, RepositoryError>;

    /// A page of the ledger's rows that match, and how many match.
    async fn tick_list(
        &self,
        filter: &TickFilter,
        sort: TickSort,
        page: PageRequest,
    ) -> Result<Page<Tick>, RepositoryError>;

    /// What the ledger has of one schedule at one instant: the rows that begin with it, and the ranges that reach over
    /// it, whether or not it is one of their ticks. In the order of `(scheduled_for, request)`.
    async fn tick_find(&self, id: ScheduleId, instant: DateTime<Utc>) -> Result<Vec<Tick>, RepositoryError>;

    /// The next `limit` rows of one schedule in the order of `(scheduled_for, request)`: of those that end at or after
    /// `from`, those behind `after`, which is the key of the last row of the page before.
    async fn tick_scan(
        &self,
        id: ScheduleId,
        from: DateTime<Utc>,
        after: Option<(DateTime<Utc>, u32)>,
        limit: u32,
    ) -> Result<Vec<Tick>, RepositoryError>;

    /// Deletes up to `limit` rows of the ledgers of `schedules` that ended before `before`, oldest first, in one
    /// transaction. Says how many; fewer than `limit` means that none is left.
    async fn tick_prune(
        &self,
        schedules: &[ScheduleId],
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError>;
}
