use chrono::TimeDelta;
use ratchet_interfaces::{TaskFilter, TaskSort};

use crate::list::{Filter, Listed, Offer, Setter, Sort};

/// The list of tasks.
#[derive(Debug)]
pub(super) struct Tasks;

const WITHIN: TimeDelta = TimeDelta::microseconds(1);

impl Listed for Tasks {
    type Filter = TaskFilter;
    type Sort = TaskSort;
    const OFFER: Offer<TaskFilter, TaskSort> = Offer {
        filters: &[
            Filter::is(
                "name",
                Setter::Text(|filter, name| filter.name = Some(name)),
                "Exactly this name.",
            ),
            Filter::like(
                "name",
                Setter::Text(|filter, part| filter.name_contains = Some(part)),
                "A name that contains this text, in any case.",
            ),
            Filter::not(
                "name",
                Setter::Text(|filter, name| filter.name_not = Some(name)),
                "Any other name than this.",
            ),
            Filter::one_of(
                "name",
                Setter::Text(|filter, name| filter.names.push(name)),
                "One of these names, separated by commas.",
            ),
            Filter::is(
                "version",
                Setter::Text(|filter, version| filter.version = Some(version)),
                "Exactly this version.",
            ),
            Filter::not(
                "version",
                Setter::Text(|filter, version| filter.version_not = Some(version)),
                "Any other version than this.",
            ),
            Filter::one_of(
                "version",
                Setter::Text(|filter, version| filter.versions.push(version)),
                "One of these versions, separated by commas.",
            ),
            Filter::is(
                "enabled",
                Setter::Flag(|filter, enabled| filter.enabled = Some(enabled)),
                "Enabled or not.",
            ),
            Filter::is(
                "removed",
                Setter::Flag(|filter, removed| filter.removed = Some(removed)),
                "Whether its registry has it no more.",
            ),
            Filter::is(
                "registrySource",
                Setter::Text(|filter, registry| filter.registry = Some(registry)),
                "From this registry.",
            ),
            Filter::not(
                "registrySource",
                Setter::Text(|filter, registry| filter.registry_not = Some(registry)),
                "From any other registry than this.",
            ),
            Filter::one_of(
                "registrySource",
                Setter::Text(|filter, registry| filter.registries.push(registry)),
                "From one of these registries, separated by commas.",
            ),
            Filter::is(
                "runtime",
                Setter::Text(|filter, runtime| filter.runtime = Some(runtime)),
                "Of this runtime.",
            ),
            Filter::not(
                "runtime",
                Setter::Text(|filter, runtime| filter.runtime_not = Some(runtime)),
                "Of any other runtime than this.",
            ),
            Filter::one_of(
                "runtime",
                Setter::Text(|filter, runtime| filter.runtimes.push(runtime)),
                "Of one of these runtimes, separated by commas.",
            ),
            Filter::at_least(
                "createdAt",
                Setter::Instant(|filter, instant| filter.created_from = Some(instant)),
                "First stored at this instant or later.",
            ),
            // What is stored is in whole microseconds.
            Filter::at_most(
                "createdAt",
                Setter::Instant(|filter, instant| filter.created_before = instant.checked_add_signed(WITHIN)),
                "First stored at this instant or earlier.",
            ),
            Filter::at_least(
                "updatedAt",
                Setter::Instant(|filter, instant| filter.updated_from = Some(instant)),
                "Last changed at this instant or later.",
            ),
            Filter::at_most(
                "updatedAt",
                Setter::Instant(|filter, instant| filter.updated_before = instant.checked_add_signed(WITHIN)),
                "Last changed at this instant or earlier.",
            ),
        ],
        sorts: &[
            Sort::by("name", TaskSort::Name),
            Sort::by("version", TaskSort::Version),
            Sort::by("enabled", TaskSort::Enabled),
            Sort::by("registrySource", TaskSort::Registry),
            Sort::by("runtime", TaskSort::Runtime),
            Sort::by("createdAt", TaskSort::CreatedAt),
            Sort::by("updatedAt", TaskSort::UpdatedAt),
        ],
        default_order: "by name and version",
    };
}
