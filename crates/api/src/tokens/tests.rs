use axum::http::Method;
use chrono::TimeDelta;
use ratchet_interfaces::{Choice, Page, RepositoryError, Scope, TextMatch, Token, TokenCondition, TokenId};
use serde_json::{Value, json};

use crate::test_support::{Answer, Mocks, now};

const ALL: &str = "/api/v1/tokens";
const ID: &str = "00000000-0000-0000-0000-000000000001";

fn token() -> Token {
    Token {
        id: ID.parse::<TokenId>().unwrap(),
        name: "ci".to_owned(),
        scope: Scope::Write,
        hash: [0xab; 32],
        created_at: now(),
        expires_at: None,
        last_used_at: Some(now() + TimeDelta::seconds(1)),
        revoked_at: None,
    }
}

async fn create(mocks: Mocks, body: Value) -> Answer {
    mocks.send(Method::POST, ALL, &[], Some(body)).await
}

#[tokio::test]
async fn a_token_is_made_and_its_secret_is_told_once() {
    let mut mocks = Mocks::default();
    mocks
        .tokens
        .expect_token_create()
        .withf(|token| {
            token.name == "ci"
                && token.scope == Scope::Write
                && token.created_at == now()
                && token.expires_at == Some("2030-01-01T00:00:00.123456Z".parse().unwrap())
        })
        .returning(|_| Ok(()));
    let body = json!({"name": "ci", "scope": "write", "expiresAt": "2030-01-01T00:00:00.123456789Z"});
    let answer = create(mocks, body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let data = &answer.body["data"];
    assert_eq!(data["scope"], "WRITE");
    assert!(data["token"].as_str().unwrap().starts_with("rat_"));
    let path = format!("{ALL}/{}", data["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), path);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_token_names_the_field() {
    for (body, status, words) in [
        (
            json!({"name": "", "scope": "READ"}),
            400,
            "name: it has 0 characters",
        ),
        (json!({"name": "local", "scope": "READ"}), 400, "name: \"local\""),
        (
            json!({"name": "a", "scope": "READ", "expiresAt": "2020-01-01T00:00:00Z"}),
            400,
            "expiresAt: ",
        ),
        (json!({"name": "a"}), 422, "scope"),
        (
            json!({"name": "a", "scope": "root"}),
            422,
            "scope: \"root\" is not a scope",
        ),
    ] {
        let answer = create(Mocks::default(), body).await;
        let message = answer.error(status, "VALIDATION_ERROR");
        assert!(message.contains(words), "{words}: {message}");
    }
    let mut mocks = Mocks::default();
    mocks.tokens.expect_token_create().returning(|token| {
        Err(RepositoryError::AlreadyExists {
            what: "token",
            field: "name",
            value: token.name.clone(),
        })
    });
    let taken = create(mocks, json!({"name": "ci", "scope": "READ"})).await;
    assert!(taken.error(409, "CONFLICT").contains("\"ci\""));
}

#[tokio::test]
async fn tokens_are_listed_without_what_is_known_of_their_secrets() {
    let mut mocks = Mocks::default();
    mocks
        .tokens
        .expect_token_list()
        .withf(|filter, _| {
            let named = TextMatch::Choice(Choice::Is("ci".to_owned()));
            let conditions = filter.conditions().iter();
            filter.conditions().len() == 3
                && [
                    TokenCondition::Scope(Choice::Is(Scope::Write)),
                    TokenCondition::Revoked(false),
                    TokenCondition::Name(named),
                ]
                .iter()
                .all(|wanted| conditions.clone().any(|condition| condition == wanted))
        })
        .returning(|_, _| {
            Ok(Page {
                items: vec![token()],
                total: 1,
            })
        });
    let answer = mocks
        .get(&format!("{ALL}?scope=write&revoked=false&name=ci"))
        .await;
    assert_eq!(
        answer.body["data"],
        json!([{
            "id": ID, "name": "ci", "scope": "WRITE", "createdAt": "2026-03-27T12:00:00Z", "expiresAt": null,
            "lastUsedAt": "2026-03-27T12:00:01Z", "revokedAt": null,
        }])
    );
}

#[tokio::test]
async fn a_token_is_revoked_once_and_for_good() {
    for (revoked, words) in [(true, "was revoked"), (false, "revoked before")] {
        let mut mocks = Mocks::default();
        mocks.tokens.expect_token_find().returning(|_| Ok(Some(token())));
        mocks
            .tokens
            .expect_token_revoke()
            .withf(|_, at| *at == now())
            .returning(move |_, _| Ok(revoked));
        let path = format!("{ALL}/{ID}");
        let answer = mocks.send(Method::DELETE, &path, &[], None).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body["message"].as_str().unwrap().contains(words),
            "{answer:?}"
        );
    }
    let mut mocks = Mocks::default();
    mocks.tokens.expect_token_find().returning(|_| Ok(None));
    let missing = mocks
        .send(Method::DELETE, &format!("{ALL}/{ID}"), &[], None)
        .await;
    missing.error(404, "NOT_FOUND");
}
