use ratchet_interfaces::{ExecutionCondition, ExecutionSort};

use crate::executions::Standing;
use crate::list::{Listed, Offer, Sort, field};

/// The list of executions.
#[derive(Debug)]
pub(crate) struct Executions;

impl Listed for Executions {
    type Condition = ExecutionCondition;
    type Sort = ExecutionSort;
    const OFFER: Offer<ExecutionCondition, ExecutionSort> = Offer {
        fields: &[
            &field("id", ExecutionCondition::Id, "The id"),
            &field("jobId", ExecutionCondition::JobId, "The job"),
            &field("taskId", ExecutionCondition::TaskId, "The task that the job runs"),
            &field(
                "status",
                Standing::condition,
                "Where it stands; the list has what has begun, and so none that is PENDING",
            ),
            &field(
                "attempt",
                ExecutionCondition::Attempt,
                "Which attempt at the job it is, from 1",
            ),
            &field("node", ExecutionCondition::Node, "The process that ran it"),
            &field("errorMessage", ExecutionCondition::Error, "Why it failed"),
            &field(
                "errorKind",
                ExecutionCondition::ErrorKind,
                "What kind of failure that is",
            ),
            &field("startedAt", ExecutionCondition::StartedAt, "When it was started"),
            &field("completedAt", ExecutionCondition::CompletedAt, "When it ended"),
            &field(
                "durationMs",
                ExecutionCondition::Duration,
                "How long it ran, in milliseconds",
            ),
        ],
        sorts: &[
            Sort::by("startedAt", ExecutionSort::Started),
            Sort::by("completedAt", ExecutionSort::CompletedAt),
        ],
        default_order: "by `startedAt`, the one that was started last first",
    };
}
