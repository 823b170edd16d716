use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Choice, ClaimRequest, ClaimedJob, Execution, ExecutionCondition,
    ExecutionFilter, ExecutionId, ExecutionSort, ExecutionStatus, JobFilter, JobId, JobSort, NodeId,
    RepositoryFactory, SortOrder, TaskErrorKind, TaskId,
};
use serde_json::json;

use crate::harness::on_each_database;
use crate::paging::{
    absent_last, assert_filters, assert_list, bounds, choices, directed, text_is_met, texts,
};
use crate::sample::{at, claim, everything, job, stored_task};

/// Three jobs with executions in every state: newest first, as the database has them.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<Execution> {
    let nodes = [NodeId::new(), NodeId::new()];
    let tasks = [
        stored_task(&**repositories, "one").await,
        stored_task(&**repositories, "two").await,
    ];
    let jobs = repositories.jobs();
    let queued = [tasks[0], tasks[1], tasks[1]].map(job);
    jobs.job_create_many(&queued, &[]).await.unwrap();
    let mut ids = Vec::new();
    for round in 0..4 {
        let now = at(100 + round);
        let request = ClaimRequest {
            now,
            ..claim(nodes[round as usize % 2], 3)
        };
        let claimed = jobs.job_claim_many(request).await.unwrap().jobs;
        ids.extend(claimed.iter().map(|claimed| claimed.execution_id));
        let outcomes: Vec<AttemptOutcome> = claimed
            .iter()
            .enumerate()
            .filter_map(|(place, claimed)| ended(round, place, claimed))
            .collect();
        jobs.job_settle_many(&outcomes).await.unwrap();
    }
    let mut executions = Vec::new();
    for id in ids {
        executions.push(
            repositories
                .executions()
                .execution_find(id)
                .await
                .unwrap()
                .unwrap(),
        );
    }
    executions.sort_by_key(|execution| std::cmp::Reverse((execution.started_at, execution.id)));
    executions
}

/// The first two rounds are tried again or handed back, the third ends in each way, the fourth does not come.
fn ended(round: i64, place: usize, claimed: &ClaimedJob) -> Option<AttemptOutcome> {
    let result = match (round, place) {
        (0, _) => AttemptResult::Retry {
            error: "not yet".to_owned(),
            run_after: at(100),
        },
        (1, _) => AttemptResult::HandedBack {
            reason: "the server stops".to_owned(),
        },
        (_, 0) => AttemptResult::Succeeded { output: json!(1) },
        (_, 1) => AttemptResult::Failed {
            error: "no".to_owned(),
        },
        _ => return None,
    };
    Some(AttemptOutcome {
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        node: claimed.job.lease_owner.unwrap(),
        result,
        error_kind: (place == 1).then_some(TaskErrorKind::Timeout),
        deliveries: Vec::new(),
        log: Vec::new(),
        ended_at: at(100 + round),
        duration: TimeDelta::milliseconds(1 + round),
    })
}

#[tokio::test]
async fn an_execution_that_does_not_exist_is_not_found() {
    on_each_database(async |repositories| {
        stored(&repositories).await;
        let found = repositories
            .executions()
            .execution_find(ExecutionId::new())
            .await
            .unwrap();
        assert_eq!(found, None);
    })
    .await;
}

/// Conditions on every field, with values that some of the executions have and values that none has.
fn conditions(executions: &[Execution], tasks: &[TaskId]) -> Vec<ExecutionCondition> {
    let ids = executions.iter().map(|execution| execution.id);
    let ids: Vec<ExecutionId> = ids.take(3).chain([ExecutionId::new()]).collect();
    let mut jobs: Vec<JobId> = executions.iter().map(|execution| execution.job_id).collect();
    jobs.push(JobId::new());
    jobs.sort();
    jobs.dedup();
    let mut nodes: Vec<NodeId> = executions.iter().map(|execution| execution.node).collect();
    nodes.push(NodeId::new());
    nodes.sort();
    nodes.dedup();
    let mut all = Vec::new();
    all.extend(choices(&ids).into_iter().map(ExecutionCondition::Id));
    all.extend(choices(&jobs).into_iter().map(ExecutionCondition::JobId));
    all.extend(choices(tasks).into_iter().map(ExecutionCondition::TaskId));
    all.extend(
        choices(ExecutionStatus::ALL)
            .into_iter()
            .map(ExecutionCondition::Status),
    );
    all.extend(bounds(&[1, 2, 3, 4]).into_iter().map(ExecutionCondition::Attempt));
    all.extend(choices(&nodes).into_iter().map(ExecutionCondition::Node));
    let errors = texts(&["no", "not yet"], &["", "NOT", "%"]);
    all.extend(errors.into_iter().map(ExecutionCondition::Error));
    all.extend(
        choices(TaskErrorKind::ALL)
            .into_iter()
            .map(ExecutionCondition::ErrorKind),
    );
    let instants = bounds(&[100, 101, 103].map(at));
    all.extend(instants.iter().cloned().map(ExecutionCondition::StartedAt));
    all.extend(instants.into_iter().map(ExecutionCondition::CompletedAt));
    let lengths = [999, 1_000, 1_001, 3_000].map(TimeDelta::microseconds);
    all.extend(bounds(&lengths).into_iter().map(ExecutionCondition::Duration));
    all
}

/// What the documentation of the condition says.
fn matches(condition: &ExecutionCondition, execution: &Execution, task: TaskId) -> bool {
    match condition {
        ExecutionCondition::Id(choice) => choice.is_met_by(Some(&execution.id)),
        ExecutionCondition::JobId(choice) => choice.is_met_by(Some(&execution.job_id)),
        ExecutionCondition::TaskId(choice) => choice.is_met_by(Some(&task)),
        ExecutionCondition::Status(choice) => choice.is_met_by(Some(&execution.status)),
        ExecutionCondition::Attempt(bound) => bound.is_met_by(Some(&execution.attempt.into())),
        ExecutionCondition::Node(choice) => choice.is_met_by(Some(&execution.node)),
        ExecutionCondition::Error(text) => text_is_met(text, execution.error.as_deref()),
        ExecutionCondition::ErrorKind(choice) => choice.is_met_by(execution.error_kind.as_ref()),
        ExecutionCondition::StartedAt(bound) => bound.is_met_by(Some(&execution.started_at)),
        ExecutionCondition::CompletedAt(bound) => bound.is_met_by(execution.completed_at.as_ref()),
        ExecutionCondition::Duration(bound) => bound.is_met_by(execution.duration.as_ref()),
    }
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
fn compare(sort: ExecutionSort, a: &Execution, b: &Execution) -> Ordering {
    let order = sort.order();
    let by_key = match sort {
        ExecutionSort::Started(_) => Ordering::Equal,
        ExecutionSort::CompletedAt(_) => absent_last(order, a.completed_at, b.completed_at),
    };
    by_key.then(directed(order, a.id.cmp(&b.id)))
}

/// The task of each job.
async fn tasks(repositories: &Arc<dyn RepositoryFactory>) -> HashMap<JobId, TaskId> {
    let page = repositories
        .jobs()
        .job_list(&JobFilter::default(), JobSort::default(), everything())
        .await
        .unwrap();
    page.items.into_iter().map(|job| (job.id, job.task_id)).collect()
}

#[tokio::test]
async fn each_condition_leaves_the_executions_that_meet_it() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let task_of = tasks(&repositories).await;
        let mut tasks: Vec<TaskId> = task_of.values().copied().chain([TaskId::new()]).collect();
        tasks.sort();
        tasks.dedup();
        assert_filters(
            ExecutionCondition::FIELDS,
            ExecutionCondition::field,
            &conditions(&stored, &tasks),
            &stored,
            |condition, execution| matches(condition, execution, task_of[&execution.job_id]),
            async |filter| {
                let executions = repositories.executions();
                let sort = ExecutionSort::default();
                executions
                    .execution_list(filter, sort, everything())
                    .await
                    .unwrap()
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_the_executions_in_both_directions_on_every_page() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let executions = repositories.executions();
        let of_job = ExecutionCondition::JobId(Choice::Is(stored[0].job_id));
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for key in ExecutionSort::KEYS {
                for condition in [None, Some(of_job.clone())] {
                    let mut expected = stored.clone();
                    expected.retain(|execution| condition.is_none() || execution.job_id == stored[0].job_id);
                    expected.sort_by(|a, b| compare(key(order), a, b));
                    let filter = ExecutionFilter::of(condition);
                    assert_list(&expected, async |page| {
                        executions
                            .execution_list(&filter, key(order), page)
                            .await
                            .unwrap()
                    })
                    .await;
                }
            }
        }
    })
    .await;
}
