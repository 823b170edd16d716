use std::sync::Arc;

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimRequest, ClaimedJob, Execution, ExecutionFilter, ExecutionId,
    ExecutionStatus, JobId, NodeId, RepositoryFactory,
};
use serde_json::json;

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{at, claim, stored_jobs};

/// Three jobs with executions in every state: newest first, as the database has them.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<Execution> {
    let node = NodeId::new();
    stored_jobs(&**repositories, 3).await;
    let jobs = repositories.jobs();
    let mut ids = Vec::new();
    for round in 0..4 {
        let now = at(100 + round);
        let request = ClaimRequest {
            now,
            ..claim(node, 3)
        };
        let claimed = jobs.job_claim_many(request).await.unwrap();
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
        error_kind: None,
        deliveries: Vec::new(),
        log: Vec::new(),
        ended_at: at(100 + round),
        duration: TimeDelta::milliseconds(1),
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

#[tokio::test]
async fn the_pages_of_every_filter_have_each_execution_once_newest_first() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        assert_eq!(stored.len(), 9);
        let jobs = [
            None,
            Some(stored[0].job_id),
            Some(stored[1].job_id),
            Some(JobId::new()),
        ];
        let statuses = ExecutionStatus::ALL
            .iter()
            .map(|status| Some(*status))
            .chain([None]);
        let mut shown = 0;
        for status in statuses {
            for job_id in jobs {
                let filter = ExecutionFilter { job_id, status };
                let expected: Vec<Execution> = stored
                    .iter()
                    .filter(|execution| {
                        job_id.is_none_or(|id| id == execution.job_id)
                            && status.is_none_or(|status| status == execution.status)
                    })
                    .cloned()
                    .collect();
                shown += usize::from(!expected.is_empty());
                assert_list(&expected, async |page| {
                    repositories
                        .executions()
                        .execution_list(&filter, page)
                        .await
                        .unwrap()
                })
                .await;
            }
        }
        assert!(shown > 10, "most filters show something: {shown}");
    })
    .await;
}
