use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::create::{end, told};
use super::list::table;
use crate::command::table::Canvas;

fn now() -> DateTime<Utc> {
    "2026-03-27T12:00:00Z".parse().unwrap()
}

#[test]
fn an_end_is_a_length_of_time_or_an_instant() {
    for (text, expected) in [
        ("90d", now() + TimeDelta::days(90)),
        ("12h", now() + TimeDelta::hours(12)),
        (
            "2030-01-01T00:00:00+01:00",
            "2029-12-31T23:00:00Z".parse().unwrap(),
        ),
    ] {
        assert_eq!(end(text, now()).unwrap(), expected);
    }
    for text in ["", "d", "1w", "soon", "99999999999999999999d", "999999999999d"] {
        let error = end(text, now()).unwrap_err().to_string();
        assert!(error.contains(&format!("--expires is \"{text}\"")), "{error}");
    }
}

#[test]
fn a_new_token_is_told_beside_its_secret() {
    let token =
        json!({"token": "rat_1_2", "name": "ci", "scope": "WRITE", "expiresAt": "2026-03-27T14:00:00Z"});
    let text = told(&token, now());
    assert!(!text.contains("rat_1_2"), "{text}");
    assert!(
        text.contains("\"ci\" (write, expires 2026-03-2") && text.contains("(in 2 h))"),
        "{text}"
    );
    let lasting = told(&json!({"expiresAt": null}), now());
    assert!(lasting.contains("does not expire"), "{lasting}");
}

#[test]
fn the_table_says_how_each_token_stands() {
    let token = |name: &str, expires: Option<DateTime<Utc>>, revoked: Option<DateTime<Utc>>| json!({"id": "1", "name": name, "scope": "READ", "createdAt": now(), "expiresAt": expires, "revokedAt": revoked});
    let tokens = json!([
        token("ci", None, None),
        token("short", Some(now()), None),
        token("old", None, Some(now())),
    ]);
    let table = table(Canvas::plain(), &tokens, now());
    let states: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect();
    assert_eq!(states, ["valid", "expired", "revoked"]);
}
