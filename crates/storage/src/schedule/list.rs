use ratchet_interfaces::{JobPriority, ScheduleCondition, ScheduleFilter, ScheduleSort};
use sea_orm::DbBackend;

use crate::list::{List, Rows, SortBy};
use crate::restriction::Restriction;

pub(super) fn list(backend: DbBackend, filter: &ScheduleFilter, sort: ScheduleSort) -> List {
    List {
        table: "schedules",
        key: &["id"],
        restriction: restriction(backend, filter),
        sort: match sort {
            ScheduleSort::Name(order) => SortBy::Column("name", order),
            ScheduleSort::NextRun(order) => SortBy::Optional("next_run", order),
            ScheduleSort::CreatedAt(order) => SortBy::Column("created_at", order),
        },
        rows: Rows::ById,
        rest_of: None,
    }
}

fn restriction(backend: DbBackend, filter: &ScheduleFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            ScheduleCondition::Id(choice) => rows.choice("id", choice),
            ScheduleCondition::TaskId(choice) => rows.choice("task_id", choice),
            ScheduleCondition::Name(text) => rows.name("name", "name_lower", text),
            ScheduleCondition::Description(text) => rows.text("description", text),
            ScheduleCondition::Specification(text) => rows.text("specification", text),
            ScheduleCondition::Timezone(text) => rows.text("timezone", text),
            ScheduleCondition::Enabled(enabled) => rows.flag("enabled", *enabled),
            ScheduleCondition::State(choice) => rows.choice("state", choice),
            ScheduleCondition::Paused(paused) => rows.flag("(paused_at IS NOT NULL)", *paused),
            ScheduleCondition::Priority(bound) => rows.ranked("priority", JobPriority::ALL, bound),
            ScheduleCondition::NextRun(bound) => rows.time("next_run", bound),
            ScheduleCondition::LastRun(bound) => rows.time("last_run", bound),
            ScheduleCondition::RunCount(bound) => rows.bound("run_count", bound),
            ScheduleCondition::ConsecutiveFailures(bound) => rows.bound("consecutive_failures", bound),
            ScheduleCondition::CreatedAt(bound) => rows.time("created_at", bound),
            ScheduleCondition::UpdatedAt(bound) => rows.time("updated_at", bound),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::SortOrder;

    use super::*;
    use crate::list::Cut;
    use crate::query_plan::found_in_order;

    #[tokio::test]
    async fn a_page_of_schedules_is_found_in_the_index_of_its_order() {
        for (key, expected) in [
            (
                ScheduleSort::NextRun as fn(SortOrder) -> ScheduleSort,
                "SEARCH schedules USING COVERING INDEX schedules_next_run (next_run>?)",
            ),
            (
                ScheduleSort::CreatedAt as fn(SortOrder) -> ScheduleSort,
                "SCAN schedules USING COVERING INDEX schedules_created_at",
            ),
            (
                ScheduleSort::Name,
                "SCAN schedules USING INDEX sqlite_autoindex_schedules_2",
            ),
        ] {
            let list = list(
                DbBackend::Sqlite,
                &ScheduleFilter::default(),
                key(SortOrder::Ascending),
            );
            let part = list.parts().swap_remove(0);
            assert_eq!(found_in_order(part.cut_statement(Cut::DEEP)).await, [expected]);
        }
    }
}
