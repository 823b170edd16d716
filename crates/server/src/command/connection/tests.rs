use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use serde_json::json;

use super::*;

/// A list of so many numbers, in pages as they are asked for.
fn numbers(total: u64) -> Router {
    let page = async move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let found = pairs.find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse::<u64>().ok()).unwrap()
        };
        let rows: Vec<u64> = (value("_start")..value("_end").min(total)).collect();
        axum::Json(json!({"data": rows, "meta": {"pagination": {"total": total}}}))
    };
    Router::new().route("/api/v1/numbers", get(page))
}

#[tokio::test]
async fn a_list_is_read_page_by_page_as_far_as_it_is_wanted() {
    for (total, most, rows) in [(0, 10, 0), (7, 10, 7), (250, 120, 120), (250, u64::MAX, 250)] {
        let connection = Connection::to(numbers(total));
        let read = connection.list(Call::get("/numbers"), most).await.unwrap();
        assert_eq!((read.rows.len(), read.total), (rows, total));
        assert!(read.rows.iter().zip(0_u64..).all(|(row, number)| *row == number));
    }
}

#[test]
fn a_body_has_what_was_given_alone() {
    let body = body([("a", Some(json!(1))), ("b", None), ("c", Some(Value::Null))]);
    assert_eq!(body, json!({"a": 1, "c": null}));
}
