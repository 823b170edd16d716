use chrono::{DateTime, TimeDelta, Utc};
use ratchet_api::IssuedToken;
use ratchet_interfaces::{Scope, Token};

use super::create::{end, told};
use super::list::table;
use super::*;

fn now() -> DateTime<Utc> {
    "2026-03-27T12:00:00Z".parse().unwrap()
}

fn issued(name: &str, expires_at: Option<DateTime<Utc>>) -> IssuedToken {
    IssuedToken::new(name.to_owned(), Scope::Write, expires_at, now()).unwrap()
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
    for text in [
        "",
        "d",
        "-1d",
        "1w",
        "soon",
        "99999999999999999999d",
        "999999999999d",
    ] {
        let error = end(text, now()).unwrap_err().to_string();
        assert!(error.contains(&format!("--expires is \"{text}\"")), "{error}");
    }
}

#[test]
fn a_new_token_is_told_with_its_secret_and_a_listed_one_without() {
    let issued = issued("ci", Some(now()));
    let secret = issued.text.expose();
    let text = told(&issued, Form::Table);
    assert!(text.starts_with(&format!("{secret}\n")), "{text}");
    assert!(
        text.contains("\"ci\" (write, expires 2026-03-27T12:00:00Z)"),
        "{text}"
    );
    let object: Value = serde_json::from_str(&told(&issued, Form::Json)).unwrap();
    assert_eq!(
        (object["token"].as_str(), object["scope"].as_str()),
        (Some(secret), Some("write"))
    );
    let listed = shown(&issued.token).to_string() + &table(std::slice::from_ref(&issued.token), now());
    assert!(!listed.contains(&secret[secret.len() - 64..]), "{listed}");
}

#[test]
fn the_table_says_how_each_token_stands() {
    let revoked = Token {
        revoked_at: Some(now()),
        ..issued("old", None).token
    };
    let tokens = [
        issued("ci", None).token,
        issued("short", Some(now())).token,
        revoked,
    ];
    let table = table(&tokens, now());
    let states: Vec<_> = table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect();
    assert_eq!(states, ["valid", "expired", "revoked"]);
}
