use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::*;

/// A list of things with these names, and of a version each, which is filtered as that of the API.
fn named(path: &str, things: &'static [(&str, &str)]) -> Connection {
    let list = async move |RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let (name, like, version) = (value("name"), value("name_like"), value("version"));
        let rows: Vec<Value> = things
            .iter()
            .filter(|(own, _)| name.as_deref().is_none_or(|name| *own == name))
            .filter(|(own, _)| like.as_deref().is_none_or(|part| own.contains(part)))
            .filter(|(_, own)| version.as_deref().is_none_or(|version| *own == version))
            .map(|(name, version)| {
                let enabled = *version != "9.0.0";
                json!({"id": format!("{name}-{version}"), "name": name, "version": version, "enabled": enabled})
            })
            .collect();
        let total = rows.len();
        Json(json!({"data": rows, "meta": {"pagination": {"total": total}}}))
    };
    Connection::to(Router::new().route(path, get(list)))
}

#[tokio::test]
async fn a_schedule_of_this_name_that_is_damaged_is_refused_in_the_words_of_the_one_with_its_id() {
    let list = || async {
        Json(
            json!({"data": [], "meta": {"unreadable": [{"id": "7", "message": "damaged"}], "pagination": {"total": 1}}}),
        )
    };
    let one = || async {
        let error = json!({"error": {"message": "the stored input of schedule 7 cannot be read"}});
        (StatusCode::CONFLICT, Json(error))
    };
    let routes = Router::new()
        .route("/api/v1/schedules", get(list))
        .route("/api/v1/schedules/7", get(one));
    let refused = schedule(&Connection::to(routes), "nightly", Exactness::Prefix).await;
    let message = refused.unwrap_err().to_string();
    assert_eq!(message, "the stored input of schedule 7 cannot be read");
}

#[tokio::test]
async fn a_schedule_is_named_whole_or_by_a_beginning_that_no_other_has() {
    let connection = named(
        "/api/v1/schedules",
        &[
            ("night", "1"),
            ("nightly-import", "1"),
            ("nightly-report", "1"),
            ("weekly", "1"),
        ],
    );
    let found = async |text: &str, exactness| {
        let found = schedule(&connection, text, exactness).await;
        found.map(|row| text_of(&row)).map_err(|error| error.to_string())
    };
    assert_eq!(found("night", Exactness::Whole).await.unwrap(), "night");
    assert!(
        found(" ", Exactness::Prefix)
            .await
            .unwrap_err()
            .contains("a name or an id")
    );
    assert_eq!(found("week", Exactness::Prefix).await.unwrap(), "weekly");
    let error = found("week", Exactness::Whole).await.unwrap_err();
    assert!(error.contains("\"week\"") && error.contains("weekly"), "{error}");
    let error = found("nightly", Exactness::Prefix).await.unwrap_err();
    assert!(error.contains("nightly-import, nightly-report"), "{error}");
    let error = found("hourly", Exactness::Prefix).await.unwrap_err();
    assert!(error.contains("ratchet schedule list"), "{error}");
}

fn text_of(row: &Value) -> String {
    text(row, "name").to_owned()
}

#[tokio::test]
async fn a_task_is_named_with_a_version_or_is_the_latest_that_can_run() {
    let connection = named(
        "/api/v1/tasks",
        &[
            ("hello", "1.2.0"),
            ("hello", "1.10.0"),
            ("hello", "9.0.0"),
            ("hello-world", "1.0.0"),
        ],
    );
    assert_eq!(task(&connection, "hello").await.unwrap(), "hello-1.10.0");
    assert_eq!(task(&connection, "hello@1.2.0").await.unwrap(), "hello-1.2.0");
    let error = task(&connection, "hello@7").await.unwrap_err().to_string();
    assert!(error.contains("hello@1.10.0, "), "{error}");
    let id = "00000000-0000-0000-0000-000000000001";
    assert_eq!(task(&connection, id).await.unwrap(), id);
}
