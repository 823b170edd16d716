use ratchet_interfaces::{TaskCondition, TaskSort};

use crate::list::{Listed, Offer, Sort, field};

/// The list of tasks.
#[derive(Debug)]
pub(super) struct Tasks;

impl Listed for Tasks {
    type Condition = TaskCondition;
    type Sort = TaskSort;
    const OFFER: Offer<TaskCondition, TaskSort> = Offer {
        fields: &[
            &field("id", TaskCondition::Id, "The id"),
            &field("name", TaskCondition::Name, "The name"),
            &field("version", TaskCondition::Version, "The version"),
            &field("enabled", TaskCondition::Enabled, "Whether its jobs run"),
            &field(
                "removed",
                TaskCondition::Removed,
                "Whether its registry has it no more",
            ),
            &field(
                "registrySource",
                TaskCondition::Registry,
                "The registry that it came from",
            ),
            &field("runtime", TaskCondition::Runtime, "What runs it"),
            &field("createdAt", TaskCondition::CreatedAt, "When it was first stored"),
            &field("updatedAt", TaskCondition::UpdatedAt, "When it was last changed"),
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
        default_order: "by `name` and version",
    };
}
