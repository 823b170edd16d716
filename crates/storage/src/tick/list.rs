use ratchet_interfaces::{TickCondition, TickFilter, TickSort};
use sea_orm::DbBackend;

use crate::list::{List, Rows, SortBy};
use crate::restriction::Restriction;

/// The ledger of one schedule lies together, in the order of time.
pub(super) fn list(backend: DbBackend, filter: &TickFilter, sort: TickSort) -> List {
    let TickSort::ScheduledFor(order) = sort;
    List {
        table: "ticks",
        key: &["schedule_id", "request"],
        restriction: restriction(backend, filter),
        sort: SortBy::Column("scheduled_for", order),
        rows: Rows::InOrder,
    }
}

fn restriction(backend: DbBackend, filter: &TickFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            TickCondition::ScheduleId(choice) => rows.choice("schedule_id", choice),
            TickCondition::ScheduledFor(bound) => rows.time("scheduled_for", bound),
            TickCondition::Through(bound) => rows.time("through", bound),
            TickCondition::Outcome(choice) => rows.choice("outcome", choice),
            TickCondition::ByHand(by_hand) => rows.flag("(request > 0)", *by_hand),
            TickCondition::Reason(text) => rows.text("reason", text),
            TickCondition::JobId(choice) => rows.choice("job_id", choice),
            TickCondition::DecidedAt(bound) => rows.time("decided_at", bound),
        }
    }
    rows
}
