//! What answers are wrapped in.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::client::{delete, get, has, keys};
use crate::made::{Made, path_of, text};

/// That a value is an instant as RFC 3339 writes it, in UTC.
#[track_caller]
pub(crate) fn is_instant(value: &Value) {
    let instant = DateTime::parse_from_rfc3339(&text(value));
    let instant = instant.unwrap_or_else(|error| panic!("{value}: {error}"));
    assert_eq!(instant.offset().local_minus_utc(), 0, "{value} is not in UTC");
}

/// That these members are instants, or null.
#[track_caller]
pub(crate) fn are_instants(object: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        if !object[field].is_null() {
            is_instant(&object[field]);
        }
    }
}

#[test]
pub(crate) fn one_thing_is_data() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let answer = get(&path_of("tasks", &task, "")).expect(200);
    assert_eq!(keys(&answer.body), ["data"]);
    assert!(answer.body["data"].is_object(), "{answer:?}");
    assert!(answer.headers["content-type"].starts_with("application/json"));
}

#[test]
pub(crate) fn many_things_are_data_and_say_where_their_page_lies() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    for _ in 0..5 {
        made.waiting_job(&task, &json!({}));
    }
    let page = |query: &str| get(&format!("/jobs?taskId={}&{query}", text(&task["id"]))).expect(200);
    let cases = [
        ("limit=2", 2, [1, 2, 3, 0], [true, false]),
        ("limit=2&page=2", 2, [2, 2, 3, 2], [true, true]),
        ("limit=2&page=3", 1, [3, 2, 3, 4], [false, true]),
        ("limit=2&page=4", 0, [4, 2, 3, 6], [false, true]),
        ("limit=5", 5, [1, 5, 1, 0], [false, false]),
        ("", 5, [1, 25, 1, 0], [false, false]),
        ("_start=2&_end=4", 2, [2, 2, 3, 2], [true, true]),
    ];
    for (query, rows, [number, limit, pages, offset], [next, previous]) in cases {
        let answer = page(query);
        assert_eq!(keys(&answer.body), ["data", "meta"], "{query}");
        assert_eq!(keys(&answer.body["meta"]), ["pagination", "timestamp"], "{query}");
        is_instant(&answer.body["meta"]["timestamp"]);
        let pagination = json!({
            "page": number, "limit": limit, "total": 5, "totalPages": pages,
            "hasNext": next, "hasPrevious": previous, "offset": offset,
        });
        assert_eq!(answer.body["meta"]["pagination"], pagination, "{query}");
        assert_eq!(answer.rows().len(), rows, "{query}");
    }
}

#[test]
pub(crate) fn numbers_are_stats_of_a_period() {
    for resource in ["tasks", "schedules", "jobs", "executions", "workers"] {
        let answer = get(&format!("/{resource}/stats")).expect(200);
        assert_eq!(keys(&answer.body), ["period", "stats", "timestamp"], "{resource}");
        assert!(answer.body["stats"].is_object(), "{answer:?}");
        assert!(answer.body["period"].is_string(), "{answer:?}");
        is_instant(&answer.body["timestamp"]);
    }
}

#[test]
pub(crate) fn an_action_says_that_it_was_done() {
    let made = Made::nothing();
    let schedule = made.schedule(&made.task(&json!({})), &json!({}));
    let answer = delete(&path_of("schedules", &schedule, "")).expect(200);
    assert_eq!(keys(&answer.body), ["message", "success"]);
    assert_eq!(answer.body["success"], true);
    assert!(answer.body["message"].is_string());
}

#[test]
pub(crate) fn ids_are_texts_and_times_are_in_utc() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let schedule = made.schedule(&task, &json!({"timezone": "Asia/Tokyo"}));
    let job = made.waiting_job(&task, &json!({"scheduledFor": "2090-01-01T02:00:00+02:00"}));
    for thing in [&task, &schedule, &job] {
        has(thing, "id");
        text(&thing["id"]);
    }
    are_instants(&task, "createdAt updatedAt validatedAt");
    are_instants(&schedule, "createdAt updatedAt nextRun");
    are_instants(&job, "queuedAt scheduledFor runAfter");
    assert_eq!(job["scheduledFor"], "2090-01-01T00:00:00Z");
}
