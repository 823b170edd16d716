use std::time::Duration;

use chrono::TimeDelta;
use ratchet_interfaces::{BusyInstant, ForecastBucket, ForecastTick, ScheduleId, SchedulerError, WhatIf};
use serde_json::json;

use crate::forecast::bounded::MOST_TICKS;
use crate::test_support::{Mocks, now};

fn every_minute(count: usize) -> impl Iterator<Item = ForecastTick> + Send + Clone + 'static {
    let id = ScheduleId::new();
    (0..count).map(move |minute| {
        let at = now() + TimeDelta::minutes(minute as i64);
        ForecastTick {
            due_at: at + TimeDelta::seconds(5),
            scheduled_for: at,
            schedule_id: Some(id),
            name: "minutely".into(),
        }
    })
}

fn with(count: usize) -> Mocks {
    let mut mocks = Mocks::default();
    let ticks = every_minute(count);
    let forecast = move |_| Ok(Box::new(ticks.clone()) as _);
    mocks.scheduler.expect_forecast().returning(forecast);
    mocks
}

#[tokio::test]
async fn ticks_are_shown_up_to_the_limit_and_when_the_next_is_due() {
    let answer = with(3).get("/api/v1/forecast").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let data = &answer.body["data"];
    assert_eq!(
        (&data["from"], &data["to"], &data["next"]),
        (
            &json!("2026-03-27T12:00:00Z"),
            &json!("2026-03-28T12:00:00Z"),
            &json!(null)
        )
    );
    assert_eq!((&data["buckets"], &data["busiest"]), (&json!(null), &json!(null)));
    let ticks = data["ticks"].as_array().unwrap();
    assert_eq!(ticks.len(), 3);
    assert_eq!(
        (&ticks[1]["name"], &ticks[1]["scheduledFor"], &ticks[1]["dueAt"]),
        (
            &json!("minutely"),
            &json!("2026-03-27T12:01:00Z"),
            &json!("2026-03-27T12:01:05Z")
        )
    );
    let cut = with(3).get("/api/v1/forecast?limit=2").await;
    assert_eq!(cut.body["data"]["ticks"].as_array().unwrap().len(), 2);
    assert_eq!(cut.body["data"]["next"], "2026-03-27T12:02:05Z");
}

#[tokio::test]
async fn what_one_thinks_of_reaches_the_engine() {
    let mut mocks = Mocks::default();
    let expected = move |request: &ratchet_interfaces::ForecastRequest| {
        let set = |name: &str, specification: &str| WhatIf::Set {
            name: name.to_owned(),
            specification: specification.to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            spread: Duration::from_millis(60_500),
        };
        let without = WhatIf::Without { name: "b".to_owned() };
        request.what_if == [set("a", "every hour"), set("c", "0 1 * * *"), without]
    };
    mocks
        .scheduler
        .expect_forecast()
        .withf(expected)
        .returning(|_| Ok(Box::new(std::iter::empty())));
    let path = "/api/v1/forecast?whatIf=a%3Devery+hour&without=b&what_if=c=0+1+*+*+*&timezone=Europe/Berlin&spreadSeconds=60.5";
    let answer = mocks.get(path).await;
    assert_eq!(answer.body["data"]["ticks"], json!([]), "{answer:?}");
}

#[tokio::test]
async fn ticks_are_counted_in_stretches_and_by_the_second() {
    let mut mocks = with(3);
    let bucket = ForecastBucket {
        from: now(),
        ticks: 3,
    };
    mocks
        .scheduler
        .expect_forecast_buckets()
        .withf(|_, width| *width == Duration::from_secs(3_600))
        .returning(move |_, _| Ok(vec![bucket]));
    let answer = mocks.get("/api/v1/forecast?bucketSeconds=3600").await;
    assert_eq!(
        answer.body["data"]["buckets"],
        json!([{ "from": "2026-03-27T12:00:00Z", "ticks": 3 }])
    );
    assert_eq!(answer.body["data"]["ticks"], json!(null));

    let mut mocks = with(3);
    let busy = BusyInstant { at: now(), ticks: 2 };
    mocks
        .scheduler
        .expect_forecast_busiest()
        .withf(|_, most| *most == 5)
        .returning(move |_, _| Ok(vec![busy]));
    let answer = mocks.get("/api/v1/forecast?busiest=5").await;
    assert_eq!(
        answer.body["data"]["busiest"],
        json!([{ "at": "2026-03-27T12:00:00Z", "ticks": 2 }])
    );
}

#[tokio::test]
async fn more_ticks_than_one_request_may_ask_for_are_not_counted() {
    for shape in ["busiest=5", "bucketSeconds=3600"] {
        let mut mocks = Mocks::default();
        let forecast = |_| {
            let one = every_minute(1).next().unwrap();
            Ok(Box::new(std::iter::repeat_n(one, MOST_TICKS + 1)) as _)
        };
        mocks.scheduler.expect_forecast().returning(forecast);
        let answer = mocks
            .get(&format!("/api/v1/forecast?{shape}&to=2026-04-01T00:00:00Z"))
            .await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.starts_with("to: \"2026-04-01"), "{message}");
        assert!(message.contains("1000000 ticks"), "{message}");
    }
    let many = Mocks::default()
        .get("/api/v1/forecast?bucketSeconds=1&to=2026-04-01T00:00:00Z")
        .await;
    assert!(many.error(400, "VALIDATION_ERROR").starts_with("bucketSeconds: "));
}

#[tokio::test]
async fn a_parameter_that_is_not_allowed_is_named_with_its_rule() {
    for (query, words) in [
        ("limit=0", "limit: \"0\""),
        ("limit=10001", "1 to 10000"),
        ("busiest=many", "busiest: \"many\""),
        ("bucketSeconds=1h", "bucketSeconds: \"1h\""),
        ("spreadSeconds=-1", "spreadSeconds: \"-1\""),
        ("spreadSeconds=1.0005", "whole milliseconds"),
        ("spreadSeconds=86400.5", "0 to 86400 seconds"),
        ("spreadSeconds=NaN", "spreadSeconds: \"NaN\""),
        ("spreadSeconds=1500ms", "spreadSeconds: \"1500ms\""),
        ("from=today", "from: \"today\""),
        ("to=1", "to: \"1\""),
        ("whatIf=report", "whatIf: \"report\""),
        (
            "from=2026-01-01T00:00:00Z&from=2026-01-01T00:00:00Z",
            "from is given twice",
        ),
        ("busiest=1&limit=2", "busiest: it does not go with limit"),
        ("colour=red", "colour"),
    ] {
        let answer = Mocks::default().get(&format!("/api/v1/forecast?{query}")).await;
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert_eq!(answer.status, 400, "{query}: {message}");
        assert!(message.contains(words), "{query}: {message}");
    }
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_by_the_name_of_the_parameter() {
    let refused = |error: fn() -> SchedulerError| async move {
        let mut mocks = Mocks::default();
        mocks.scheduler.expect_forecast().returning(move |_| Err(error()));
        let answer = mocks.get("/api/v1/forecast?whatIf=a=b").await;
        answer.error(400, "VALIDATION_ERROR").to_owned()
    };
    let unknown = refused(|| SchedulerError::InvalidRequest {
        field: "whatIf.without",
        value: "b".to_owned(),
        rule: "there is no schedule of this name".to_owned(),
    });
    assert_eq!(
        unknown.await,
        "without: \"b\" is not allowed: there is no schedule of this name"
    );
    let unreadable = refused(|| SchedulerError::InvalidSchedule {
        schedule: "a".to_owned(),
        field: "specification",
        value: "b".to_owned(),
        source: "it is no expression".into(),
    });
    assert_eq!(
        unreadable.await,
        "whatIf: \"b\" is not allowed: it is no expression"
    );
}
