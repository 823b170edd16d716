use ratchet_interfaces::{
    Choice, Delivery, DeliveryCondition, DeliveryId, DeliverySort, DeliveryStatus, ExecutionId, JobResult,
    OutputDestination, Page,
};
use serde_json::{Value, json};

use super::{ALL, ID, OTHER, id, path_to, stored, with};
use crate::test_support::now;

fn delivery(status: DeliveryStatus) -> Delivery {
    let destination: OutputDestination = serde_json::from_value(json!({
        "destinationType": "webhook",
        "webhook": {
            "url": "https://example.org",
            "authentication": {"authType": "bearer", "bearer": {"token": "s3cret"}},
        },
    }))
    .unwrap();
    let execution_id: ExecutionId = OTHER.parse().unwrap();
    Delivery {
        id: DeliveryId::new(),
        job_id: id(),
        execution_id,
        destination,
        payload: JobResult::completed(id(), execution_id, json!({}), now()),
        status,
        attempts: 2,
        next_attempt_at: now(),
        last_error: Some("HTTP 500".to_owned()),
        created_at: now(),
        delivered_at: None,
    }
}

#[tokio::test]
async fn the_deliveries_of_a_job_are_shown_without_secrets() {
    let mut mocks = with(stored());
    mocks
        .deliveries
        .expect_delivery_list()
        .withf(|filter, sort, _| {
            let expected = [
                DeliveryCondition::Status(Choice::Is(DeliveryStatus::Failed)),
                DeliveryCondition::JobId(Choice::Is(id())),
            ];
            filter.conditions() == expected && *sort == DeliverySort::default()
        })
        .returning(|_, _, _| {
            Ok(Page {
                items: vec![
                    delivery(DeliveryStatus::Pending),
                    delivery(DeliveryStatus::Failed),
                ],
                total: 2,
            })
        });
    let answer = mocks.get(&path_to("deliveries?status=failed")).await;
    assert_eq!(
        (answer.status, answer.header("content-range")),
        (200, "deliveries 0-1/2"),
        "{answer:?}"
    );
    let (pending, failed) = (&answer.body["data"][0], &answer.body["data"][1]);
    for (field, value) in [
        ("jobId", json!(ID)),
        ("executionId", json!(OTHER)),
        ("status", json!("PENDING")),
        ("attempts", json!(2)),
        ("nextAttemptAt", json!("2026-03-27T12:00:00Z")),
        ("lastError", json!("HTTP 500")),
        ("deliveredAt", json!(null)),
    ] {
        assert_eq!(pending[field], value, "{field}");
    }
    assert_eq!(
        (&failed["status"], &failed["nextAttemptAt"]),
        (&json!("FAILED"), &Value::Null)
    );
    assert!(!answer.body.to_string().contains("s3cret"), "{answer:?}");
}

#[tokio::test]
async fn a_job_that_does_not_exist_has_no_list_of_deliveries() {
    let answer = with(stored()).get(&format!("{ALL}/{OTHER}/deliveries")).await;
    answer.error(404, "NOT_FOUND");
}
