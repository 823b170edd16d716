use ratchet_interfaces::{SortOrder, TaskFilter, TaskSort};
use sea_orm::{ColumnTrait, Condition, DbBackend};

use crate::paging::contains;
use crate::row::task::Column;
use crate::row::{micros, text};

/// The rows that a filter leaves.
pub(super) fn condition(backend: DbBackend, filter: &TaskFilter) -> Condition {
    let TaskFilter {
        name,
        version,
        name_contains,
        enabled,
        registry,
        removed,
        names,
        name_not,
        versions,
        version_not,
        registries,
        registry_not,
        runtime,
        runtimes,
        runtime_not,
        created_from,
        created_before,
        updated_from,
        updated_before,
    } = filter;
    let texts = [
        (Column::Name, name, names, name_not),
        (Column::Version, version, versions, version_not),
        (Column::Registry, registry, registries, registry_not),
        (Column::Runtime, runtime, runtimes, runtime_not),
    ];
    let condition = texts
        .into_iter()
        .fold(Condition::all(), |condition, (column, is, one_of, not)| {
            let one_of = (!one_of.is_empty()).then(|| column.is_in(one_of.iter().map(|one| text(one))));
            condition
                .add_option(is.as_deref().map(|is| column.eq(text(is))))
                .add_option(one_of)
                .add_option(not.as_deref().map(|not| column.ne(text(not))))
        });
    condition
        .add_option(
            name_contains
                .as_deref()
                .map(|part| contains(backend, Column::NameLower, part)),
        )
        .add_option(enabled.map(|enabled| Column::Enabled.eq(enabled)))
        .add_option(removed.map(|removed| match removed {
            true => Column::RemovedAt.is_not_null(),
            false => Column::RemovedAt.is_null(),
        }))
        .add_option(created_from.map(|from| Column::CreatedAt.gte(micros(from))))
        .add_option(created_before.map(|before| Column::CreatedAt.lt(micros(before))))
        .add_option(updated_from.map(|from| Column::UpdatedAt.gte(micros(from))))
        .add_option(updated_before.map(|before| Column::UpdatedAt.lt(micros(before))))
}

/// What rows are sorted by.
pub(super) fn keys(sort: TaskSort) -> Vec<(Column, SortOrder)> {
    let (column, order) = match sort {
        TaskSort::Name(order) => {
            return vec![
                (Column::Name, order),
                (Column::Version, order),
                (Column::Id, order),
            ];
        }
        TaskSort::CreatedAt(order) => (Column::CreatedAt, order),
        TaskSort::Version(order) => (Column::Version, order),
        TaskSort::Enabled(order) => (Column::Enabled, order),
        TaskSort::Registry(order) => (Column::Registry, order),
        TaskSort::Runtime(order) => (Column::Runtime, order),
        TaskSort::UpdatedAt(order) => (Column::UpdatedAt, order),
    };
    vec![(column, order), (Column::Id, order)]
}
