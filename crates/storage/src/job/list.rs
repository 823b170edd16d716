use ratchet_interfaces::{Choice, JobCondition, JobFilter, JobPriority, JobSort, JobStatus};
use sea_orm::DbBackend;

use crate::list::{List, Rows, SortBy, Values};
use crate::restriction::Restriction;
use crate::row::rank;

/// Of jobs that have ended, all of which say when: the index on their statuses has these.
const HAS_ENDED: &str = "completed_at IS NOT NULL";

pub(super) fn list(backend: DbBackend, filter: &JobFilter, sort: JobSort) -> List {
    List {
        table: "jobs",
        key: &["id"],
        restriction: restriction(backend, filter),
        sort: match sort {
            JobSort::QueuedAt(order) => SortBy::Column("queued_at", order),
            JobSort::CompletedAt(order) => SortBy::Optional("completed_at", order),
            JobSort::ScheduledFor(order) => SortBy::Optional("scheduled_for", order),
            JobSort::Priority(order) => SortBy::Few(&PRIORITIES, order),
        },
        rows: Rows::ById,
        rest_of: None,
    }
}

const PRIORITIES: Values = Values {
    column: "priority",
    all: &[
        rank(JobPriority::Low),
        rank(JobPriority::Normal),
        rank(JobPriority::High),
        rank(JobPriority::Critical),
    ],
    usual: rank(JobPriority::Normal),
};

pub(super) fn restriction(backend: DbBackend, filter: &JobFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            JobCondition::Id(choice) => rows.choice("id", choice),
            JobCondition::ScheduleId(choice) => rows.choice("schedule_id", choice),
            JobCondition::TaskId(choice) => rows.choice("task_id", choice),
            JobCondition::Status(choice) => status(&mut rows, choice),
            JobCondition::Origin(choice) => rows.choice("origin", choice),
            JobCondition::Priority(bound) => rows.ranked("priority", JobPriority::ALL, bound),
            JobCondition::Attempts(bound) => rows.bound("attempts", bound),
            JobCondition::RetryCount(bound) => rows.bound("retry_count", bound),
            JobCondition::UniqueKey(text) => rows.text("unique_key", text),
            JobCondition::ConcurrencyKey(text) => rows.text("concurrency_key", text),
            JobCondition::Error(text) => rows.text("error", text),
            JobCondition::ErrorKind(choice) => rows.choice("error_kind", choice),
            JobCondition::ScheduledFor(bound) => rows.time("scheduled_for", bound),
            JobCondition::RunAfter(bound) => rows.time("run_after", bound),
            JobCondition::QueuedAt(bound) => rows.time("queued_at", bound),
            JobCondition::StartedAt(bound) => rows.time("started_at", bound),
            JobCondition::CompletedAt(bound) => rows.time("completed_at", bound),
        }
    }
    rows
}

fn status(rows: &mut Restriction, choice: &Choice<JobStatus>) {
    rows.choice("status", choice);
    let met = |status: &JobStatus| choice.is_met_by(Some(status));
    let mut others = JobStatus::ALL.iter().filter(|status| !ENDED.contains(status));
    if !others.any(met) {
        rows.term(HAS_ENDED);
    }
    // Few jobs run at once, and an index has them.
    if *choice == Choice::Is(JobStatus::Processing) {
        rows.find_few();
    }
}

const ENDED: [JobStatus; 3] = [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled];

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Bound, ScheduleId, SortOrder, TaskId};

    use super::*;
    use crate::list::{Counted, Cut};
    use crate::query_plan::{found_in_order, steps};

    fn parts(filter: &JobFilter, key: fn(SortOrder) -> JobSort) -> Vec<List> {
        list(DbBackend::Sqlite, filter, key(SortOrder::Descending)).parts()
    }

    #[tokio::test]
    async fn a_page_of_jobs_is_found_in_the_index_of_its_filter_or_its_order() {
        let (task, schedule) = (Choice::Is(TaskId::new()), Choice::Is(ScheduleId::new()));
        let cases = [
            (None, "SCAN jobs USING COVERING INDEX jobs_queued_at"),
            (
                Some(JobCondition::TaskId(task)),
                "SEARCH jobs USING COVERING INDEX jobs_task_id (task_id=?)",
            ),
            (
                Some(JobCondition::ScheduleId(schedule)),
                "SEARCH jobs USING COVERING INDEX jobs_schedule_id (schedule_id=?)",
            ),
            (
                Some(JobCondition::Status(Choice::Is(JobStatus::Failed))),
                "SEARCH jobs USING COVERING INDEX jobs_ended (status=?)",
            ),
            (
                Some(JobCondition::Status(Choice::Is(JobStatus::Blocked))),
                "SCAN jobs USING COVERING INDEX jobs_blocked",
            ),
            (
                Some(JobCondition::QueuedAt(Bound::AtLeast(
                    chrono::DateTime::UNIX_EPOCH,
                ))),
                "SEARCH jobs USING COVERING INDEX jobs_queued_at (queued_at>?)",
            ),
        ];
        for (condition, expected) in cases {
            let parts = parts(&JobFilter::of(condition), JobSort::QueuedAt);
            let [part] = &parts[..] else {
                panic!("each job was queued: {parts:?}");
            };
            assert_eq!(found_in_order(part.cut_statement(Cut::DEEP)).await, [expected]);
            assert!(
                steps(part.count_statement()).await[0].contains("COVERING INDEX"),
                "{expected}"
            );
        }
    }

    #[tokio::test]
    async fn jobs_by_their_end_are_found_in_its_index() {
        let parts = parts(&JobFilter::default(), JobSort::CompletedAt);
        assert_eq!(
            found_in_order(parts[0].cut_statement(Cut::DEEP)).await,
            ["SEARCH jobs USING COVERING INDEX jobs_completed_at (completed_at>?)"]
        );
        let counted = steps(parts[1].count_statement()).await;
        assert!(
            counted
                .iter()
                .all(|step| !step.contains("jobs") || step.contains("COVERING INDEX")),
            "{counted:?}"
        );
    }

    #[tokio::test]
    async fn jobs_by_the_instant_of_their_schedule_are_found_in_its_index() {
        let parts = parts(&JobFilter::default(), JobSort::ScheduledFor);
        assert_eq!(
            found_in_order(parts[0].cut_statement(Cut::DEEP)).await,
            ["SEARCH jobs USING COVERING INDEX jobs_scheduled_for (scheduled_for>?)"]
        );
    }

    #[tokio::test]
    async fn jobs_by_priority_are_those_of_each_and_the_usual_ones_are_what_the_others_leave() {
        let parts = parts(&JobFilter::default(), JobSort::Priority);
        let unusual = "SEARCH jobs USING COVERING INDEX jobs_priority (priority=?)";
        let found = [unusual, unusual, "SCAN jobs", unusual];
        for (part, found) in parts.iter().zip(found) {
            assert_eq!(found_in_order(part.cut_statement(Cut::DEEP)).await, [found]);
            let counted = steps(part.count_statement()).await;
            assert!(
                counted
                    .iter()
                    .all(|step| !step.contains("jobs") || step.contains("COVERING INDEX")),
                "{counted:?}"
            );
        }
    }

    #[tokio::test]
    async fn the_few_jobs_that_run_are_found_and_then_sorted() {
        let running = JobFilter::of([JobCondition::Status(Choice::Is(JobStatus::Processing))]);
        let parts = parts(&running, JobSort::QueuedAt);
        let steps = steps(parts[0].cut_statement(Cut::DEEP)).await;
        assert_eq!(steps[0], "SCAN jobs USING INDEX jobs_processing");
    }
}
