use chrono::TimeDelta;
use ratchet_interfaces::{ScheduleFilter, ScheduleSort, ScheduleState};

use crate::list::{Filter, Listed, Offer, Setter, Sort};
use crate::named::Named;

/// The list of schedules.
#[derive(Debug)]
pub(super) struct Schedules;

impl Listed for Schedules {
    type Filter = ScheduleFilter;
    type Sort = ScheduleSort;
    const OFFER: Offer<ScheduleFilter, ScheduleSort> = Offer {
        filters: &[
            Filter::is(
                "taskId",
                Setter::Id(|filter, id| filter.task_id = Some(id.into())),
                "Of this task.",
            ),
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
            Filter::is(
                "enabled",
                Setter::Flag(|filter, enabled| filter.enabled = Some(enabled)),
                "Enabled or not.",
            ),
            Filter::is(
                "state",
                Setter::Name {
                    names: ScheduleState::wire_names,
                    set: |filter, name| {
                        filter.state = Some(ScheduleState::of_wire_name(name)?);
                        Ok(())
                    },
                },
                "In this state.",
            ),
            Filter::is(
                "paused",
                Setter::Flag(|filter, paused| filter.paused = Some(paused)),
                "Paused or not.",
            ),
            Filter::at_least(
                "nextRun",
                Setter::Instant(|filter, instant| filter.next_run_from = Some(instant)),
                "With a next tick at this instant or later.",
            ),
            Filter::at_most(
                "nextRun",
                // What is stored is in whole microseconds.
                Setter::Instant(|filter, instant| {
                    filter.next_run_before = instant.checked_add_signed(TimeDelta::microseconds(1));
                }),
                "With a next tick at this instant or earlier.",
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
