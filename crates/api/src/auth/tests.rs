use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use chrono::TimeDelta;
use ratchet_interfaces::{Clock, ManualClock, MockTokenRepository, Scope, Token};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use super::IssuedToken;
use super::known::KNOWN_FOR;
use crate::config::ApiConfig;
use crate::router::{PREFIX, router};
use crate::state::{ApiState, Services};
use crate::test_support::{Answer, Mocks, ask, now, request};

/// A server with one token of each scope; the texts are theirs.
struct Locked {
    issued: Vec<IssuedToken>,
}

impl Locked {
    fn new() -> Self {
        let of = |scope: &Scope| IssuedToken::new(scope.to_string(), *scope, None, now()).unwrap();
        Self {
            issued: Scope::ALL.iter().map(of).collect(),
        }
    }

    fn with(change: impl FnOnce(&mut Token)) -> Self {
        let mut issued = IssuedToken::new("ci".to_owned(), Scope::Admin, None, now()).unwrap();
        change(&mut issued.token);
        Self { issued: vec![issued] }
    }

    fn header(&self, scope: Scope) -> String {
        let issued = self
            .issued
            .iter()
            .find(|issued| issued.token.scope == scope)
            .unwrap();
        format!("Bearer {}", issued.text.expose())
    }

    fn tokens(&self) -> MockTokenRepository {
        let stored: Vec<Token> = self.issued.iter().map(|issued| issued.token.clone()).collect();
        let mut tokens = MockTokenRepository::new();
        tokens.expect_token_exists().returning(|| Ok(true));
        tokens.expect_token_touch().returning(|_, _| Ok(()));
        tokens
            .expect_token_find()
            .returning(move |id| Ok(stored.iter().find(|token| token.id == id).cloned()));
        tokens
    }

    fn mocks(&self) -> Mocks {
        Mocks {
            tokens: self.tokens(),
            ..Mocks::default()
        }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.mocks().send(method, path, headers, None).await
    }
}

fn configured(mocks: Mocks, config: ApiConfig) -> Router {
    let services = mocks.services();
    let state = ApiState::new(Arc::clone(&services.clock)).with_config(config);
    state.begin(services);
    router(state, OpenApiRouter::new(), OpenApiRouter::new())
}

const SCHEDULE: &str = "/api/v1/schedules/00000000-0000-0000-0000-000000000001";

/// Method, path with an id in it, and declared scope of everything below the prefix.
async fn declared() -> Vec<(Method, String, Scope)> {
    let document = Mocks::default().get("/api-docs/openapi.json").await.body;
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            assert_eq!(security.len(), 1, "{method} {path}");
            let scopes = security[0]["bearer"].as_array().unwrap();
            assert_eq!(scopes.len(), 1, "{method} {path}");
            found.push((
                method.to_ascii_uppercase().parse().unwrap(),
                path.replace("{id}", "00000000-0000-0000-0000-000000000001"),
                scopes[0].as_str().unwrap().parse().unwrap(),
            ));
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[tokio::test]
async fn every_route_takes_a_token_of_the_scope_that_the_document_declares() {
    let locked = Locked::new();
    for (method, path, scope) in declared().await {
        assert!(path.starts_with(PREFIX), "{path}");
        let route = format!("{method} {path}");
        let without = locked.send(method.clone(), &path, &[]).await;
        without.error(401, "UNAUTHORIZED");
        assert!(
            without.header("www-authenticate").starts_with("Bearer"),
            "{route}"
        );
        for shown in Scope::ALL {
            let token = locked.header(*shown);
            let headers = [("authorization", token.as_str())];
            let answer = locked.send(method.clone(), &path, &headers).await;
            if *shown < scope {
                let message = answer.error(403, "FORBIDDEN");
                assert!(message.contains(&format!("scope {scope}")), "{route}: {message}");
            } else {
                // What the handler makes of it with empty mocks is its own affair.
                assert!(
                    !matches!(answer.status, 401 | 403),
                    "{route} with {shown}: {answer:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn tokens_and_the_audit_log_are_for_administrators_and_a_preview_is_for_readers() {
    for (method, path, scope) in declared().await {
        let expected = match path.trim_start_matches(PREFIX) {
            path if path.starts_with("/tokens") || path.starts_with("/audit") => Scope::Admin,
            "/schedules/preview" => Scope::Read,
            _ if method == Method::GET => Scope::Read,
            _ => Scope::Write,
        };
        assert_eq!(scope, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_route_that_the_document_does_not_declare_is_none() {
    for method in [Method::PUT, Method::OPTIONS, Method::TRACE] {
        let answer = Mocks::default()
            .send(method, "/api/v1/schedules", &[], None)
            .await;
        answer.error(405, "METHOD_NOT_ALLOWED");
    }
}

#[tokio::test]
async fn the_document_and_what_is_no_route_are_open() {
    let locked = Locked::new();
    let document = locked.send(Method::GET, "/api-docs/openapi.json", &[]).await;
    assert_eq!(document.status, 200);
    let missing = locked.send(Method::GET, "/api/v1/colours", &[]).await;
    missing.error(404, "NOT_FOUND");
}

#[tokio::test]
async fn what_is_no_valid_token_is_refused_without_a_word_of_which() {
    let locked = Locked::new();
    let good = locked.header(Scope::Admin);
    let stranger = IssuedToken::new("x".to_owned(), Scope::Admin, None, now()).unwrap();
    let mut wrong = good.clone();
    let last = if wrong.pop() == Some('0') { '1' } else { '0' };
    wrong.push(last);
    let unknown = format!("Bearer {}", stranger.text.expose());
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        &good["Bearer ".len()..],
        "Bearer rat_1_2",
    ] {
        let answer = locked
            .send(Method::GET, SCHEDULE, &[("authorization", header)])
            .await;
        let message = answer.error(401, "UNAUTHORIZED");
        assert!(
            message.starts_with("Authorization has no token"),
            "{header}: {message}"
        );
        assert!(!message.contains("1_2"), "{message}");
    }
    for header in [&wrong, &unknown] {
        let answer = locked
            .send(Method::GET, SCHEDULE, &[("authorization", header)])
            .await;
        assert_eq!(answer.error(401, "UNAUTHORIZED"), "there is no such token");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    let answer = locked.send(Method::GET, SCHEDULE, &twice).await;
    assert!(answer.error(401, "UNAUTHORIZED").contains("twice"));
    let in_small = good.replace("Bearer", "bearer");
    let answer = locked
        .send(
            Method::GET,
            "/api/v1/schedules/x",
            &[("authorization", &in_small)],
        )
        .await;
    answer.error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_token_that_was_revoked_or_has_expired_is_refused_also_where_no_other_is_needed() {
    for (locked, why) in [
        (
            Locked::with(|token| token.revoked_at = Some(now())),
            "was revoked",
        ),
        (
            Locked::with(|token| token.expires_at = Some(now())),
            "has expired",
        ),
    ] {
        let mut mocks = locked.mocks();
        mocks.tokens = locked.tokens();
        mocks.tokens.checkpoint();
        let stored = locked.issued[0].token.clone();
        mocks.tokens.expect_token_exists().returning(|| Ok(false));
        mocks
            .tokens
            .expect_token_find()
            .returning(move |_| Ok(Some(stored.clone())));
        let header = locked.header(Scope::Admin);
        let answer = mocks
            .send(Method::GET, SCHEDULE, &[("authorization", &header)], None)
            .await;
        assert!(answer.error(401, "UNAUTHORIZED").contains(why), "{why}");
    }
    let lasting = Locked::with(|token| token.expires_at = Some(now() + TimeDelta::microseconds(1)));
    let header = lasting.header(Scope::Admin);
    let answer = lasting
        .send(Method::GET, "/api/v1/schedules/x", &[("authorization", &header)])
        .await;
    answer.error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_server_that_others_can_reach_is_closed_also_without_any_token() {
    let config = ApiConfig {
        open_without_tokens: false,
        ..ApiConfig::default()
    };
    let router = configured(Mocks::default(), config);
    let answer = ask(router, request(Method::GET, SCHEDULE, &[], None)).await;
    answer.error(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn behind_a_proxy_a_token_opens_what_a_strange_host_closes() {
    let host = ("host", "jobs.example.org");
    let open = Mocks::default().send(Method::GET, SCHEDULE, &[host], None).await;
    open.error(403, "FORBIDDEN");
    let locked = Locked::new();
    let token = locked.header(Scope::Read);
    let answer = locked
        .send(
            Method::GET,
            "/api/v1/schedules/x",
            &[host, ("authorization", &token)],
        )
        .await;
    answer.error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_client_that_sends_too_much_is_told_when_to_come_back_and_others_are_served() {
    let locked = Locked::new();
    let config = ApiConfig {
        requests_per_second: 1,
        ..ApiConfig::default()
    };
    let router = configured(locked.mocks(), config);
    let send = async |scope| {
        let token = locked.header(scope);
        let headers = [("authorization", token.as_str())];
        ask(
            router.clone(),
            request(Method::GET, "/api/v1/schedules/x", &headers, None),
        )
        .await
    };
    for _ in 0..2 {
        send(Scope::Read).await.error(404, "NOT_FOUND");
    }
    let refused = send(Scope::Read).await;
    refused.error(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "2");
    send(Scope::Write).await.error(404, "NOT_FOUND");
    // Whoever shows no token is counted as well.
    let without = async || {
        ask(router.clone(), request(Method::GET, SCHEDULE, &[], None))
            .await
            .status
    };
    let statuses = [without().await, without().await, without().await];
    assert_eq!(statuses, [401, 401, 429]);
}

#[tokio::test]
async fn this_process_may_do_everything_and_the_audit_log_says_that_it_was_a_command() {
    let mut mocks = Locked::new().mocks();
    mocks
        .audit
        .expect_audit_write()
        .withf(|entry| {
            (entry.actor.as_str(), entry.token_id, entry.action.as_str())
                == ("command line", None, "tokens_create")
        })
        .times(1)
        .returning(|_| Ok(()));
    mocks.tokens.expect_token_create().returning(|_| Ok(()));
    let clock = Arc::new(ManualClock::at(now()));
    let services = Services {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..mocks.services()
    };
    let state = ApiState::of_this_process(Arc::clone(&services.clock));
    state.begin(services);
    let router = router(state, OpenApiRouter::new(), OpenApiRouter::new());
    let body = json!({"name": "ci", "scope": "READ"});
    let mut making = pin!(ask(
        router.clone(),
        request(Method::POST, "/api/v1/tokens", &[], Some(body)),
    ));
    let begun = clock.monotonic();
    let made = loop {
        tokio::select! {
            biased;
            made = making.as_mut() => break made,
            () = tokio::task::yield_now() => clock.advance(TimeDelta::milliseconds(1)),
        }
    };
    assert_eq!(made.status, 201, "{made:?}");
    // A server beside it keeps what it knows of tokens for a moment.
    assert!(clock.monotonic() - begun >= KNOWN_FOR);
    let undeclared = ask(router, request(Method::PUT, "/api/v1/tokens", &[], None)).await;
    undeclared.error(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn only_pages_that_the_settings_name_are_told_that_they_may_ask() {
    let config = ApiConfig {
        cors_origins: vec!["https://app.example.org".parse().unwrap()],
        ..ApiConfig::default()
    };
    let preflight = async |config: ApiConfig, origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,idempotency-key"),
        ];
        let router = configured(Mocks::default(), config);
        ask(router, request(Method::OPTIONS, "/api/v1/jobs", &headers, None)).await
    };
    let allowed = preflight(config.clone(), "https://app.example.org").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.example.org"
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    let other = preflight(config, "https://example.org").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    let closed = preflight(ApiConfig::default(), "https://app.example.org").await;
    assert_eq!(closed.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_must_not_do() {
    for path in ["/api/v1/schedules/x", "/api/v1/colours", "/api-docs/openapi.json"] {
        let answer = Mocks::default().get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let is_data = path.starts_with(PREFIX);
        assert_eq!(answer.header("cache-control") == "no-store", is_data, "{path}");
    }
}

#[tokio::test]
async fn the_document_has_the_answers_that_every_route_gives() {
    let document = Mocks::default().get("/api-docs/openapi.json").await.body;
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for status in ["401", "403", "429", "503"] {
                assert!(
                    operation["responses"][status].is_object(),
                    "{method} {path}: {status}"
                );
            }
            let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
            let has_key = parameters
                .iter()
                .any(|parameter| parameter["name"] == "idempotency-key" && parameter["in"] == "header");
            assert_eq!(has_key, method == "post", "{method} {path}");
        }
    }
    let limited = &document["components"]["responses"]["RateLimited"];
    assert_eq!(
        limited["headers"]["Retry-After"]["schema"]["type"],
        json!("integer")
    );
}
