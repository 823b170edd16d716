use async_trait::async_trait;

use crate::{FiringOutcome, Page, PageRequest, RepositoryError, Tick, TickFilter, TickFiring};

/// The table `ticks`, the ledger.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TickRepository: Send + Sync {
    /// Makes decisions durable: for each firing, its ledger rows, its job and its schedule's `last_run`,
    /// `next_run` and `run_count`, all firings in one transaction. Answers in the order of the firings.
    ///
    /// A firing whose schedule is not what it expects (see [`TickFiring`]) is [`FiringOutcome::Stale`] and writes
    /// nothing; the others are not disturbed. No two firings of a call are of the same schedule.
    async fn tick_fire_many(&self, firings: &[TickFiring]) -> Result<Vec<FiringOutcome>, RepositoryError>;

    /// A page of the ledger, newest first, and how many rows match.
    async fn tick_list(&self, filter: &TickFilter, page: PageRequest) -> Result<Page<Tick>, RepositoryError>;
}
