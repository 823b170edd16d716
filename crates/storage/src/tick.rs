mod find;
mod fire;
mod manual;
mod prune;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    FiringOutcome, ManualRuns, Page, PageRequest, RepositoryError, ScheduleId, SortOrder, Tick, TickFilter,
    TickFiring, TickRepository,
};
use sea_orm::{ColumnTrait, Condition};

use crate::paging::page;
use crate::row::micros;
use crate::row::tick::{Column, Entity, read};
use crate::store::Store;

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
    async fn tick_fire_many(&self, firings: &[TickFiring]) -> Result<Vec<FiringOutcome>, RepositoryError> {
        fire::fire(&self.store.writer, firings).await
    }

    async fn tick_add_manual(&self, runs: &ManualRuns) -> Result<u32, RepositoryError> {
        manual::add(&self.store.writer, runs).await
    }

    async fn tick_list(
        &self,
        filter: &TickFilter,
        request: PageRequest,
    ) -> Result<Page<Tick>, RepositoryError> {
        let TickFilter {
            schedule_id,
            from,
            before,
            outcomes,
            by_hand,
        } = filter;
        let outcomes = (!outcomes.is_empty()).then(|| outcomes.iter().map(|outcome| outcome.as_str()));
        let condition = Condition::all()
            .add_option(schedule_id.map(|id| Column::ScheduleId.eq(id.as_uuid())))
            .add_option(from.map(|from| Column::Through.gte(micros(from))))
            .add_option(before.map(|before| Column::ScheduledFor.lt(micros(before))))
            .add_option(outcomes.map(|outcomes| Column::Outcome.is_in(outcomes)))
            .add_option(by_hand.map(|by_hand| {
                if by_hand {
                    Column::Request.gt(0)
                } else {
                    Column::Request.eq(0)
                }
            }));
        let keys = [
            (Column::ScheduledFor, SortOrder::Descending),
            (Column::ScheduleId, SortOrder::Descending),
            (Column::Request, SortOrder::Descending),
        ];
        page::<Entity, _>(
            &self.store.reader,
            condition,
            &keys,
            request,
            "listing the ledger",
            read,
        )
        .await
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
