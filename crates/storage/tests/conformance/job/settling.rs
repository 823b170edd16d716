mod lost;

use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Choice, ClaimRequest, ClaimedJob, Delivery, DeliveryId, DeliveryStatus,
    Execution, ExecutionCondition, ExecutionFilter, ExecutionId, ExecutionSort, ExecutionStatus, JobId,
    JobResult, JobStatus, NodeId, OutputDestination, RepositoryFactory, SettleOutcome, TaskErrorKind,
    UnifiedJob,
};
use serde_json::json;

use crate::harness::on_each_database;
use crate::sample::{at, claim, claimed_job, claimed_jobs, everything};

const SETTLED: SettleOutcome = SettleOutcome::Settled;
const LOST: SettleOutcome = SettleOutcome::LeaseLost;

fn outcome(claimed: &ClaimedJob, node: NodeId, result: AttemptResult) -> AttemptOutcome {
    AttemptOutcome {
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        node,
        result,
        error_kind: None,
        deliveries: Vec::new(),
        log: Vec::new(),
        ended_at: at(105),
        duration: TimeDelta::microseconds(4_999_999),
    }
}

fn succeeded() -> AttemptResult {
    AttemptResult::Succeeded {
        output: json!({"said": "hello\0 🌍"}),
    }
}

/// The outcome of a job that succeeded, whose result goes out so many times.
fn delivering(claimed: &ClaimedJob, node: NodeId, deliveries: usize) -> AttemptOutcome {
    let delivery = |_| Delivery {
        id: DeliveryId::new(),
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        destination: OutputDestination::stdout_json(),
        payload: JobResult::completed(
            claimed.job.id,
            claimed.execution_id,
            json!({"said": "hello"}),
            at(105),
        ),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: at(105),
        last_error: None,
        created_at: at(105),
        delivered_at: None,
    };
    AttemptOutcome {
        deliveries: (0..deliveries).map(delivery).collect(),
        ..outcome(claimed, node, succeeded())
    }
}

fn failed(error: &str) -> AttemptResult {
    AttemptResult::Failed {
        error: error.to_owned(),
    }
}

fn retry(second: i64) -> AttemptResult {
    AttemptResult::Retry {
        error: "not yet".to_owned(),
        run_after: at(second),
    }
}

fn handed_back() -> AttemptResult {
    AttemptResult::HandedBack {
        reason: "the server stops".to_owned(),
    }
}

fn cancelled() -> AttemptResult {
    AttemptResult::Cancelled {
        reason: "it was asked to".to_owned(),
    }
}

/// A job with its executions and deliveries.
#[derive(Debug, PartialEq)]
struct Story {
    job: Option<UnifiedJob>,
    executions: Vec<Execution>,
    deliveries: Vec<Delivery>,
}

impl Story {
    async fn of(repositories: &Arc<dyn RepositoryFactory>, job: JobId) -> Self {
        let executions = ExecutionFilter::of([ExecutionCondition::JobId(Choice::Is(job))]);
        Self {
            job: repositories.jobs().job_find(job).await.unwrap(),
            executions: repositories
                .executions()
                .execution_list(&executions, ExecutionSort::default(), everything())
                .await
                .unwrap()
                .items,
            deliveries: repositories.deliveries().delivery_list_of_job(job).await.unwrap(),
        }
    }
}

async fn settle(
    repositories: &Arc<dyn RepositoryFactory>,
    outcomes: &[AttemptOutcome],
) -> Vec<SettleOutcome> {
    let settlement = repositories.jobs().job_settle_many(outcomes).await.unwrap();
    assert_eq!((settlement.released, settlement.paused), (0, Vec::new()));
    settlement.outcomes
}

#[tokio::test]
async fn each_result_of_an_attempt_sets_job_execution_and_deliveries() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 5).await;
        let results = [
            succeeded(),
            retry(300),
            failed("it's \"no\" use: 100%"),
            handed_back(),
            cancelled(),
        ];
        let mut outcomes: Vec<_> = claimed
            .iter()
            .zip(&results)
            .map(|(claimed, result)| outcome(claimed, node, result.clone()))
            .collect();
        outcomes[0].deliveries = delivering(&claimed[0], node, 3).deliveries;
        outcomes[1].error_kind = Some(TaskErrorKind::Network);
        outcomes[2].deliveries = delivering(&claimed[2], node, 1).deliveries;
        outcomes[2].error_kind = Some(TaskErrorKind::Task);
        assert_eq!(settle(&repositories, &outcomes).await, [SETTLED; 5]);

        for ((claimed, result), outcome) in claimed.iter().zip(results).zip(outcomes) {
            let job = UnifiedJob {
                lease_owner: None,
                execution_id: None,
                lease_until: None,
                ..claimed.job.clone()
            };
            let execution = Execution {
                id: claimed.execution_id,
                job_id: job.id,
                attempt: 1,
                status: ExecutionStatus::Failed,
                input: job.input.clone(),
                output: None,
                error: None,
                error_kind: outcome.error_kind,
                progress: None,
                started_at: at(100),
                completed_at: Some(at(105)),
                duration: Some(TimeDelta::microseconds(4_999_999)),
                node,
            };
            let expected = match result {
                AttemptResult::Succeeded { output } => (
                    UnifiedJob {
                        status: JobStatus::Completed,
                        completed_at: Some(at(105)),
                        ..job
                    },
                    Execution {
                        status: ExecutionStatus::Completed,
                        output: Some(output),
                        ..execution
                    },
                ),
                AttemptResult::Retry { error, run_after } => (
                    UnifiedJob {
                        status: JobStatus::Retrying,
                        retry_count: 1,
                        run_after,
                        error: Some(error.clone()),
                        error_kind: outcome.error_kind,
                        ..job
                    },
                    Execution {
                        error: Some(error),
                        ..execution
                    },
                ),
                AttemptResult::Failed { error } => (
                    UnifiedJob {
                        status: JobStatus::Failed,
                        error: Some(error.clone()),
                        error_kind: outcome.error_kind,
                        completed_at: Some(at(105)),
                        ..job
                    },
                    Execution {
                        error: Some(error),
                        ..execution
                    },
                ),
                AttemptResult::Cancelled { reason } => (
                    UnifiedJob {
                        status: JobStatus::Cancelled,
                        error: Some(reason.clone()),
                        completed_at: Some(at(105)),
                        ..job
                    },
                    Execution {
                        status: ExecutionStatus::Cancelled,
                        error: Some(reason),
                        ..execution
                    },
                ),
                AttemptResult::HandedBack { reason } => (
                    UnifiedJob {
                        status: JobStatus::Queued,
                        ..job
                    },
                    Execution {
                        status: ExecutionStatus::Cancelled,
                        error: Some(reason),
                        ..execution
                    },
                ),
            };
            let (job, execution) = expected;
            let deliveries = outcome.deliveries;
            let expected = Story {
                job: Some(job),
                executions: vec![execution],
                deliveries,
            };
            assert_eq!(Story::of(&repositories, claimed.job.id).await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_job_is_tried_again_from_its_new_instant_and_succeeds() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let jobs = repositories.jobs();
        let first = claimed_job(&*repositories, node).await;
        settle(&repositories, &[outcome(&first, node, retry(300))]).await;
        assert_eq!(jobs.job_next_run_after(at(100)).await.unwrap(), Some(at(300)));
        let claim_at = |second| ClaimRequest {
            now: at(second),
            ..claim(node, 10)
        };
        assert_eq!(jobs.job_claim_many(claim_at(299)).await.unwrap().jobs, []);
        let again = jobs.job_claim_many(claim_at(300)).await.unwrap().jobs;
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].job.id, again[0].job.attempts), (first.job.id, 2));
        assert_ne!(again[0].execution_id, first.execution_id);
        let last = outcome(&again[0], node, succeeded());
        assert_eq!(settle(&repositories, &[last]).await, [SETTLED]);

        let story = Story::of(&repositories, first.job.id).await;
        let job = story.job.unwrap();
        assert_eq!((job.status, job.retry_count), (JobStatus::Completed, 1));
        assert_eq!(job.error, None);
        let attempts: Vec<_> = story
            .executions
            .iter()
            .map(|execution| (execution.attempt, execution.status))
            .collect();
        assert_eq!(
            attempts,
            [(2, ExecutionStatus::Completed), (1, ExecutionStatus::Failed)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_handed_back_keeps_the_error_of_the_attempt_before() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let first = claimed_job(&*repositories, node).await;
        settle(&repositories, &[outcome(&first, node, retry(100))]).await;
        let again = repositories
            .jobs()
            .job_claim_many(claim(node, 1))
            .await
            .unwrap()
            .jobs;
        settle(&repositories, &[outcome(&again[0], node, handed_back())]).await;
        let job = Story::of(&repositories, first.job.id).await.job.unwrap();
        assert_eq!(
            (job.status, job.error.as_deref()),
            (JobStatus::Queued, Some("not yet"))
        );
        assert_eq!((job.retry_count, job.attempts), (1, 2));
        // And it is there for the next one.
        assert_eq!(
            repositories
                .jobs()
                .job_claim_many(claim(NodeId::new(), 1))
                .await
                .unwrap()
                .jobs
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn thousands_of_attempts_are_settled_in_one_call() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 2_500).await;
        let mut outcomes: Vec<_> = claimed
            .iter()
            .map(|claimed| delivering(claimed, node, 1))
            .collect();
        outcomes[2_400].node = NodeId::new();
        let settled = settle(&repositories, &outcomes).await;
        assert_eq!(
            settled.iter().filter(|outcome| **outcome == SETTLED).count(),
            2_499
        );
        assert_eq!(settled[2_400], LOST);
        let due = repositories
            .deliveries()
            .delivery_list_due(at(105), 10_000, &[], &[])
            .await
            .unwrap();
        assert_eq!(due.len(), 2_499);
        assert_eq!(settle(&repositories, &[]).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_cannot_be_stored_keeps_the_whole_call_out() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 2).await;
        let mut broken = delivering(&claimed[1], node, 1);
        broken.deliveries[0].execution_id = ExecutionId::new();
        let outcomes = [delivering(&claimed[0], node, 1), broken];
        let refused = repositories.jobs().job_settle_many(&outcomes).await;
        assert!(refused.is_err_and(|error| !error.is_transient()));
        for claimed in &claimed {
            let story = Story::of(&repositories, claimed.job.id).await;
            assert_eq!(story.job.as_ref(), Some(&claimed.job));
            assert_eq!(story.executions[0].status, ExecutionStatus::Running);
            assert_eq!(story.deliveries, []);
        }
    })
    .await;
}
