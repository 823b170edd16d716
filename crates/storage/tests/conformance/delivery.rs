//! The table `deliveries`, the outbox.

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimedJob, Delivery, DeliveryId, DeliveryStatus, JobId, JobResult,
    NodeId, OutputDestination, RepositoryFactory, SettleOutcome,
};
use serde_json::json;

use crate::harness::on_each_database;
use crate::sample::{at, claimed_jobs};

/// A delivery of the job's result, due at second `due`.
fn delivery(claimed: &ClaimedJob, due: i64) -> Delivery {
    Delivery {
        id: DeliveryId::new(),
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        destination: OutputDestination::stdout_json(),
        payload: JobResult::completed(
            claimed.job.id,
            claimed.execution_id,
            json!(["it's", "\"", "\u{1}", "🌍", 1.5]),
            at(105),
        ),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: at(due),
        last_error: None,
        created_at: at(105),
        delivered_at: None,
    }
}

/// Stores deliveries the only way there is: with the results of their jobs.
async fn settle_with(repositories: &dyn RepositoryFactory, claimed: &ClaimedJob, deliveries: &[Delivery]) {
    let outcome = AttemptOutcome {
        job_id: claimed.job.id,
        execution_id: claimed.execution_id,
        node: claimed.job.lease_owner.unwrap(),
        result: AttemptResult::Succeeded { output: json!(null) },
        error_kind: None,
        deliveries: deliveries.to_vec(),
        log: Vec::new(),
        ended_at: at(105),
        duration: TimeDelta::seconds(5),
    };
    let settled = repositories.jobs().job_settle_many(&[outcome]).await.unwrap();
    assert_eq!(settled.outcomes, [SettleOutcome::Settled]);
}

/// One job whose result goes out so many times, the first time at second 0, then every ten seconds.
async fn stored(repositories: &dyn RepositoryFactory, count: i64) -> Vec<Delivery> {
    let claimed = claimed_jobs(repositories, NodeId::new(), 1).await.remove(0);
    let deliveries: Vec<_> = (0..count).map(|number| delivery(&claimed, number * 10)).collect();
    settle_with(repositories, &claimed, &deliveries).await;
    deliveries
}

#[tokio::test]
async fn a_stored_delivery_is_found_as_it_was() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let full = Delivery {
            status: DeliveryStatus::Failed,
            attempts: u32::MAX,
            last_error: Some("it's \"full\", 100%".to_owned()),
            delivered_at: Some(at(200)),
            ..delivery(&claimed, -5)
        };
        let bare = delivery(&claimed, 5);
        settle_with(&*repositories, &claimed, &[full.clone(), bare.clone()]).await;
        let deliveries = repositories.deliveries();
        for stored in [full, bare] {
            assert_eq!(deliveries.delivery_find(stored.id).await.unwrap(), Some(stored));
        }
        assert_eq!(deliveries.delivery_find(DeliveryId::new()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn due_deliveries_come_oldest_first_up_to_the_limit() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let deliveries = repositories.deliveries();
        assert_eq!(deliveries.delivery_next_attempt().await.unwrap(), None);
        let mut stored = vec![
            delivery(&claimed[0], 30),
            delivery(&claimed[0], 10),
            delivery(&claimed[0], 20),
        ];
        settle_with(&*repositories, &claimed[0], &stored).await;
        let more = [delivery(&claimed[1], 20), delivery(&claimed[1], 5)];
        settle_with(&*repositories, &claimed[1], &more).await;
        stored.extend(more);
        stored.sort_by_key(|delivery| (delivery.next_attempt_at, delivery.id));

        assert_eq!(deliveries.delivery_next_attempt().await.unwrap(), Some(at(5)));
        for (second, expected) in [(4, 0), (5, 1), (10, 2), (19, 2), (20, 4), (1_000, 5)] {
            for limit in [0, 1, 3, 100] {
                let due = deliveries.delivery_list_due(at(second), limit).await.unwrap();
                let expected = expected.min(limit as usize);
                assert_eq!(due, stored[..expected], "{limit} at {second}");
            }
        }
        let just_before = at(5) - TimeDelta::microseconds(1);
        assert_eq!(deliveries.delivery_list_due(just_before, 9).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_failed_attempt_puts_a_delivery_off_and_a_delivered_one_is_done() {
    on_each_database(async |repositories| {
        let deliveries = repositories.deliveries();
        let stored = stored(&*repositories, 4).await;
        let put_off = Delivery {
            attempts: 1,
            next_attempt_at: at(500),
            last_error: Some("it's \"full\" \0".to_owned()),
            ..stored[0].clone()
        };
        let delivered = Delivery {
            status: DeliveryStatus::Delivered,
            attempts: 1,
            delivered_at: Some(at(110)),
            ..stored[1].clone()
        };
        let given_up = Delivery {
            status: DeliveryStatus::Failed,
            attempts: 9,
            last_error: Some("no".to_owned()),
            ..stored[2].clone()
        };
        deliveries
            .delivery_settle_many(&[put_off.clone(), delivered.clone(), given_up.clone()])
            .await
            .unwrap();
        let put_off = Delivery {
            last_error: Some("it's \"full\" \u{fffd}".to_owned()),
            ..put_off
        };
        for expected in [&put_off, &delivered, &given_up, &stored[3]] {
            assert_eq!(
                deliveries.delivery_find(expected.id).await.unwrap().as_ref(),
                Some(expected)
            );
        }
        let due = deliveries.delivery_list_due(at(400), 10).await.unwrap();
        assert_eq!(due, [stored[3].clone()]);
        let due = deliveries.delivery_list_due(at(500), 10).await.unwrap();
        assert_eq!(due, [stored[3].clone(), put_off.clone()]);

        let done: Vec<_> = due
            .into_iter()
            .map(|delivery| Delivery {
                status: DeliveryStatus::Delivered,
                last_error: None,
                ..delivery
            })
            .collect();
        deliveries.delivery_settle_many(&done).await.unwrap();
        assert_eq!(deliveries.delivery_next_attempt().await.unwrap(), None);
        assert_eq!(deliveries.delivery_list_due(at(9_999), 10).await.unwrap(), []);
        let second = deliveries.delivery_find(put_off.id).await.unwrap().unwrap();
        assert_eq!(second.last_error, None);
    })
    .await;
}

#[tokio::test]
async fn settling_changes_nothing_but_the_state_of_a_delivery() {
    on_each_database(async |repositories| {
        let deliveries = repositories.deliveries();
        let before = stored(&*repositories, 1).await.remove(0);
        let given = Delivery {
            job_id: JobId::new(),
            payload: JobResult {
                output: json!("another"),
                ..before.payload.clone()
            },
            created_at: at(999),
            attempts: 7,
            ..before.clone()
        };
        // One that is gone meanwhile has nothing to settle, and does not keep the others from it.
        let gone = Delivery {
            id: DeliveryId::new(),
            ..given.clone()
        };
        deliveries
            .delivery_settle_many(&[gone.clone(), given])
            .await
            .unwrap();
        let expected = Delivery {
            attempts: 7,
            ..before
        };
        assert_eq!(
            deliveries.delivery_find(expected.id).await.unwrap(),
            Some(expected)
        );
        assert_eq!(deliveries.delivery_find(gone.id).await.unwrap(), None);
        deliveries.delivery_settle_many(&[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_deliveries_of_a_job_come_oldest_first() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let mut mine: Vec<Delivery> = [3, 1, 2, 1]
            .map(|created| Delivery {
                created_at: at(created),
                ..delivery(&claimed[0], 100 - created)
            })
            .into();
        mine[1].status = DeliveryStatus::Delivered;
        settle_with(&*repositories, &claimed[0], &mine).await;
        settle_with(&*repositories, &claimed[1], &[delivery(&claimed[1], 0)]).await;
        mine.sort_by_key(|delivery| (delivery.created_at, delivery.id));
        let deliveries = repositories.deliveries();
        assert_eq!(
            deliveries.delivery_list_of_job(claimed[0].job.id).await.unwrap(),
            mine
        );
        assert_eq!(deliveries.delivery_list_of_job(JobId::new()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn thousands_of_deliveries_are_settled_in_one_call() {
    on_each_database(async |repositories| {
        let deliveries = repositories.deliveries();
        let settled: Vec<Delivery> = stored(&*repositories, 2_500)
            .await
            .into_iter()
            .map(|delivery| Delivery {
                status: DeliveryStatus::Delivered,
                ..delivery
            })
            .collect();
        deliveries.delivery_settle_many(&settled).await.unwrap();
        assert_eq!(deliveries.delivery_next_attempt().await.unwrap(), None);
        let listed = deliveries.delivery_list_of_job(settled[0].job_id).await.unwrap();
        assert_eq!(listed, settled);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_waits_no_longer_than_the_longest_backoff_when_the_clock_was_set_back() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let tried = |due| Delivery {
            attempts: 2,
            ..delivery(&claimed, due)
        };
        let stored = [
            delivery(&claimed, 3_600),
            delivery(&claimed, 40),
            tried(3_600),
            tried(340),
        ];
        settle_with(&*repositories, &claimed, &stored).await;
        let deliveries = repositories.deliveries();
        assert_eq!(
            deliveries.delivery_bring_forward(at(50), at(350)).await.unwrap(),
            2
        );
        for (delivery, due) in stored.iter().zip([50, 40, 350, 340]) {
            let found = deliveries.delivery_find(delivery.id).await.unwrap().unwrap();
            assert_eq!(found.next_attempt_at, at(due));
        }
        assert_eq!(
            deliveries.delivery_bring_forward(at(50), at(350)).await.unwrap(),
            0
        );
    })
    .await;
}
