//! The table `deliveries`, the outbox.

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, Choice, ClaimedJob, Delivery, DeliveryAttempt, DeliveryCondition,
    DeliveryFilter, DeliveryId, DeliveryRepository, DeliverySort, DeliveryStatus, ExecutionId, JobId,
    JobResult, NodeId, OutputDestination, OutputTarget, Page, RepositoryFactory, SettleOutcome, SortOrder,
    StdioOptions, StdioStream, WebhookOptions,
};
use serde_json::json;

use crate::harness::on_each_database;
use crate::paging::{assert_filters, bounds, choices, text_is_met, texts};
use crate::sample::{at, claimed_jobs, everything, page};

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

/// The attempt that made the delivery what it is: a second long, and over at second `ended`.
fn attempt(delivery: &Delivery, ended: i64) -> DeliveryAttempt {
    DeliveryAttempt {
        delivery_id: delivery.id,
        attempt: delivery.attempts,
        started_at: at(ended - 1),
        duration: TimeDelta::seconds(1),
        detail: (delivery.status == DeliveryStatus::Delivered).then(|| "HTTP 204".to_owned()),
        error: delivery.last_error.clone(),
    }
}

/// Settles deliveries whose attempts were over at second `ended`.
async fn settle(deliveries: &dyn DeliveryRepository, ended: i64, settled: &[Delivery]) {
    let settled: Vec<_> = settled
        .iter()
        .map(|delivery| (delivery.clone(), attempt(delivery, ended)))
        .collect();
    deliveries.delivery_settle_many(&settled).await.unwrap();
}

async fn due(deliveries: &dyn DeliveryRepository, second: i64, limit: u32) -> Vec<Delivery> {
    deliveries
        .delivery_list_due(at(second), limit, &[], &[])
        .await
        .unwrap()
}

async fn history(deliveries: &dyn DeliveryRepository, id: DeliveryId) -> Vec<DeliveryAttempt> {
    let page = deliveries.delivery_attempt_list(id, everything()).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items
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
        assert_eq!(deliveries.delivery_next_attempt(at(-9_999)).await.unwrap(), None);
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

        for (second, next) in [
            (4, Some(at(5))),
            (5, Some(at(10))),
            (29, Some(at(30))),
            (30, None),
        ] {
            assert_eq!(deliveries.delivery_next_attempt(at(second)).await.unwrap(), next);
        }
        for (second, expected) in [(4, 0), (5, 1), (10, 2), (19, 2), (20, 4), (1_000, 5)] {
            for limit in [0, 1, 3, 100] {
                let due = due(&*deliveries, second, limit).await;
                let expected = expected.min(limit as usize);
                assert_eq!(due, stored[..expected], "{limit} at {second}");
            }
        }
        let just_before = at(5) - TimeDelta::microseconds(1);
        assert_eq!(
            deliveries
                .delivery_list_due(just_before, 9, &[], &[])
                .await
                .unwrap(),
            []
        );
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
        settle(
            &*deliveries,
            110,
            &[put_off.clone(), delivered.clone(), given_up.clone()],
        )
        .await;
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
        assert_eq!(due(&*deliveries, 400, 10).await, [stored[3].clone()]);
        let both = due(&*deliveries, 500, 10).await;
        assert_eq!(both, [stored[3].clone(), put_off.clone()]);

        let done: Vec<_> = both
            .into_iter()
            .map(|delivery| Delivery {
                status: DeliveryStatus::Delivered,
                last_error: None,
                ..delivery
            })
            .collect();
        settle(&*deliveries, 501, &done).await;
        assert_eq!(deliveries.delivery_next_attempt(at(-9_999)).await.unwrap(), None);
        assert_eq!(due(&*deliveries, 9_999, 10).await, []);
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
        settle(&*deliveries, 110, &[gone.clone(), given]).await;
        assert_eq!(history(&*deliveries, gone.id).await, []);
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
        settle(&*deliveries, 110, &settled).await;
        assert_eq!(deliveries.delivery_next_attempt(at(-9_999)).await.unwrap(), None);
        let listed = deliveries.delivery_list_of_job(settled[0].job_id).await.unwrap();
        assert_eq!(listed, settled);
    })
    .await;
}

#[tokio::test]
async fn a_delivery_waits_as_long_as_it_was_to_when_the_clock_was_set_back() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let stored = [40, 105, 3_600, 3_700].map(|due| delivery(&claimed, due));
        settle_with(&*repositories, &claimed, &stored).await;
        let deliveries = repositories.deliveries();
        let tried = |delivery: &Delivery, due| Delivery {
            attempts: 2,
            next_attempt_at: at(due),
            ..delivery.clone()
        };
        // Both were tried last at second 3,600 of a clock that shows 50 now.
        settle(
            &*deliveries,
            3_600,
            &[tried(&stored[2], 3_610), tried(&stored[3], 90_000)],
        )
        .await;
        assert_eq!(deliveries.delivery_bring_forward(at(50)).await.unwrap(), 3);
        for (delivery, due) in stored.iter().zip([40, 50, 60, 86_450]) {
            let found = deliveries.delivery_find(delivery.id).await.unwrap().unwrap();
            assert_eq!(found.next_attempt_at, at(due));
        }
        // What waits by a clock that is right waits on.
        assert_eq!(deliveries.delivery_bring_forward(at(55)).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_and_what_goes_to_a_full_lane_does_not_stand_in_the_way() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 1).await.remove(0);
        let stderr = OutputDestination::of(OutputTarget::Stdio {
            stdio: StdioOptions {
                stream: StdioStream::Stderr,
                format: Default::default(),
                include_metadata: false,
                prefix: None,
            },
        });
        let webhook = OutputDestination::of(OutputTarget::Webhook {
            webhook: WebhookOptions::to("https://it's.example.org/a"),
        });
        let to = |destination: &OutputDestination, due| Delivery {
            destination: destination.clone(),
            ..delivery(&claimed, due)
        };
        let mut stored: Vec<_> = (0..50).map(|second| to(&webhook, second)).collect();
        stored.extend([to(&stderr, 60), to(&stderr, 70), delivery(&claimed, 80)]);
        settle_with(&*repositories, &claimed, &stored).await;
        let deliveries = repositories.deliveries();
        let listed = async |under_way: &[&Delivery], full: &[String]| {
            let ids: Vec<_> = under_way.iter().map(|delivery| delivery.id).collect();
            deliveries.delivery_list_due(at(99), 2, &ids, full).await.unwrap()
        };
        let lanes = [webhook.lane(), stderr.lane()];
        assert_eq!(listed(&[], &[]).await, stored[..2]);
        assert_eq!(
            listed(&[&stored[0], &stored[2]], &[]).await,
            [stored[1].clone(), stored[3].clone()]
        );
        assert_eq!(listed(&[], &lanes[..1]).await, stored[50..52]);
        assert_eq!(
            listed(&[&stored[50]], &lanes[..1]).await,
            [stored[51].clone(), stored[52].clone()]
        );
        assert_eq!(listed(&[&stored[52]], &lanes).await, []);
    })
    .await;
}

#[tokio::test]
async fn every_attempt_is_remembered_once_and_goes_with_its_job() {
    on_each_database(async |repositories| {
        let deliveries = repositories.deliveries();
        let stored = stored(&*repositories, 2).await;
        let failed = |attempts| Delivery {
            attempts,
            last_error: Some(format!("it's no. {attempts}\0")),
            ..stored[0].clone()
        };
        settle(&*deliveries, 200, &[failed(1)]).await;
        // The answer to the first of these calls was lost.
        settle(&*deliveries, 300, &[failed(2)]).await;
        settle(&*deliveries, 300, &[failed(2)]).await;
        let expected: Vec<_> = [(1, 200), (2, 300)]
            .map(|(attempts, ended)| DeliveryAttempt {
                error: Some(format!("it's no. {attempts}\u{fffd}")),
                ..attempt(&failed(attempts), ended)
            })
            .into();
        assert_eq!(history(&*deliveries, stored[0].id).await, expected);
        assert_eq!(history(&*deliveries, stored[1].id).await, []);
        let second = deliveries
            .delivery_attempt_list(stored[0].id, page(1, 1))
            .await
            .unwrap();
        assert_eq!(
            second,
            Page {
                items: expected[1..].to_vec(),
                total: 2
            }
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_delivery_is_retried_by_hand_from_its_first_attempt() {
    on_each_database(async |repositories| {
        let deliveries = repositories.deliveries();
        let stored = stored(&*repositories, 2).await;
        let failed = Delivery {
            status: DeliveryStatus::Failed,
            attempts: 5,
            last_error: Some("no".to_owned()),
            ..stored[0].clone()
        };
        settle(&*deliveries, 200, std::slice::from_ref(&failed)).await;
        assert!(deliveries.delivery_retry(failed.id, at(300)).await.unwrap());
        let retried = Delivery {
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: at(300),
            ..failed.clone()
        };
        assert_eq!(
            deliveries.delivery_find(failed.id).await.unwrap(),
            Some(retried.clone())
        );
        let delivered = Delivery {
            status: DeliveryStatus::Delivered,
            attempts: 1,
            last_error: None,
            ..retried
        };
        settle(&*deliveries, 301, std::slice::from_ref(&delivered)).await;
        assert_eq!(
            history(&*deliveries, failed.id).await,
            [attempt(&failed, 200), attempt(&delivered, 301)]
        );
        for id in [failed.id, stored[1].id, DeliveryId::new()] {
            assert!(
                !deliveries.delivery_retry(id, at(400)).await.unwrap(),
                "only what failed"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_listed_by_state_and_job_newest_first() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let created = |claimed, second, status| Delivery {
            created_at: at(second),
            status,
            ..delivery(claimed, 0)
        };
        let mut mine = [
            created(&claimed[0], 1, DeliveryStatus::Pending),
            created(&claimed[0], 2, DeliveryStatus::Failed),
            created(&claimed[0], 3, DeliveryStatus::Failed),
        ];
        let others = [created(&claimed[1], 4, DeliveryStatus::Failed)];
        settle_with(&*repositories, &claimed[0], &mine).await;
        settle_with(&*repositories, &claimed[1], &others).await;
        mine.reverse();
        let deliveries = repositories.deliveries();
        let listed = async |status: Option<DeliveryStatus>, job: Option<&ClaimedJob>, request| {
            let mut filter =
                DeliveryFilter::of(status.map(|status| DeliveryCondition::Status(Choice::Is(status))));
            filter.extend(job.map(|job| DeliveryCondition::JobId(Choice::Is(job.job.id))));
            let page = deliveries
                .delivery_list(&filter, DeliverySort::default(), request)
                .await
                .unwrap();
            (page.items, page.total)
        };
        let failed = Some(DeliveryStatus::Failed);
        let all = [&others[..], &mine[..]].concat();
        assert_eq!(listed(None, None, everything()).await, (all.clone(), 4));
        assert_eq!(listed(failed, None, everything()).await, (all[..3].to_vec(), 3));
        assert_eq!(listed(failed, None, page(1, 1)).await, (all[1..2].to_vec(), 3));
        assert_eq!(
            listed(failed, Some(&claimed[0]), everything()).await,
            (mine[..2].to_vec(), 2)
        );
        assert_eq!(
            listed(Some(DeliveryStatus::Delivered), None, everything()).await,
            (Vec::new(), 0)
        );
    })
    .await;
}

/// What the documentation of the condition says.
fn matches(condition: &DeliveryCondition, delivery: &Delivery) -> bool {
    match condition {
        DeliveryCondition::Id(choice) => choice.is_met_by(Some(&delivery.id)),
        DeliveryCondition::JobId(choice) => choice.is_met_by(Some(&delivery.job_id)),
        DeliveryCondition::ExecutionId(choice) => choice.is_met_by(Some(&delivery.execution_id)),
        DeliveryCondition::Status(choice) => choice.is_met_by(Some(&delivery.status)),
        DeliveryCondition::Attempts(bound) => bound.is_met_by(Some(&delivery.attempts.into())),
        DeliveryCondition::LastError(text) => text_is_met(text, delivery.last_error.as_deref()),
        DeliveryCondition::CreatedAt(bound) => bound.is_met_by(Some(&delivery.created_at)),
        DeliveryCondition::DeliveredAt(bound) => bound.is_met_by(delivery.delivered_at.as_ref()),
    }
}

#[tokio::test]
async fn each_condition_leaves_the_deliveries_that_meet_it_in_either_order() {
    on_each_database(async |repositories| {
        let claimed = claimed_jobs(&*repositories, NodeId::new(), 2).await;
        let mut stored = Vec::new();
        for (claimed, places) in claimed.iter().zip([0..4, 4..6_u32]) {
            let deliveries: Vec<Delivery> = places
                .map(|place| Delivery {
                    status: DeliveryStatus::ALL[place as usize % 3],
                    attempts: place % 3,
                    last_error: (place % 2 == 0).then(|| format!("HTTP_50{place}")),
                    created_at: at(i64::from(place) / 2),
                    delivered_at: (place % 3 == 1).then(|| at(place.into())),
                    ..delivery(claimed, 200)
                })
                .collect();
            settle_with(&*repositories, claimed, &deliveries).await;
            stored.extend(deliveries);
        }
        stored.sort_by_key(|delivery| std::cmp::Reverse((delivery.created_at, delivery.id)));
        let jobs: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
        let executions: Vec<ExecutionId> = claimed.iter().map(|claimed| claimed.execution_id).collect();
        let ids = [stored[0].id, stored[3].id, DeliveryId::new()];
        let mut conditions = Vec::new();
        conditions.extend(choices(&ids).into_iter().map(DeliveryCondition::Id));
        conditions.extend(choices(&jobs).into_iter().map(DeliveryCondition::JobId));
        conditions.extend(
            choices(&executions)
                .into_iter()
                .map(DeliveryCondition::ExecutionId),
        );
        conditions.extend(
            choices(DeliveryStatus::ALL)
                .into_iter()
                .map(DeliveryCondition::Status),
        );
        conditions.extend(bounds(&[0, 1, 2]).into_iter().map(DeliveryCondition::Attempts));
        let errors = texts(&["HTTP_502", "http_502"], &["http_", "%", "2"]);
        conditions.extend(errors.into_iter().map(DeliveryCondition::LastError));
        let instants = bounds(&[0, 1, 2, 4].map(at));
        conditions.extend(instants.iter().cloned().map(DeliveryCondition::CreatedAt));
        conditions.extend(instants.into_iter().map(DeliveryCondition::DeliveredAt));
        let deliveries = repositories.deliveries();
        for key in DeliverySort::KEYS {
            for order in [SortOrder::Descending, SortOrder::Ascending] {
                assert_filters(
                    DeliveryCondition::FIELDS,
                    DeliveryCondition::field,
                    &conditions,
                    &stored,
                    matches,
                    async |filter| {
                        deliveries
                            .delivery_list(filter, key(order), everything())
                            .await
                            .unwrap()
                    },
                )
                .await;
                stored.reverse();
            }
        }
    })
    .await;
}
