use ratchet_interfaces::{ExecutionCondition, ExecutionSort};

use crate::executions::pending::Asked;
use crate::list::{Listed, Offer, Sort, field};

/// The list of executions.
#[derive(Debug)]
pub(crate) struct Executions;

impl Listed for Executions {
    type Condition = Asked;
    type Sort = ExecutionSort;
    const OFFER: Offer<Asked, ExecutionSort> = Offer {
        fields: &[
            &field("id", |it| Asked::Of(ExecutionCondition::Id(it)), "The id"),
            &field("jobId", |it| Asked::Of(ExecutionCondition::JobId(it)), "The job"),
            &field(
                "taskId",
                |it| Asked::Of(ExecutionCondition::TaskId(it)),
                "The task that the job runs",
            ),
            &field(
                "status",
                Asked::Standing,
                "Where it stands; PENDING are the next executions of jobs that wait, which are in the list only where it is named, and come last",
            ),
            &field(
                "attempt",
                |it| Asked::Of(ExecutionCondition::Attempt(it)),
                "Which attempt at the job it is, from 1",
            ),
            &field(
                "node",
                |it| Asked::Of(ExecutionCondition::Node(it)),
                "The process that ran it",
            ),
            &field(
                "errorMessage",
                |it| Asked::Of(ExecutionCondition::Error(it)),
                "Why it failed",
            ),
            &field(
                "errorKind",
                |it| Asked::Of(ExecutionCondition::ErrorKind(it)),
                "What kind of failure that is",
            ),
            &field(
                "startedAt",
                |it| Asked::Of(ExecutionCondition::StartedAt(it)),
                "When it was started",
            ),
            &field(
                "completedAt",
                |it| Asked::Of(ExecutionCondition::CompletedAt(it)),
                "When it ended",
            ),
            &field(
                "durationMs",
                |it| Asked::Of(ExecutionCondition::Duration(it)),
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
