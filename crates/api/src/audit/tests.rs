use std::sync::{Arc, Mutex};

use axum::http::Method;
use ratchet_interfaces::{
    AuditCondition, AuditEntry, AuditFilter, AuditNote, Bound, Choice, MockAuditRepository, Page,
    RepositoryError, Scope, TextMatch,
};
use serde_json::json;

use super::*;
use crate::auth::IssuedToken;
use crate::test_support::{Mocks, now};

const ID: &str = "00000000-0000-0000-0000-000000000001";

type Written = Arc<Mutex<Vec<AuditEntry>>>;

fn log(written: &Written) -> MockAuditRepository {
    let mut audit = MockAuditRepository::new();
    let written = Arc::clone(written);
    audit.expect_audit_write().returning(move |entry| {
        written.lock().unwrap().push(entry.clone());
        Ok(())
    });
    audit
}

fn only(written: &Written) -> AuditEntry {
    let written = written.lock().unwrap();
    assert_eq!(written.len(), 1, "{written:?}");
    written[0].clone()
}

#[tokio::test]
async fn a_change_is_written_with_what_it_is_about_and_the_names_of_its_fields() {
    let written = Written::default();
    let mut mocks = Mocks {
        audit: log(&written),
        ..Mocks::default()
    };
    mocks.tokens.expect_token_create().returning(|_| Ok(()));
    let body = json!({"name": "ci", "scope": "READ", "expiresAt": null, "hunter2": {"a": 1}});
    let answer = mocks.send(Method::POST, "/api/v1/tokens", &[], Some(body)).await;
    assert_eq!(answer.status, 201);
    let entry = only(&written);
    let expected = AuditEntry {
        id: entry.id,
        at: now(),
        actor: "local".to_owned(),
        token_id: None,
        peer: None,
        action: "tokens_create".to_owned(),
        resource: "tokens".to_owned(),
        resource_id: Some(answer.body["data"]["id"].as_str().unwrap().to_owned()),
        fields: ["expiresAt", "hunter2", "name", "scope"]
            .map(str::to_owned)
            .to_vec(),
        status: 201,
    };
    assert_eq!(entry, expected);
}

#[tokio::test]
async fn a_change_that_was_refused_is_written_and_reading_is_not() {
    for (method, path, status) in [
        (Method::POST, format!("/api/v1/jobs/{ID}/cancel"), 400),
        (Method::DELETE, format!("/api/v1/tokens/{ID}"), 404),
        // The mocks expect no call: the handler panics, and may have changed something.
        (Method::DELETE, format!("/api/v1/schedules/{ID}"), 500),
    ] {
        let written = Written::default();
        let mut mocks = Mocks {
            audit: log(&written),
            ..Mocks::default()
        };
        mocks.tokens.expect_token_find().returning(|_| Ok(None));
        let body = (method == Method::POST).then(|| json!({"reason": ""}));
        let answer = mocks.send(method, &path, &[], body).await;
        assert_eq!(answer.status, status, "{answer:?}");
        let entry = only(&written);
        assert_eq!((entry.status, entry.resource_id.as_deref()), (status, Some(ID)));
    }
    // Also what never came to its handler.
    for (headers, body) in [
        ([("idempotency-key", "a b")], json!({})),
        ([("x-any", "a")], json!("x".repeat(3_000_000))),
    ] {
        let written = Written::default();
        let mocks = Mocks {
            audit: log(&written),
            ..Mocks::default()
        };
        let answer = mocks
            .send(Method::POST, "/api/v1/jobs", &headers, Some(body))
            .await;
        assert!(matches!(answer.status, 400 | 413), "{answer:?}");
        assert_eq!(only(&written).status, answer.status);
    }
    let written = Written::default();
    for (method, path, body) in [
        (Method::GET, "/api/v1/jobs/x", None),
        (
            Method::POST,
            "/api/v1/schedules/preview",
            Some(json!({"cronExpression": "0 0 * * *"})),
        ),
    ] {
        let mocks = Mocks {
            audit: log(&written),
            ..Mocks::default()
        };
        mocks.send(method, path, &[], body).await;
    }
    assert!(written.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_token_may_not_do_is_written_with_its_name_and_what_strangers_try_is_not() {
    let issued = IssuedToken::new("reader".to_owned(), Scope::Read, None, now()).unwrap();
    let token = format!("Bearer {}", issued.text.expose());
    let written = Written::default();
    for (headers, path) in [
        (vec![("authorization", token.as_str())], "/api/v1/audit"),
        (vec![("authorization", "Bearer none")], "/api/v1/audit"),
        (vec![], "/api/v1/audit"),
    ] {
        let mut mocks = Mocks {
            audit: log(&written),
            ..Mocks::default()
        };
        let stored = issued.token.clone();
        mocks.tokens.expect_token_exists().returning(|| Ok(true));
        mocks.tokens.expect_token_touch().returning(|_, _| Ok(()));
        mocks
            .tokens
            .expect_token_find()
            .returning(move |_| Ok(Some(stored.clone())));
        let answer = mocks.send(Method::GET, path, &headers, None).await;
        assert!(matches!(answer.status, 401 | 403), "{answer:?}");
    }
    let entry = only(&written);
    assert_eq!((entry.actor.as_str(), entry.status), ("reader", 403));
    assert_eq!(
        (entry.action.as_str(), entry.token_id),
        ("audit_list", Some(issued.token.id))
    );
}

#[tokio::test]
async fn an_entry_that_went_along_with_the_change_is_not_written_again() {
    let mut mocks = Mocks::default();
    let noted = Written::default();
    let along = Arc::clone(&noted);
    mocks.tokens.expect_token_create().returning(move |_| {
        let taken = AuditNote::current().unwrap().take().unwrap();
        along.lock().unwrap().push(taken.entry().clone());
        taken.is_written();
        Ok(())
    });
    mocks.audit.expect_audit_write().times(0);
    let body = json!({"name": "ci", "scope": "READ"});
    let answer = mocks.send(Method::POST, "/api/v1/tokens", &[], Some(body)).await;
    assert_eq!(answer.status, 201);
    let entry = only(&noted);
    assert_eq!(entry.status, 201);
    assert_eq!(entry.resource_id.as_deref(), answer.body["data"]["id"].as_str());
    assert_eq!(entry.fields, ["name", "scope"]);
}

#[tokio::test]
async fn an_entry_that_went_along_is_replaced_if_the_answer_is_another() {
    let written = Written::default();
    let mut mocks = Mocks {
        audit: log(&written),
        ..Mocks::default()
    };
    let noted = Written::default();
    let along = Arc::clone(&noted);
    mocks.tokens.expect_token_create().returning(move |_| {
        let taken = AuditNote::current().unwrap().take().unwrap();
        along.lock().unwrap().push(taken.entry().clone());
        taken.is_written();
        Err(RepositoryError::Unavailable {
            during: "writing",
            source: "the answer was lost".into(),
        })
    });
    let body = json!({"name": "ci", "scope": "READ"});
    let answer = mocks.send(Method::POST, "/api/v1/tokens", &[], Some(body)).await;
    assert_eq!(answer.status, 503);
    let (noted, entry) = (only(&noted), only(&written));
    assert_eq!((noted.status, entry.status), (201, 503));
    assert_eq!(noted.id, entry.id);
}

#[tokio::test]
async fn what_was_done_is_answered_also_if_the_log_cannot_be_written() {
    let mut mocks = Mocks::default();
    mocks.tokens.expect_token_create().returning(|_| Ok(()));
    mocks.audit.expect_audit_write().returning(|_| {
        Err(RepositoryError::Unavailable {
            during: "writing",
            source: "the disk is full".into(),
        })
    });
    let body = json!({"name": "ci", "scope": "READ"});
    let answer = mocks.send(Method::POST, "/api/v1/tokens", &[], Some(body)).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn the_log_is_shown_by_every_filter() {
    let mut mocks = Mocks::default();
    mocks
        .audit
        .expect_audit_list()
        .withf(|filter, _| {
            let is = |text: &str| TextMatch::Choice(Choice::Is(text.to_owned()));
            *filter
                == AuditFilter::of([
                    AuditCondition::Actor(is("ci")),
                    AuditCondition::TokenId(Choice::Is(ID.parse().unwrap())),
                    AuditCondition::Action(is("jobs_create")),
                    AuditCondition::Resource(is("jobs")),
                    AuditCondition::ResourceId(is("7")),
                    AuditCondition::Status(Bound::Choice(Choice::Is(201))),
                    AuditCondition::At(Bound::AtLeast(now())),
                    AuditCondition::At(Bound::AtMost(now())),
                ])
        })
        .returning(|_, _| {
            let entry = AuditEntry {
                id: ID.parse().unwrap(),
                at: now(),
                actor: "ci".to_owned(),
                token_id: Some(ID.parse().unwrap()),
                peer: Some("10.0.0.1".to_owned()),
                action: "jobs_create".to_owned(),
                resource: "jobs".to_owned(),
                resource_id: Some("7".to_owned()),
                fields: vec!["input".to_owned()],
                status: 201,
            };
            Ok(Page {
                items: vec![entry],
                total: 1,
            })
        });
    let query = format!(
        "actor=ci&tokenId={ID}&action=jobs_create&resource=jobs&resource_id=7&status=201\
         &at_gte=2026-03-27T12:00:00Z&at_lte=2026-03-27T12:00:00Z"
    );
    let answer = mocks.get(&format!("/api/v1/audit?{query}")).await;
    assert_eq!(
        answer.body["data"],
        json!([{
            "id": ID, "at": "2026-03-27T12:00:00Z", "actor": "ci", "tokenId": ID, "peer": "10.0.0.1",
            "action": "jobs_create", "resource": "jobs", "resourceId": "7", "fields": ["input"], "status": 201,
        }]),
        "{answer:?}"
    );
}

#[test]
fn the_names_of_fields_are_bounded_and_no_object_has_none() {
    let many: serde_json::Map<_, _> = (0..500)
        .map(|number| (format!("{number}-{}", "x".repeat(500)), json!(1)))
        .collect();
    let fields = fields_of(json!(many).to_string().as_bytes());
    assert_eq!(fields.len(), MOST_FIELDS);
    assert!(fields.iter().all(|name| name.chars().count() == LONGEST_NAME));
    for body in ["", "[]", "{", "7", "null"] {
        assert!(fields_of(body.as_bytes()).is_empty(), "{body}");
    }
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(fields_of(deep.as_bytes()), ["a"]);
}
