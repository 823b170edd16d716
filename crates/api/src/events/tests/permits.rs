//! A stream lasts no longer than the right to read it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ratchet_interfaces::{Scope, Token};

use super::*;
use crate::auth::IssuedToken;

/// A token that may be revoked while a stream is open, behind a server that counts how often it is asked for.
struct Guarded {
    world: World,
    header: String,
    stored: Arc<Mutex<Token>>,
    looks: Arc<AtomicUsize>,
}

impl Guarded {
    fn new(expires_at: Option<DateTime<Utc>>) -> Self {
        let issued = IssuedToken::new("ci".to_owned(), Scope::Admin, expires_at, now()).unwrap();
        let header = format!("Bearer {}", issued.text.expose());
        let stored = Arc::new(Mutex::new(issued.token));
        let looks = Arc::new(AtomicUsize::new(0));
        let mut mocks = Mocks::default();
        let (found, counted) = (Arc::clone(&stored), Arc::clone(&looks));
        mocks.tokens.expect_token_touch().returning(|_, _| Ok(()));
        mocks.tokens.expect_token_find().returning(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(Some(found.lock().unwrap().clone()))
        });
        let revoked = Arc::clone(&stored);
        mocks.tokens.expect_token_revoke().returning(move |_, at| {
            let mut token = revoked.lock().unwrap();
            Ok(token.revoked_at.replace(at).is_none())
        });
        Self {
            world: World::over(10, mocks),
            header,
            stored,
            looks,
        }
    }

    fn headers(&self) -> [(&str, &str); 1] {
        [("authorization", &self.header)]
    }

    async fn watch(&self) -> Client {
        let mut client = self.world.watch("", &self.headers()).await;
        client.all().await;
        assert!(!client.ended);
        client
    }

    /// How often the token was asked for since the last time.
    fn looks(&self) -> usize {
        self.looks.swap(0, Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_and_is_sent_nothing_that_happens_then() {
    let guarded = Guarded::new(None);
    let mut client = guarded.watch().await;
    let path = format!("/api/v1/tokens/{}", guarded.stored.lock().unwrap().id);
    let revoke = request(Method::DELETE, &path, &guarded.headers(), None);
    let answer = ask(guarded.world.router.clone(), revoke).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    guarded.world.hub.emit(&[job(JobStatus::Queued)]);
    assert_eq!(client.all().await, Vec::<Frame>::new());
    assert!(client.ended);
    assert_eq!(guarded.world.hub.clients(), 0);
}

#[tokio::test]
async fn a_stream_ends_at_the_instant_at_which_its_token_expires() {
    let guarded = Guarded::new(Some(now() + TimeDelta::seconds(10)));
    let mut client = guarded.watch().await;
    guarded.looks();
    guarded.world.clock.advance(TimeDelta::seconds(9));
    client.all().await;
    assert!(!client.ended);
    guarded.world.clock.advance(TimeDelta::seconds(1));
    guarded.world.hub.emit(&[job(JobStatus::Queued)]);
    assert_eq!(client.all().await, Vec::<Frame>::new());
    assert!(client.ended);
    assert_eq!(guarded.looks(), 0);
}

#[tokio::test]
async fn what_another_process_revokes_ends_a_stream_within_a_minute_and_events_ask_for_nothing() {
    let guarded = Guarded::new(None);
    let mut client = guarded.watch().await;
    guarded.looks();
    for _ in 0..100 {
        guarded.world.hub.emit(&[job(JobStatus::Queued)]);
        assert_eq!(client.names().await, ["job"]);
    }
    assert_eq!(guarded.looks(), 0);
    guarded.world.clock.advance(TimeDelta::seconds(60));
    client.all().await;
    assert!(!client.ended);
    assert_eq!(guarded.looks(), 1);
    guarded.stored.lock().unwrap().revoked_at = Some(now());
    guarded.world.clock.advance(TimeDelta::seconds(59));
    client.all().await;
    assert!(!client.ended);
    guarded.world.clock.advance(TimeDelta::seconds(1));
    client.all().await;
    assert!(client.ended);
}

#[tokio::test]
async fn a_stream_of_somebody_without_a_token_ends_when_there_is_one() {
    let exists = Arc::new(AtomicBool::new(false));
    let mut mocks = Mocks::default();
    let asked = Arc::clone(&exists);
    let answer = move || Ok(asked.load(Ordering::Relaxed));
    mocks.tokens.expect_token_exists().returning(answer);
    let made = Arc::clone(&exists);
    mocks.tokens.expect_token_create().returning(move |_| {
        made.store(true, Ordering::Relaxed);
        Ok(())
    });
    let world = World::over(10, mocks);
    let mut client = world.watch("", &[]).await;
    client.all().await;
    let body = json!({ "name": "ci", "scope": "READ" });
    let create = request(Method::POST, "/api/v1/tokens", &[], Some(body));
    assert_eq!(ask(world.router.clone(), create).await.status, 201);
    client.all().await;
    assert!(client.ended);
}
