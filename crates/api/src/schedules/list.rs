use ratchet_interfaces::{ScheduleCondition, ScheduleSort};

use crate::list::{Listed, Offer, Sort, field};

/// The list of schedules.
#[derive(Debug)]
pub(crate) struct Schedules;

impl Listed for Schedules {
    type Condition = ScheduleCondition;
    type Sort = ScheduleSort;
    const OFFER: Offer<ScheduleCondition, ScheduleSort> = Offer {
        fields: &[
            &field("id", ScheduleCondition::Id, "The id"),
            &field("taskId", ScheduleCondition::TaskId, "The task that it runs"),
            &field("name", ScheduleCondition::Name, "The name"),
            &field("description", ScheduleCondition::Description, "What it is for"),
            &field(
                "cronExpression",
                ScheduleCondition::Specification,
                "When it fires, in the canonical form",
            ),
            &field("timezone", ScheduleCondition::Timezone, "The time zone"),
            &field("enabled", ScheduleCondition::Enabled, "Whether it fires"),
            &field(
                "state",
                ScheduleCondition::State,
                "What the engine found out about it",
            ),
            &field("paused", ScheduleCondition::Paused, "Whether it is paused"),
            &field(
                "priority",
                ScheduleCondition::Priority,
                "The priority of its jobs",
            ),
            &field("nextRun", ScheduleCondition::NextRun, "The next tick"),
            &field(
                "lastRun",
                ScheduleCondition::LastRun,
                "The last tick that became a job",
            ),
            &field(
                "runCount",
                ScheduleCondition::RunCount,
                "How many ticks became jobs",
            ),
            &field(
                "consecutiveFailures",
                ScheduleCondition::ConsecutiveFailures,
                "How many jobs failed since the last that succeeded",
            ),
            &field("createdAt", ScheduleCondition::CreatedAt, "When it was created"),
            &field(
                "updatedAt",
                ScheduleCondition::UpdatedAt,
                "When it was last edited",
            ),
        ],
        sorts: &[
            Sort::by("name", ScheduleSort::Name),
            Sort::by("nextRun", ScheduleSort::NextRun),
            Sort::by("createdAt", ScheduleSort::CreatedAt),
        ],
        default_order: "by name",
    };
}
