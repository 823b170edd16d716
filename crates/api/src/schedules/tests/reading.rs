use chrono::TimeDelta;
use ratchet_interfaces::{
    Bound, Choice, OutputDestination, Page, ScheduleCondition, ScheduleSort, ScheduleState,
    ScheduleStatistics, SortOrder, TextMatch, Tick, TickCondition, TickOutcome, TickRecord, TickSort,
    UnifiedSchedule,
};
use serde_json::json;

use super::{ID, TASK, nightly, path, path_to, with, with_nightly};
use crate::test_support::{Mocks, now};

#[tokio::test]
async fn a_schedule_is_shown_with_its_version_as_the_tag() {
    let answer = with_nightly().get(&path()).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"3\""));
    let schedule = &answer.body["data"];
    for (field, value) in [
        ("id", json!(ID)),
        ("taskId", json!(TASK)),
        ("name", json!("nightly")),
        ("cronExpression", json!("0 0 * * *")),
        ("timezone", json!("UTC")),
        ("enabled", json!(true)),
        ("state", json!("ACTIVE")),
        ("nextRun", json!("2026-03-27T12:00:00Z")),
        ("lastRun", json!(null)),
        ("input", json!({"size": 1})),
        ("priority", json!("NORMAL")),
        ("outputDestinations", json!([])),
        ("version", json!(3)),
    ] {
        assert_eq!(schedule[field], value, "{field}");
    }
    assert_eq!(schedule["policies"]["overlap"], "BUFFER_ONE");
}

#[tokio::test]
async fn a_schedule_that_does_not_exist_is_named() {
    let other = "00000000-0000-0000-0000-000000000002";
    let answer = with_nightly().get(&format!("/api/v1/schedules/{other}")).await;
    assert!(answer.error(404, "NOT_FOUND").contains(other));
}

#[tokio::test]
async fn no_secret_is_shown() {
    let destination: OutputDestination = serde_json::from_value(json!({
        "destinationType": "webhook",
        "webhook": {
            "url": "https://example.org",
            "headers": {"X-Api-Key": "s3cret"},
            "authentication": {"authType": "basic", "basic": {"username": "me", "password": "s3cret"}},
            "signingSecret": "whsec_s3cret",
        },
    }))
    .unwrap();
    let schedule = UnifiedSchedule {
        output_destinations: vec![destination],
        ..nightly()
    };
    let answer = with(schedule).get(&path()).await;
    let shown = answer.body.to_string();
    assert!(shown.contains("********") && !shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_list_is_asked_for_as_the_query_says() {
    let mut mocks = Mocks::default();
    mocks
        .schedules
        .expect_schedule_list()
        .withf(|filter, sort, page| {
            let expected = [
                ScheduleCondition::Name(TextMatch::Contains("night".to_owned())),
                ScheduleCondition::Enabled(true),
                ScheduleCondition::State(Choice::Is(ScheduleState::Active)),
                ScheduleCondition::NextRun(Bound::AtMost(now())),
            ];
            filter.conditions() == expected
                && *sort == ScheduleSort::NextRun(SortOrder::Descending)
                && (page.offset(), page.limit()) == (10, 10)
        })
        .returning(|_, _, _| {
            Ok(Page {
                items: vec![nightly()],
                total: 11,
            })
        });
    let query = "name_like=night&enabled=true&state=active&next_run_lte=2026-03-27T12:00:00Z\
                 &_sort=nextRun&_order=desc&_start=10&_end=20";
    let answer = mocks.get(&format!("/api/v1/schedules?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-total-count"), "11");
    assert_eq!(answer.header("content-range"), "schedules 10-10/11");
    assert_eq!(answer.body["data"][0]["name"], "nightly");
    assert_eq!(
        answer.body["meta"],
        json!({
            "pagination": {"page": 2, "limit": 10, "total": 11, "totalPages": 2, "hasNext": false,
                           "hasPrevious": true, "offset": 10},
            "timestamp": "2026-03-27T12:00:00Z",
        })
    );
}

#[tokio::test]
async fn an_unknown_parameter_of_a_list_is_named() {
    let answer = Mocks::default().get("/api/v1/schedules?colour=blue").await;
    assert!(
        answer
            .error(400, "BAD_REQUEST")
            .starts_with("colour is no parameter")
    );
    let answer = Mocks::default().get("/api/v1/schedules?state=tired").await;
    let message = answer.error(400, "BAD_REQUEST");
    assert!(
        message.contains("tired") && message.contains("ACTIVE"),
        "{message}"
    );
}

#[tokio::test]
async fn the_ledger_is_that_of_the_schedule() {
    let mut mocks = with_nightly();
    mocks
        .ticks
        .expect_tick_list()
        .withf(|filter, sort, _| {
            let outcomes = vec![TickOutcome::Fired, TickOutcome::SkippedMisfire];
            let expected = [
                TickCondition::Outcome(Choice::IsOneOf(outcomes)),
                // A row of many ticks is found by any instant from its first to its last.
                TickCondition::Through(Bound::AtLeast(now())),
                TickCondition::ScheduledFor(Bound::AtMost(now())),
                TickCondition::ScheduleId(Choice::Is(nightly().id)),
            ];
            filter.conditions() == expected && *sort == TickSort::ScheduledFor(SortOrder::Ascending)
        })
        .returning(|_, _, _| {
            let record = TickRecord {
                scheduled_for: now(),
                through: now(),
                count: 1,
                outcome: TickOutcome::SkippedMisfire,
                reason: Some("the server was down".into()),
                job_id: None,
                lateness: TimeDelta::milliseconds(1_500),
                decided_at: now(),
            };
            let tick = Tick {
                schedule_id: nightly().id,
                request: 0,
                record,
            };
            Ok(Page {
                items: vec![tick],
                total: 1,
            })
        });
    let answer = mocks
        .get(&path_to(
            "ticks?outcome_in=fired,SKIPPED_MISFIRE&scheduledFor_gte=2026-03-27T12:00:00Z\
             &scheduledFor_lte=2026-03-27T12:00:00Z&_order=ASC",
        ))
        .await;
    assert_eq!(answer.header("content-range"), "ticks 0-0/1");
    let tick = &answer.body["data"][0];
    assert_eq!(tick["outcome"], "SKIPPED_MISFIRE");
    assert_eq!(tick["reason"], "the server was down");
    assert_eq!(tick["latenessSeconds"], 1.5);
}

#[tokio::test]
async fn the_next_instants_of_a_schedule_are_in_utc_and_in_its_zone() {
    let schedule = UnifiedSchedule {
        timezone: "Europe/Berlin".to_owned(),
        specification: "30 2 * * *".to_owned(),
        ..nightly()
    };
    let answer = with(schedule)
        .get(&path_to("next?count=2&from=2026-03-28T12:00:00Z"))
        .await;
    let instants = &answer.body["data"]["instants"];
    assert_eq!(instants[0]["utc"], "2026-03-29T01:00:00Z", "{answer:?}");
    assert_eq!(instants[0]["local"], "2026-03-29T03:00:00+02:00");
    assert!(instants[0]["note"].as_str().unwrap().contains("set forward"));
    assert_eq!(instants[1]["note"], json!(null));
    for (query, words) in [
        ("count=0", "count: 0"),
        ("count=x", "count is \"x\""),
        ("from=now", "from: \"now\""),
        ("until=x", "until is no parameter"),
    ] {
        let answer = with_nightly().get(&path_to(&format!("next?{query}"))).await;
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(answer.status == 400 && message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_preview_says_what_was_understood() {
    let post = |body| {
        Mocks::default().send(
            axum::http::Method::POST,
            "/api/v1/schedules/preview",
            &[],
            Some(body),
        )
    };
    let answer =
        post(json!({"cronExpression": "every weekday at 9am", "timezone": "Europe/Berlin", "count": 1}))
            .await;
    let preview = &answer.body["data"];
    assert_eq!(preview["cronExpression"], "0 9 * * 1-5", "{answer:?}");
    assert_eq!(preview["instants"][0]["local"], "2026-03-30T09:00:00+02:00");
    let answer = post(json!({"cronExpression": "0 0 12 1 1 * 2027"})).await;
    assert_eq!(answer.body["data"]["instants"].as_array().unwrap().len(), 1);
    assert!(answer.body["data"]["end"].is_string(), "{answer:?}");
    for (body, field) in [
        (json!({"cronExpression": "99 * * * *"}), "cronExpression"),
        (
            json!({"cronExpression": "@daily", "timezone": "Mars/Base"}),
            "timezone",
        ),
        (json!({"cronExpression": "@daily", "count": 1001}), "count"),
        (
            json!({"cronExpression": "after nightly succeeded"}),
            "cronExpression",
        ),
    ] {
        let answer = post(body).await;
        let message = answer.error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(field), "{message}");
    }
    assert!(
        post(json!({}))
            .await
            .error(422, "VALIDATION_ERROR")
            .contains("cronExpression")
    );
}

#[tokio::test]
async fn the_statistics_are_those_of_the_repository() {
    let mut mocks = Mocks::default();
    mocks.schedules.expect_schedule_statistics().returning(|at| {
        assert_eq!(at, now());
        Ok(ScheduleStatistics {
            total: 5,
            enabled: 3,
            ready: 1,
            last_run: None,
            next_run: Some(now()),
            mean_interval_seconds: Some(90.0),
        })
    });
    let answer = mocks.get("/api/v1/schedules/stats").await;
    assert_eq!(
        answer.body,
        json!({
            "stats": {
                "totalSchedules": 5, "enabledSchedules": 3, "disabledSchedules": 2, "schedulesReadyToRun": 1,
                "averageExecutionIntervalMinutes": 1.5, "lastExecution": null,
                "nextExecution": "2026-03-27T12:00:00Z",
            },
            "timestamp": "2026-03-27T12:00:00Z",
            "period": "all",
        })
    );
}

#[tokio::test]
async fn why_an_instant_is_as_it_is_is_told() {
    let mut mocks = with_nightly();
    mocks
        .scheduler
        .expect_why()
        .withf(|_, at| *at == now())
        .returning(|schedule_id, instant| {
            Ok(ratchet_interfaces::TickAccount {
                schedule_id,
                instant,
                verdict: ratchet_interfaces::TickVerdict::NotDue,
                words: "it is no tick".to_owned(),
                recorded: Vec::new(),
                previous: None,
                next: Some(instant),
            })
        });
    let answer = mocks
        .get(&format!("{}?at=2026-03-27T12:00:00Z", path_to("why")))
        .await;
    let data = &answer.body["data"];
    assert_eq!(
        (&data["verdict"], &data["words"], &data["at"]),
        (
            &json!("NOT_DUE"),
            &json!("it is no tick"),
            &json!("2026-03-27T12:00:00Z")
        ),
        "{answer:?}"
    );
    for query in ["", "?at=noon", "?at=2026-03-27T12:00:00Z&colour=blue"] {
        let answer = Mocks::default().get(&format!("{}{query}", path_to("why"))).await;
        answer.error(400, "BAD_REQUEST");
    }
}
