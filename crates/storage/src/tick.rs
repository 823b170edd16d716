mod find;
mod fire;
mod follow;
mod list;
mod manual;
mod prune;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    CommittedFirings, CommittedRuns, ManualRuns, Page, PageRequest, RepositoryError, ScheduleId, Tick,
    TickFilter, TickFiring, TickRepository, TickSort,
};
use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use crate::batch::Batch;
use crate::list::page;
use crate::row::tick::read;
use crate::store::Store;
use crate::writer::Transaction;

/// A schedule `s` that is not paused any more, if `b` resumes it.
const RESUME: &str = "consecutive_failures = CASE WHEN b.resumes THEN 0 ELSE s.consecutive_failures END,
    version = s.version + CASE WHEN b.resumes THEN 1 ELSE 0 END,
    timing_version = s.timing_version + CASE WHEN b.resumes THEN 1 ELSE 0 END,
    paused_at = CASE WHEN b.resumes THEN NULL ELSE s.paused_at END,
    paused_by = CASE WHEN b.resumes THEN NULL ELSE s.paused_by END,
    pause_note = CASE WHEN b.resumes THEN NULL ELSE s.pause_note END,
    resume_at = CASE WHEN b.resumes THEN NULL ELSE s.resume_at END";

/// Two nodes that fire some of the same schedules lock them in the same order, and so do not wait for each other. While
/// they are locked, no job of theirs ends: see `job::release`.
async fn lock(schedules: &Batch, transaction: &Transaction<'_>) -> Result<(), DbErr> {
    if transaction.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    transaction
        .execute_raw(schedules.statement(
            "SELECT 1 FROM schedules AS s JOIN {batch} AS b ON s.id = b.schedule_id
             ORDER BY s.id FOR NO KEY UPDATE OF s",
            [],
        ))
        .await
        .map(drop)
}

/// The table `ticks`.
pub(crate) struct Ticks {
    store: Arc<Store>,
}

impl Ticks {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl TickRepository for Ticks {
    async fn tick_fire_many(&self, firings: &[TickFiring]) -> Result<CommittedFirings, RepositoryError> {
        fire::fire(&self.store.writer, firings).await
    }

    async fn tick_add_manual(&self, runs: &ManualRuns) -> Result<CommittedRuns, RepositoryError> {
        manual::add(&self.store.writer, runs).await
    }

    async fn tick_list(
        &self,
        filter: &TickFilter,
        sort: TickSort,
        request: PageRequest,
    ) -> Result<Page<Tick>, RepositoryError> {
        let parts = list::list(self.store.backend(), filter, sort).parts();
        page(&self.store, &parts, request, "listing the ledger", read).await
    }

    async fn tick_find(&self, id: ScheduleId, instant: DateTime<Utc>) -> Result<Vec<Tick>, RepositoryError> {
        find::find(&self.store.reader, id, instant).await
    }

    async fn tick_scan(
        &self,
        id: ScheduleId,
        from: DateTime<Utc>,
        after: Option<(DateTime<Utc>, u32)>,
        limit: u32,
    ) -> Result<Vec<Tick>, RepositoryError> {
        find::scan(&self.store.reader, id, from, after, limit).await
    }

    async fn tick_prune(
        &self,
        schedules: &[ScheduleId],
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError> {
        prune::prune(&self.store.writer, schedules, before, limit).await
    }
}
