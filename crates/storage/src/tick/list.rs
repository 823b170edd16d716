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
        rest_of: None,
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

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Choice, ScheduleId, SortOrder};

    use super::*;
    use crate::list::Cut;
    use crate::query_plan::found_in_order;

    #[tokio::test]
    async fn the_ledger_of_a_schedule_is_read_in_its_order() {
        let of_one = TickFilter::of([TickCondition::ScheduleId(Choice::Is(ScheduleId::new()))]);
        let sort = TickSort::ScheduledFor(SortOrder::Descending);
        let list = list(DbBackend::Sqlite, &of_one, sort);
        assert_eq!(
            found_in_order(list.cut_statement(Cut::DEEP)).await,
            ["SEARCH ticks USING PRIMARY KEY (schedule_id=?)"]
        );
    }
}
