use ratchet_interfaces::{JobCondition, JobSort};

use crate::list::{Listed, Offer, Sort, field};

/// The list of jobs.
#[derive(Debug)]
pub(crate) struct Jobs;

impl Listed for Jobs {
    type Condition = JobCondition;
    type Sort = JobSort;
    const OFFER: Offer<JobCondition, JobSort> = Offer {
        fields: &[
            &field("id", JobCondition::Id, "The id"),
            &field("taskId", JobCondition::TaskId, "The task that it runs"),
            &field(
                "scheduleId",
                JobCondition::ScheduleId,
                "The schedule that made it",
            ),
            &field("status", JobCondition::Status, "Where it stands"),
            &field("priority", JobCondition::Priority, "The priority"),
            &field("origin", JobCondition::Origin, "What it came from"),
            &field(
                "attempts",
                JobCondition::Attempts,
                "How many executions were started",
            ),
            &field(
                "retryCount",
                JobCondition::RetryCount,
                "How many tries failed and were followed by another",
            ),
            &field("uniqueKey", JobCondition::UniqueKey, "The unique key"),
            &field(
                "concurrencyKey",
                JobCondition::ConcurrencyKey,
                "The concurrency key",
            ),
            &field(
                "errorMessage",
                JobCondition::Error,
                "Why the last execution failed",
            ),
            &field(
                "errorKind",
                JobCondition::ErrorKind,
                "What kind of failure that was",
            ),
            &field("scheduledFor", JobCondition::ScheduledFor, "The nominal tick"),
            &field(
                "runAfter",
                JobCondition::RunAfter,
                "The instant before which it does not run",
            ),
            &field("queuedAt", JobCondition::QueuedAt, "When it was created"),
            &field(
                "startedAt",
                JobCondition::StartedAt,
                "When the last execution was started",
            ),
            &field("completedAt", JobCondition::CompletedAt, "When it ended"),
        ],
        sorts: &[
            Sort::by("queuedAt", JobSort::QueuedAt),
            Sort::by("completedAt", JobSort::CompletedAt),
            Sort::by("scheduledFor", JobSort::ScheduledFor),
            Sort::by("priority", JobSort::Priority),
        ],
        default_order: "by `queuedAt`, newest first",
    };
}
