use chrono::TimeDelta;
use ratchet_interfaces::{JobFilter, JobOrigin, JobPriority, JobSort, JobStatus};

use crate::list::{Filter, Listed, Offer, Setter, Sort};
use crate::named::Named;

/// The list of jobs.
#[derive(Debug)]
pub(super) struct Jobs;

const fn status() -> Setter<JobFilter> {
    Setter::Name {
        names: JobStatus::wire_names,
        set: |filter, name| {
            filter.statuses.push(JobStatus::of_wire_name(name)?);
            Ok(())
        },
    }
}

impl Listed for Jobs {
    type Filter = JobFilter;
    type Sort = JobSort;
    const OFFER: Offer<JobFilter, JobSort> = Offer {
        filters: &[
            Filter::is("status", status(), "In this state."),
            Filter::one_of("status", status(), "In one of these states, separated by commas."),
            Filter::is(
                "taskId",
                Setter::Id(|filter, id| filter.task_id = Some(id.into())),
                "Of this task.",
            ),
            Filter::is(
                "scheduleId",
                Setter::Id(|filter, id| filter.schedule_id = Some(id.into())),
                "Of this schedule.",
            ),
            Filter::is(
                "origin",
                Setter::Name {
                    names: JobOrigin::wire_names,
                    set: |filter, name| {
                        filter.origin = Some(JobOrigin::of_wire_name(name)?);
                        Ok(())
                    },
                },
                "From this origin.",
            ),
            Filter::is(
                "priority",
                Setter::Name {
                    names: JobPriority::wire_names,
                    set: |filter, name| {
                        filter.priority = Some(JobPriority::of_wire_name(name)?);
                        Ok(())
                    },
                },
                "Of this priority.",
            ),
            Filter::at_least(
                "queuedAt",
                Setter::Instant(|filter, instant| filter.queued_from = Some(instant)),
                "Created at this instant or later.",
            ),
            Filter::at_most(
                "queuedAt",
                // What is stored is in whole microseconds.
                Setter::Instant(|filter, instant| {
                    filter.queued_before = instant.checked_add_signed(TimeDelta::microseconds(1));
                }),
                "Created at this instant or earlier.",
            ),
        ],
        sorts: &[
            Sort::by("queuedAt", JobSort::QueuedAt),
            Sort::by("scheduledFor", JobSort::ScheduledFor),
            Sort::by("priority", JobSort::Priority),
        ],
        default_order: "newest first",
    };
}
