mod fire;

use std::sync::Arc;

use async_trait::async_trait;
use ratchet_interfaces::{
    FiringOutcome, Page, PageRequest, RepositoryError, SortOrder, Tick, TickFilter, TickFiring,
    TickRepository,
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

    async fn tick_list(
        &self,
        filter: &TickFilter,
        request: PageRequest,
    ) -> Result<Page<Tick>, RepositoryError> {
        let TickFilter {
            schedule_id,
            from,
            before,
            outcome,
        } = filter;
        let condition = Condition::all()
            .add_option(schedule_id.map(|id| Column::ScheduleId.eq(id.as_uuid())))
            .add_option(from.map(|from| Column::Through.gte(micros(from))))
            .add_option(before.map(|before| Column::ScheduledFor.lt(micros(before))))
            .add_option(outcome.map(|outcome| Column::Outcome.eq(outcome.as_str())));
        let keys = [
            (Column::ScheduledFor, SortOrder::Descending),
            (Column::ScheduleId, SortOrder::Descending),
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
}
