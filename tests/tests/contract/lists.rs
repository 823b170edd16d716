//! What holds of every list: its pages, its order, and that nothing in a query is ignored.

mod filters;
mod row;
mod seed;
mod sorts;

use serde_json::{Value, json};

use crate::client::{Answer, get, post, send, under};
use crate::document::lists;
use crate::lists::seed::Seed;
use crate::made::{Made, path_of, text, unique};

pub(crate) use filters::{
    a_filter_is_understood_in_snake_case_and_an_enumeration_in_any_case,
    a_value_that_a_filter_cannot_have_is_refused, every_filter_of_the_document_leaves_the_rows_that_it_says,
};
pub(crate) use sorts::every_sort_key_of_the_document_sorts_both_ways;

/// Seven jobs of a task of their own: the query that finds them, and their ids, the oldest first.
fn seven_jobs(made: &Made) -> (String, Vec<Value>) {
    let task = made.task(&json!({}));
    let job = |_| made.waiting_job(&task, &json!({}))["id"].clone();
    let jobs = (0..7).map(job).collect();
    (format!("/jobs?taskId={}", text(&task["id"])), jobs)
}

fn ids(answer: Answer) -> Vec<Value> {
    answer.rows().iter().map(|row| row["id"].clone()).collect()
}

#[test]
pub(crate) fn a_page_has_its_rows_and_start_and_end_win_over_page_and_limit() {
    let made = Made::nothing();
    let (list, all) = seven_jobs(&made);
    let cases = [
        ("", 0..7),
        ("page=1&limit=3", 0..3),
        ("page=2&limit=3", 3..6),
        ("page=3&limit=3", 6..7),
        ("page=4&limit=3", 7..7),
        ("limit=100", 0..7),
        ("_start=0&_end=3", 0..3),
        ("_start=2&_end=5", 2..5),
        ("_start=6&_end=106", 6..7),
        ("_start=9&_end=10", 7..7),
        ("_start=2&_end=5&page=1&limit=1", 2..5),
    ];
    for (query, rows) in cases {
        let answer = get(&format!("{list}&_sort=queuedAt&_order=ASC&{query}"));
        assert_eq!(ids(answer), all[rows], "{query}");
    }
}

#[test]
pub(crate) fn a_page_has_25_rows_unless_it_is_asked_for_more() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    for _ in 0..26 {
        made.waiting_job(&task, &json!({}));
    }
    let list = format!("/jobs?taskId={}", text(&task["id"]));
    assert_eq!(get(&list).rows().len(), 25);
    assert_eq!(get(&format!("{list}&limit=100")).rows().len(), 26);
}

#[test]
pub(crate) fn headers_tell_the_total_and_the_range() {
    let made = Made::nothing();
    let (list, _) = seven_jobs(&made);
    for (query, range) in [
        ("page=2&limit=3", "3-5/7"),
        ("page=9", "*/7"),
        ("_start=6&_end=9", "6-6/7"),
    ] {
        let answer = get(&format!("{list}&{query}")).expect(200);
        assert_eq!(answer.headers["x-total-count"], "7", "{query}");
        let content_range = &answer.headers["content-range"];
        assert!(content_range.ends_with(range), "{query}: {content_range}");
    }
}

#[test]
pub(crate) fn every_list_refuses_a_page_that_there_cannot_be() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    let rules = [
        "page=0",
        "limit=0",
        "limit=101",
        "page=-1",
        "page=one",
        "limit=many",
        "limit=1.5",
        "page=",
        "_start=a",
        "_end=b",
        "_start=-1",
        "_start=5&_end=5",
        "_start=6&_end=5",
        "_start=0&_end=101",
        "_start=7&_end=200",
    ];
    let mut asked = 0;
    for list in lists() {
        let path = seed.path(list.path);
        for rule in rules {
            send("GET", &format!("{path}?{rule}"), &[], None).error(400, "BAD_REQUEST");
        }
        asked += 1;
    }
    assert!(asked >= 8, "the document has {asked} lists only");
}

#[test]
pub(crate) fn every_list_refuses_what_it_does_not_know() {
    let made = Made::nothing();
    let seed = Seed::sown(&made);
    for list in lists() {
        let path = seed.path(list.path);
        for unknown in [
            "colour=red",
            "colour_like=red",
            "id_colour=1",
            "_sort=colour",
            "_order=UPWARDS",
            "q=a",
            "=a",
        ] {
            let answer = send("GET", &format!("{path}?{unknown}"), &[], None);
            answer.error(400, "BAD_REQUEST");
        }
    }
}

#[test]
pub(crate) fn the_direction_is_in_any_case_and_a_sort_key_in_camel_or_snake_case() {
    let made = Made::nothing();
    let (list, oldest_first) = seven_jobs(&made);
    let newest_first: Vec<Value> = oldest_first.iter().rev().cloned().collect();
    for key in ["queuedAt", "queued_at"] {
        for order in ["ASC", "asc", "Asc"] {
            let answer = get(&format!("{list}&_sort={key}&_order={order}"));
            assert_eq!(ids(answer), oldest_first, "{key} {order}");
        }
        for order in ["DESC", "desc", "dEsC"] {
            let answer = get(&format!("{list}&_sort={key}&_order={order}"));
            assert_eq!(ids(answer), newest_first, "{key} {order}");
        }
        assert_eq!(ids(get(&format!("{list}&_sort={key}"))), oldest_first, "{key}");
    }
}

#[test]
pub(crate) fn unknown_fields_of_a_body_are_ignored() {
    let made = Made::nothing();
    let more = json!({"colour": "red", "nested": {"a": [1, 2]}, "id": "mine"});
    let task = made.task(&more);
    let schedule = made.schedule(&task, &more);
    let job = made.waiting_job(&task, &more);
    for thing in [&task, &schedule, &job] {
        assert_eq!(
            (thing.get("colour"), thing.get("nested")),
            (None, None),
            "{thing}"
        );
        assert_ne!(thing["id"], "mine");
    }
    let patched = crate::client::patch(&path_of("schedules", &schedule, ""), &more).data();
    assert_eq!(patched["id"], schedule["id"]);
    post(&path_of("jobs", &job, "/cancel"), &more).expect(200);
}

#[test]
pub(crate) fn enumerations_of_a_body_are_read_in_any_case_and_written_in_upper_case() {
    let made = Made::nothing();
    let task = made.task(&json!({}));
    for priority in ["LOW", "NORMAL", "HIGH", "CRITICAL"] {
        let (lower, mixed) = (
            priority.to_lowercase(),
            format!("{}{}", &priority[..1], priority[1..].to_lowercase()),
        );
        for given in [priority, &*lower, &*mixed] {
            let job = made.waiting_job(&task, &json!({"priority": given}));
            assert_eq!(job["priority"], priority, "{given}");
        }
    }
    let wrong = json!({"taskId": task["id"], "input": {}, "priority": unique("HIGH")});
    post("/jobs", &wrong).error(422, "VALIDATION_ERROR");
}

#[test]
pub(crate) fn every_name_of_the_enumerations_of_the_contract_is_a_filter() {
    for (list, names) in [
        (
            "/jobs?status=",
            "QUEUED PROCESSING COMPLETED FAILED CANCELLED RETRYING",
        ),
        ("/executions?status=", "RUNNING COMPLETED FAILED CANCELLED"),
        ("/jobs?priority=", "LOW NORMAL HIGH CRITICAL"),
    ] {
        filters_by(list, names);
    }
}

#[test]
pub(crate) fn pending_executions_can_be_asked_for() {
    filters_by("/executions?status=", "PENDING");
    let made = Made::nothing();
    let task = made.task(&json!({}));
    let job = made.waiting_job(&task, &json!({}));
    let of_task = format!("/executions?taskId={}", text(&task["id"]));
    for query in [
        "status=PENDING",
        "status_in=PENDING,RUNNING",
        "status=PENDING&_sort=startedAt",
    ] {
        let rows = get(&format!("{of_task}&{query}")).rows();
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        assert_eq!(
            (&rows[0]["id"], &rows[0]["status"]),
            (&job["id"], &json!("PENDING"))
        );
    }
    for query in ["status=RUNNING", "status_ne=PENDING", ""] {
        assert!(get(&format!("{of_task}&{query}")).rows().is_empty(), "{query}");
    }
}

/// That each of these names is a value of the filter with which a path ends, and another is none.
fn filters_by(list: &str, names: &str) {
    let field = list.trim_end_matches('=').rsplit('?').next().unwrap();
    for name in names.split(' ') {
        for given in [name.to_owned(), name.to_lowercase()] {
            for row in get(&format!("{list}{given}")).rows() {
                assert_eq!(row[field], name, "{list}{given}");
            }
        }
    }
    send("GET", &under(&format!("{list}NOTHING")), &[], None).error(400, "BAD_REQUEST");
}
