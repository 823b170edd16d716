use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimRequest, ClaimedJob, Delivery, DeliveryId, DeliveryStatus, Execution,
    ExecutionFilter, ExecutionId, ExecutionStatus, JobId, JobStatus, NodeId, OutputDestination,
    RepositoryFactory, SettleOutcome, UnifiedJob,
};
use serde_json::json;

use crate::harness::{at_once, on_each_database};
use crate::sample::{at, claim, claimed_job, claimed_jobs, everything};

const SETTLED: SettleOutcome = SettleOutcome::Settled;
const LOST: SettleOutcome = SettleOutcome::LeaseLost;

fn outcome(claimed: &ClaimedJob, node: NodeId, result: AttemptResult) -> AttemptOutcome {
    AttemptOutcome {
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        node,
        result,
        ended_at: at(105),
        duration: TimeDelta::microseconds(4_999_999),
    }
}

fn succeeded(claimed: &ClaimedJob, deliveries: usize) -> AttemptResult {
    let delivery = |_| Delivery {
        id: DeliveryId::new(),
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        destination: OutputDestination::stdout_json(),
        payload: json!({"said": "hello"}),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: at(105),
        last_error: None,
        created_at: at(105),
        delivered_at: None,
    };
    AttemptResult::Succeeded {
        output: json!({"said": "hello\0 🌍"}),
        deliveries: (0..deliveries).map(delivery).collect(),
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

/// A job with its executions and deliveries.
#[derive(Debug, PartialEq)]
struct Story {
    job: Option<UnifiedJob>,
    executions: Vec<Execution>,
    deliveries: Vec<Delivery>,
}

impl Story {
    async fn of(repositories: &Arc<dyn RepositoryFactory>, job: JobId) -> Self {
        let executions = ExecutionFilter {
            job_id: Some(job),
            status: None,
        };
        Self {
            job: repositories.jobs().job_find(job).await.unwrap(),
            executions: repositories
                .executions()
                .execution_list(&executions, everything())
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
    repositories.jobs().job_settle_many(outcomes).await.unwrap()
}

#[tokio::test]
async fn each_result_of_an_attempt_sets_job_execution_and_deliveries() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 4).await;
        let results = [
            succeeded(&claimed[0], 3),
            retry(300),
            failed("it's \"no\" use: 100%"),
            handed_back(),
        ];
        let outcomes: Vec<_> = claimed
            .iter()
            .zip(&results)
            .map(|(claimed, result)| outcome(claimed, node, result.clone()))
            .collect();
        assert_eq!(settle(&repositories, &outcomes).await, [SETTLED; 4]);

        for (claimed, result) in claimed.iter().zip(results) {
            let job = UnifiedJob {
                lease_owner: None,
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
                started_at: at(100),
                completed_at: Some(at(105)),
                duration: Some(TimeDelta::microseconds(4_999_999)),
                node,
            };
            let expected = match result {
                AttemptResult::Succeeded { output, deliveries } => (
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
                    deliveries,
                ),
                AttemptResult::Retry { error, run_after } => (
                    UnifiedJob {
                        status: JobStatus::Retrying,
                        retry_count: 1,
                        run_after,
                        error: Some(error.clone()),
                        ..job
                    },
                    Execution {
                        error: Some(error),
                        ..execution
                    },
                    Vec::new(),
                ),
                AttemptResult::Failed { error } => (
                    UnifiedJob {
                        status: JobStatus::Failed,
                        error: Some(error.clone()),
                        completed_at: Some(at(105)),
                        ..job
                    },
                    Execution {
                        error: Some(error),
                        ..execution
                    },
                    Vec::new(),
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
                    Vec::new(),
                ),
            };
            let (job, execution, deliveries) = expected;
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
        assert_eq!(jobs.job_next_run_after().await.unwrap(), Some(at(300)));
        let claim_at = |second| ClaimRequest {
            now: at(second),
            ..claim(node, 10)
        };
        assert_eq!(jobs.job_claim_many(claim_at(299)).await.unwrap(), []);
        let again = jobs.job_claim_many(claim_at(300)).await.unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].job.id, again[0].job.attempts), (first.job.id, 2));
        assert_ne!(again[0].execution_id, first.execution_id);
        let last = outcome(&again[0], node, succeeded(&again[0], 0));
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
        let again = repositories.jobs().job_claim_many(claim(node, 1)).await.unwrap();
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
                .len(),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn an_attempt_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_job(&*repositories, node).await;
        let first = outcome(&claimed, node, succeeded(&claimed, 1));
        assert_eq!(
            settle(&repositories, std::slice::from_ref(&first)).await,
            [SETTLED]
        );
        let before = Story::of(&repositories, claimed.job.id).await;
        for again in [
            first,
            outcome(&claimed, node, failed("no")),
            outcome(&claimed, node, retry(1)),
        ] {
            assert_eq!(settle(&repositories, &[again]).await, [LOST]);
            assert_eq!(Story::of(&repositories, claimed.job.id).await, before);
        }
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_is_told_twice_in_one_call_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 2).await;
        let outcomes = [
            outcome(&claimed[0], node, succeeded(&claimed[0], 1)),
            outcome(&claimed[0], node, failed("the second of the two")),
            outcome(&claimed[1], node, failed("no")),
        ];
        assert_eq!(settle(&repositories, &outcomes).await, [SETTLED, LOST, SETTLED]);
        let story = Story::of(&repositories, claimed[0].job.id).await;
        assert_eq!(story.job.unwrap().status, JobStatus::Completed);
        assert_eq!(story.deliveries.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_does_not_have_the_job_any_more_settles_nothing() {
    on_each_database(async |repositories| {
        let (node, other) = (NodeId::new(), NodeId::new());
        let claimed = claimed_jobs(&*repositories, node, 2).await;
        let before = Story::of(&repositories, claimed[0].job.id).await;
        let foreign = outcome(&claimed[0], other, succeeded(&claimed[0], 1));
        let wrong_execution = AttemptOutcome {
            execution_id: claimed[1].execution_id,
            ..outcome(&claimed[0], node, failed("no"))
        };
        let no_execution = AttemptOutcome {
            execution_id: ExecutionId::new(),
            ..outcome(&claimed[0], node, failed("no"))
        };
        let no_job = AttemptOutcome {
            job_id: JobId::new(),
            ..outcome(&claimed[0], node, failed("no"))
        };
        for outcome in [foreign, wrong_execution, no_execution, no_job] {
            let told = format!("{outcome:?}");
            assert_eq!(settle(&repositories, &[outcome]).await, [LOST], "{told}");
            assert_eq!(
                Story::of(&repositories, claimed[0].job.id).await,
                before,
                "{told}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn an_attempt_of_before_the_recovery_does_not_settle_the_attempt_after_it() {
    on_each_database(async |repositories| {
        // The same node claims again what was taken from it: only the execution tells the two attempts apart.
        let node = NodeId::new();
        let first = claimed_job(&*repositories, node).await;
        let recovered = repositories
            .jobs()
            .job_recover_orphans(NodeId::new(), at(101), "gone")
            .await
            .unwrap();
        assert_eq!(recovered, 1);
        let second = repositories.jobs().job_claim_many(claim(node, 1)).await.unwrap();
        assert_eq!(second[0].job.id, first.job.id);
        let before = Story::of(&repositories, first.job.id).await;
        let late = outcome(&first, node, succeeded(&first, 1));
        assert_eq!(settle(&repositories, &[late]).await, [LOST]);
        assert_eq!(Story::of(&repositories, first.job.id).await, before);
        let last = outcome(&second[0], node, succeeded(&second[0], 1));
        assert_eq!(settle(&repositories, &[last]).await, [SETTLED]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_attempt_does_not_disturb_the_others_of_its_call() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 6).await;
        settle(&repositories, &[outcome(&claimed[2], node, failed("before"))]).await;
        let outcomes: Vec<_> = claimed
            .iter()
            .enumerate()
            .rev()
            .map(|(place, claimed)| {
                let by = if place == 4 { NodeId::new() } else { node };
                outcome(claimed, by, succeeded(claimed, place))
            })
            .collect();
        assert_eq!(
            settle(&repositories, &outcomes).await,
            [SETTLED, LOST, SETTLED, LOST, SETTLED, SETTLED]
        );
        for (place, claimed) in claimed.iter().enumerate() {
            let story = Story::of(&repositories, claimed.job.id).await;
            let (status, deliveries) = match place {
                2 => (JobStatus::Failed, 0),
                4 => (JobStatus::Processing, 0),
                _ => (JobStatus::Completed, place),
            };
            assert_eq!(story.job.unwrap().status, status, "{place}");
            assert_eq!(story.deliveries.len(), deliveries, "{place}");
        }
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
            .map(|claimed| outcome(claimed, node, succeeded(claimed, 1)))
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
            .delivery_list_due(at(105), 10_000)
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
        let mut result = succeeded(&claimed[1], 1);
        if let AttemptResult::Succeeded { deliveries, .. } = &mut result {
            deliveries[0].execution_id = ExecutionId::new();
        }
        let outcomes = [
            outcome(&claimed[0], node, succeeded(&claimed[0], 1)),
            outcome(&claimed[1], node, result),
        ];
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_is_settled_at_the_same_time_by_several_is_settled_once() {
    on_each_database(async |repositories| {
        let node = NodeId::new();
        let claimed = claimed_jobs(&*repositories, node, 40).await;
        let answers = at_once(0..6, |caller| {
            let jobs = repositories.jobs();
            let mut outcomes: Vec<_> = claimed
                .iter()
                .map(|claimed| outcome(claimed, node, succeeded(claimed, 1)))
                .collect();
            outcomes.rotate_left(caller * 7);
            async move {
                let settled = jobs.job_settle_many(&outcomes).await.unwrap();
                settled.into_iter().filter(|outcome| *outcome == SETTLED).count()
            }
        })
        .await;
        assert_eq!(answers.iter().sum::<usize>(), 40);
        let due = repositories
            .deliveries()
            .delivery_list_due(at(105), 1_000)
            .await
            .unwrap();
        assert_eq!(due.len(), 40);
    })
    .await;
}
