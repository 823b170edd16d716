use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Delivery, DeliveryId, DeliveryStatus, JobResult, NodeId,
    OutputDestination, RepositoryFactory,
};
use ratchet_storage::test_support::TestDatabase;
use serde_json::json;

use crate::raw::{damage, texts};
use crate::sample::{at, claim, stored_jobs};

/// So many pending deliveries of one result, due one second after the other from second 0.
async fn stored_deliveries(repositories: &dyn RepositoryFactory, count: i64) -> Vec<Delivery> {
    stored_jobs(repositories, 1).await;
    let node = NodeId::new();
    let claimed = repositories
        .jobs()
        .job_claim_many(claim(node, 1))
        .await
        .unwrap()
        .jobs
        .remove(0);
    let deliveries: Vec<_> = (0..count)
        .map(|second| Delivery {
            id: DeliveryId::new(),
            job_id: claimed.job.id,
            execution_id: claimed.execution_id,
            destination: OutputDestination::stdout_json(),
            payload: JobResult::completed(claimed.job.id, claimed.execution_id, json!({}), at(0)),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: at(second),
            last_error: None,
            created_at: at(0),
            delivered_at: None,
        })
        .collect();
    let outcome = AttemptOutcome {
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        node,
        result: AttemptResult::Succeeded { output: json!({}) },
        error_kind: None,
        deliveries: deliveries.clone(),
        log: Vec::new(),
        ended_at: at(101),
        duration: TimeDelta::seconds(1),
    };
    repositories.jobs().job_settle_many(&[outcome]).await.unwrap();
    deliveries
}

#[tokio::test]
async fn the_outbox_fails_what_cannot_be_read_and_gives_what_stands_behind_it() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let deliveries = stored_deliveries(&*repositories, 5).await;
        damage(
            &database,
            &[
                "UPDATE deliveries SET destination = '{\"destinationType\": \"pigeon\"}'
                 WHERE next_attempt_at = 1800000000000000",
                "UPDATE deliveries SET attempts = -1 WHERE next_attempt_at = 1800000002000000",
            ],
        )
        .await;
        if database.file().is_some() {
            damage(
                &database,
                &["UPDATE deliveries SET id = X'01', payload = CAST(X'FF' AS TEXT)
                   WHERE next_attempt_at = 1800000003000000"],
            )
            .await;
        }
        let due = repositories
            .deliveries()
            .delivery_list_due(at(200), 2, &[], &[])
            .await
            .unwrap();
        let ids: Vec<_> = due.iter().map(|delivery| delivery.id).collect();
        let next = if database.file().is_some() { 4 } else { 3 };
        let expected = [deliveries[1].id, deliveries[next].id];
        assert_eq!(ids, expected);
        let failed = texts(
            &database,
            "SELECT status, last_error FROM deliveries WHERE status <> 'pending'",
        )
        .await;
        assert_eq!(failed.len(), next - 1, "{failed:?}");
        for (status, error) in failed {
            assert_eq!(status, "failed");
            assert!(!error.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn an_attempt_beyond_every_clock_is_never_waited_for() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        stored_deliveries(&*repositories, 1).await;
        damage(
            &database,
            &["UPDATE deliveries SET next_attempt_at = 9223372036854775807"],
        )
        .await;
        assert_eq!(
            repositories
                .deliveries()
                .delivery_next_attempt(at(0))
                .await
                .unwrap(),
            None
        );
    }
}
