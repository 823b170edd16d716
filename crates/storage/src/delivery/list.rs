use ratchet_interfaces::{DeliveryCondition, DeliveryFilter, DeliverySort};
use sea_orm::DbBackend;

use crate::list::{List, Rows, SortBy};
use crate::restriction::Restriction;

pub(super) fn list(backend: DbBackend, filter: &DeliveryFilter, sort: DeliverySort) -> List {
    let DeliverySort::CreatedAt(order) = sort;
    List {
        table: "deliveries",
        key: &["id"],
        restriction: restriction(backend, filter),
        sort: SortBy::Column("created_at", order),
        rows: Rows::ById,
        rest_of: None,
    }
}

fn restriction(backend: DbBackend, filter: &DeliveryFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            DeliveryCondition::Id(choice) => rows.choice("id", choice),
            DeliveryCondition::JobId(choice) => rows.choice("job_id", choice),
            DeliveryCondition::ExecutionId(choice) => rows.choice("execution_id", choice),
            DeliveryCondition::Status(choice) => rows.choice("status", choice),
            DeliveryCondition::Attempts(bound) => rows.bound("attempts", bound),
            DeliveryCondition::LastError(text) => rows.text("last_error", text),
            DeliveryCondition::CreatedAt(bound) => rows.time("created_at", bound),
            DeliveryCondition::DeliveredAt(bound) => rows.time("delivered_at", bound),
        }
    }
    rows
}
