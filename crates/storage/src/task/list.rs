use ratchet_interfaces::{TaskCondition, TaskFilter, TaskSort};
use sea_orm::DbBackend;

use crate::list::{List, Rows, SortBy};
use crate::restriction::Restriction;

pub(super) fn list(backend: DbBackend, filter: &TaskFilter, sort: TaskSort) -> List {
    let (column, order) = match sort {
        TaskSort::Name(order) => ("name", order),
        TaskSort::Version(order) => ("version", order),
        TaskSort::Enabled(order) => ("enabled", order),
        TaskSort::Registry(order) => ("registry", order),
        TaskSort::Runtime(order) => ("runtime", order),
        TaskSort::CreatedAt(order) => ("created_at", order),
        TaskSort::UpdatedAt(order) => ("updated_at", order),
    };
    List {
        table: "tasks",
        key: match sort {
            TaskSort::Name(_) => &["version", "id"],
            _ => &["id"],
        },
        restriction: restriction(backend, filter),
        sort: SortBy::Column(column, order),
        rows: Rows::InOrder,
        rest_of: None,
    }
}

fn restriction(backend: DbBackend, filter: &TaskFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            TaskCondition::Id(choice) => rows.choice("id", choice),
            TaskCondition::Name(text) => rows.name("name", "name_lower", text),
            TaskCondition::Version(text) => rows.text("version", text),
            TaskCondition::Runtime(text) => rows.text("runtime", text),
            TaskCondition::Registry(text) => rows.text("registry", text),
            TaskCondition::Enabled(enabled) => rows.flag("enabled", *enabled),
            TaskCondition::Removed(removed) => rows.flag("(removed_at IS NOT NULL)", *removed),
            TaskCondition::CreatedAt(bound) => rows.time("created_at", bound),
            TaskCondition::UpdatedAt(bound) => rows.time("updated_at", bound),
        }
    }
    rows
}
