use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::Method;
use ratchet_interfaces::{IdempotencyKey, MockIdempotencyRepository, RepositoryError, Scope};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::test_support::{Answer, Mocks, ask, request};

const PREVIEW: &str = "/api/v1/schedules/preview";
const RETRY: &str = "/api/v1/jobs/retry";
const TOKENS: &str = "/api/v1/tokens";

/// What the table holds: of each key, what its request was and what it was answered.
type Table = Arc<Mutex<HashMap<IdempotencyKey, (String, Option<KeptAnswer>)>>>;

/// A repository that keeps its rows in `table`.
fn repository(table: &Table) -> MockIdempotencyRepository {
    let mut keys = MockIdempotencyRepository::new();
    let rows = Arc::clone(table);
    keys.expect_idempotency_claim().returning(move |claim| {
        let mut rows = rows.lock().unwrap();
        Ok(match rows.get(&claim.key) {
            None => {
                rows.insert(claim.key.clone(), (claim.fingerprint.clone(), None));
                IdempotencyState::Claimed
            }
            Some((fingerprint, _)) if *fingerprint != claim.fingerprint => IdempotencyState::OfAnother,
            Some((_, None)) => IdempotencyState::Unanswered,
            Some((_, Some(answer))) => IdempotencyState::Answered(answer.clone()),
        })
    });
    let rows = Arc::clone(table);
    keys.expect_idempotency_keep().returning(move |key, answer| {
        rows.lock().unwrap().get_mut(key).unwrap().1 = Some(answer.clone());
        Ok(())
    });
    let rows = Arc::clone(table);
    keys.expect_idempotency_release().returning(move |key| {
        rows.lock().unwrap().remove(key);
        Ok(())
    });
    keys
}

fn with_keys(mut mocks: Mocks) -> (Router, Table) {
    let table = Table::default();
    mocks.idempotency = repository(&table);
    (mocks.router(), table)
}

async fn post(router: &Router, path: &str, key: &str, body: Value) -> Answer {
    let headers = [("idempotency-key", key)];
    ask(router.clone(), request(Method::POST, path, &headers, Some(body))).await
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once_and_gets_the_first_answer() {
    let mut mocks = Mocks::default();
    mocks.tokens.expect_token_create().times(1).returning(|_| Ok(()));
    let (router, table) = with_keys(mocks);
    let body = json!({"name": "ci", "scope": "READ"});
    let first = post(&router, TOKENS, "k-1", body.clone()).await;
    let again = post(&router, TOKENS, "k-1", body).await;
    assert_eq!((first.status, again.status), (201, 201), "{again:?}");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.body["data"]["id"], first.body["data"]["id"]);

    // A secret is told once, and is not in the table.
    let secret = first.body["data"]["token"].as_str().unwrap();
    assert_eq!(again.body["data"]["token"], Value::Null);
    assert!(!format!("{:?}", table.lock().unwrap()).contains(secret));
}

#[tokio::test]
async fn a_key_of_another_request_is_refused_and_another_route_has_keys_of_its_own() {
    let (router, _) = with_keys(Mocks::default());
    let daily = json!({"cronExpression": "0 0 * * *"});
    assert_eq!(post(&router, PREVIEW, "k", daily.clone()).await.status, 200);
    let other = post(&router, PREVIEW, "k", json!({"cronExpression": "1 0 * * *"})).await;
    assert!(
        other
            .error(422, "VALIDATION_ERROR")
            .starts_with("Idempotency-Key: \"k\"")
    );
    let other_query = post(&router, &format!("{PREVIEW}?a=b"), "k", daily.clone()).await;
    other_query.error(422, "VALIDATION_ERROR");
    let on_other_route = post(&router, RETRY, "k", json!("no object")).await;
    assert_eq!(on_other_route.header("idempotency-replayed"), "");
    on_other_route.error(422, "VALIDATION_ERROR");
    assert_eq!(
        post(&router, PREVIEW, "k", daily)
            .await
            .header("idempotency-replayed"),
        "true"
    );
}

#[tokio::test]
async fn a_refusal_that_is_the_requests_fault_is_kept_and_one_of_the_moment_is_not() {
    let mut mocks = Mocks::default();
    let mut first = true;
    mocks.tokens.expect_token_create().times(2).returning(move |_| {
        let taken = RepositoryError::AlreadyExists {
            what: "token",
            field: "name",
            value: "ci".to_owned(),
        };
        if std::mem::take(&mut first) {
            Err(taken)
        } else {
            Ok(())
        }
    });
    let (router, table) = with_keys(mocks);
    let wrong = json!({"name": "", "scope": "READ"});
    for replayed in ["", "true"] {
        let answer = post(&router, TOKENS, "wrong", wrong.clone()).await;
        answer.error(400, "VALIDATION_ERROR");
        assert_eq!(answer.header("idempotency-replayed"), replayed);
    }
    let right = json!({"name": "ci", "scope": "READ"});
    post(&router, TOKENS, "right", right.clone())
        .await
        .error(409, "CONFLICT");
    assert_eq!(table.lock().unwrap().len(), 1);
    assert_eq!(post(&router, TOKENS, "right", right).await.status, 201);
}

#[tokio::test]
async fn while_the_first_is_running_the_second_is_told_so_and_a_client_that_leaves_breaks_nothing_off() {
    let (running, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let next_request = |key: &'static str, body: Value| {
        let headers = [("idempotency-key", key)];
        request(Method::POST, "/slow", &headers, Some(body))
    };
    let table = Table::default();
    let mut mocks = Mocks {
        idempotency: repository(&table),
        ..Mocks::default()
    };
    let noted = Arc::new(Notify::new());
    let is_noted = Arc::clone(&noted);
    mocks.audit.expect_audit_write().returning(move |entry| {
        // The refusals of the others are noted as well.
        if (entry.action.as_str(), entry.status) == ("slow", 200) {
            is_noted.notify_one();
        }
        Ok(())
    });
    let services = mocks.services();
    let state = ApiState::new(Arc::clone(&services.clock));
    state.begin(services);
    let handler = {
        let (running, go_on) = (Arc::clone(&running), Arc::clone(&go_on));
        async move || {
            running.notify_one();
            go_on.notified().await;
            "done"
        }
    };
    let router = slow_route(state, handler);
    let first = tokio::spawn(ask_text(router.clone(), next_request("k", json!({"a": 1}))));
    running.notified().await;
    let second = ask(router.clone(), next_request("k", json!({"a": 1}))).await;
    assert!(second.error(409, "CONFLICT").contains("still running"));
    let other = ask(router.clone(), next_request("k", json!({"a": 2}))).await;
    other.error(422, "VALIDATION_ERROR");

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    go_on.notify_one();
    noted.notified().await;
    let (status, replayed, text) = ask_text(router, next_request("k", json!({"a": 1}))).await;
    assert_eq!((status, replayed, text.as_str()), (200, true, "done"));
}

/// A router with one route, which changes something, behind what makes a change.
fn slow_route<H, T>(state: ApiState, handler: H) -> Router
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    use axum::middleware::{from_fn, from_fn_with_state};
    use axum::routing::post;
    let caller = Caller::local("slow", Method::POST, Scope::Write);
    let known = from_fn(
        move |mut request: axum::extract::Request, next: axum::middleware::Next| {
            request.extensions_mut().insert(caller.clone());
            next.run(request)
        },
    );
    Router::new()
        .route("/slow", post(handler))
        .layer(from_fn_with_state(state, crate::change::in_a_task))
        .layer(known)
}

async fn ask_text(router: Router, request: axum::http::Request<Body>) -> (u16, bool, String) {
    use tower::ServiceExt;
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let text = to_bytes(body, 1_000).await.unwrap();
    (
        parts.status.as_u16(),
        parts.headers.contains_key(REPLAYED_NAME),
        String::from_utf8(text.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn a_key_whose_request_was_broken_off_stays_taken() {
    let (router, table) = with_keys(Mocks::default());
    let body = json!({"cronExpression": "0 0 * * *"});
    assert_eq!(post(&router, PREVIEW, "k", body.clone()).await.status, 200);
    // As it is when the process ended before the answer was kept.
    table
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|(_, answer)| *answer = None);
    let answer = post(&router, PREVIEW, "k", body).await;
    assert!(answer.error(409, "CONFLICT").contains("broken off"));
}

#[tokio::test]
async fn a_key_is_visible_text_of_up_to_255_characters_and_given_once() {
    let (router, _) = with_keys(Mocks::default());
    let body = || json!({"cronExpression": "0 0 * * *"});
    for key in ["a", "!~", &"x".repeat(255)] {
        assert_eq!(post(&router, PREVIEW, key, body()).await.status, 200, "{key}");
    }
    for key in ["", "a b", "a\tb", "ä", &"x".repeat(256)] {
        let answer = post(&router, PREVIEW, key, body()).await;
        let message = answer.error(400, "BAD_REQUEST");
        assert!(message.starts_with("Idempotency-Key has "), "{message}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    let answer = ask(router, request(Method::POST, PREVIEW, &twice, Some(body()))).await;
    assert!(answer.error(400, "BAD_REQUEST").contains("twice"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_given_all_the_same() {
    let mut mocks = Mocks::default();
    mocks
        .idempotency
        .expect_idempotency_claim()
        .returning(|_| Ok(IdempotencyState::Claimed));
    mocks.idempotency.expect_idempotency_keep().returning(|_, _| {
        Err(RepositoryError::Unavailable {
            during: "keeping",
            source: "the disk is full".into(),
        })
    });
    let router = mocks.router();
    let answer = post(&router, PREVIEW, "k", json!({"cronExpression": "0 0 * * *"})).await;
    assert_eq!(answer.status, 200);
}
