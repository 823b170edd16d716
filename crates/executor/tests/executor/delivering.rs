use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use ratchet_interfaces::{
    Delivery, DeliveryError, DeliveryId, DeliveryReceipt, DeliveryStatus, ExecutionId, JobId, JobResult,
    OutputDelivery, OutputDestination,
};
use serde_json::{Value, json};

use crate::fake_database::State;
use crate::world::World;

/// Does with a delivery what its payload says.
#[derive(Default)]
struct Obedient {
    attempts: AtomicUsize,
}

#[async_trait]
impl OutputDelivery for Obedient {
    fn check(&self, _: &OutputDestination) -> Option<String> {
        None
    }

    async fn deliver(&self, delivery: &Arc<Delivery>) -> Result<DeliveryReceipt, DeliveryError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match delivery.payload.output.as_str() {
            Some("fail") => Err(DeliveryError::Write {
                destination: "stdout".to_owned(),
                source: std::io::ErrorKind::BrokenPipe.into(),
            }),
            Some("unsupported") => Err(DeliveryError::Unsupported {
                kind: "pigeon".to_owned(),
            }),
            Some("busy") => Err(DeliveryError::Refused {
                message: "HTTP 429".to_owned(),
                retryable: true,
                retry_after: Some(Duration::from_secs(600)),
            }),
            Some("gone") => Err(DeliveryError::Refused {
                message: "HTTP 410".to_owned(),
                retryable: false,
                retry_after: Some(Duration::from_secs(600)),
            }),
            Some("panic") => panic!("no stamps"),
            Some("hang") => std::future::pending().await,
            _ => Ok(DeliveryReceipt::default()),
        }
    }
}

fn post(world: &World, payload: Value) -> usize {
    post_to(world, OutputDestination::stdout_json(), payload)
}

fn post_to(world: &World, destination: OutputDestination, payload: Value) -> usize {
    let now = world.now();
    let (job_id, execution_id) = (JobId::new(), ExecutionId::new());
    let delivery = Delivery {
        id: DeliveryId::new(),
        job_id,
        execution_id,
        destination,
        payload: JobResult::completed(job_id, execution_id, payload, now),
        status: DeliveryStatus::Pending,
        attempts: 0,
        next_attempt_at: now,
        last_error: None,
        created_at: now,
        delivered_at: None,
    };
    let place = {
        let mut state = world.database.state();
        state.deliveries.push(delivery);
        state.deliveries.len() - 1
    };
    world.deliveries_available.raise();
    place
}

fn delivered(state: &State) -> usize {
    let delivered = |delivery: &&Delivery| delivery.status == DeliveryStatus::Delivered;
    state.deliveries.iter().filter(delivered).count()
}

#[tokio::test]
async fn results_are_delivered_in_groups_and_then_nothing_is_asked() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    for n in 0..250 {
        post(&world, json!(n));
    }
    worker.start().await;
    world.database.until(|state| delivered(state) == 250).await;
    world.quiesce().await;
    assert_eq!(output.attempts.load(Ordering::SeqCst), 250);
    // The more arrive, the more are under way at once: 10, 20, 40, 50.
    let settled = world.database.state().settled.clone();
    assert!(settled.contains(&50), "{settled:?}");
    let statements = world.take_statements();
    assert!(statements.iter().filter(|verb| **verb == "due").count() <= 20);
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.take_statements(), [""; 0]);
    post(&world, json!(250));
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["due", "next", "settle"]);
    assert_eq!(
        world.database.state().deliveries[250].delivered_at,
        Some(world.now())
    );
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_failed_delivery_has_five_attempts_with_growing_jittered_delay_and_a_history() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    worker.start().await;
    let delivery = post(&world, json!("fail"));
    world.quiesce().await;
    for (attempts, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        let half = Duration::from_millis(seconds * 500);
        world.pass(half - Duration::from_millis(1)).await;
        assert_eq!(output.attempts.load(Ordering::SeqCst), attempts);
        world.pass(half + Duration::from_millis(1)).await;
        assert_eq!(output.attempts.load(Ordering::SeqCst), attempts + 1);
    }
    let told = "the result could not be written to stdout: broken pipe";
    {
        let state = world.database.state();
        let row = &state.deliveries[delivery];
        assert_eq!((row.status, row.attempts), (DeliveryStatus::Failed, 5));
        assert_eq!(row.last_error.as_deref(), Some(told));
        let history: Vec<_> = state.delivery_attempts.iter().collect();
        assert_eq!(history.len(), 5);
        for (line, attempt) in history.iter().zip(1..) {
            assert_eq!((line.delivery_id, line.attempt), (row.id, attempt));
            assert_eq!(
                (line.error.as_deref(), line.detail.as_deref()),
                (Some(told), None)
            );
        }
        assert!(history.is_sorted_by_key(|line| line.started_at));
    }
    world.take_statements();
    world.pass(Duration::from_secs(3_600)).await;
    assert_eq!(world.take_statements(), [""; 0]);
    worker.stop(Duration::ZERO).await;
}

/// A webhook with a retry policy of its own. Nothing is sent: [`Obedient`] goes by the payload.
fn webhook(url: &str) -> OutputDestination {
    let json = json!({"destinationType": "webhook", "webhook": {"url": url, "timeoutSeconds": 7,
        "retryPolicy": {"maxAttempts": 2, "initialDelaySeconds": 60, "maxDelaySeconds": 60}}});
    serde_json::from_value(json).unwrap()
}

#[tokio::test]
async fn attempts_timeout_and_delays_are_what_the_destination_says() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    worker.start().await;
    let hanging = post_to(&world, webhook("https://example.org/a"), json!("hang"));
    world.quiesce().await;
    let row = || world.database.state().deliveries[hanging].clone();
    world.pass(Duration::from_millis(6_999)).await;
    assert_eq!(row().attempts, 0);
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(row().last_error.as_deref(), Some("timed out after 7 s"));
    assert_eq!(
        world.database.state().delivery_attempts[0].duration,
        TimeDelta::seconds(7)
    );
    let wait = row().next_attempt_at - world.now();
    assert!((30..=60).contains(&wait.num_seconds()), "{wait}");
    world.pass(Duration::from_secs(60)).await;
    world.pass(Duration::from_secs(7)).await;
    assert_eq!((row().status, row().attempts), (DeliveryStatus::Failed, 2));
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_wait_is_no_shorter_than_the_destination_asks_for_and_what_will_not_pass_is_not_repeated() {
    let world = World::new();
    let worker = world.delivery_worker(Arc::new(Obedient::default()));
    worker.start().await;
    let busy = post(&world, json!("busy"));
    let gone = post(&world, json!("gone"));
    world.quiesce().await;
    let row = |place: usize| world.database.state().deliveries[place].clone();
    assert_eq!(row(busy).next_attempt_at, world.now() + TimeDelta::minutes(10));
    assert_eq!(row(gone).status, DeliveryStatus::Failed);
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn hosts_that_hang_delay_no_other_destination() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    // Older, and more than there are slots.
    for n in 0..400 {
        let dead = ["https://a.example.org/", "https://b.example.org/"][n % 2];
        post_to(&world, webhook(dead), json!("hang"));
    }
    for n in 0..300 {
        post_to(&world, webhook(&format!("https://c.example.org/{n}")), json!(n));
    }
    worker.start().await;
    // No time passes: not one of the attempts that hang has ended.
    world.database.until(|state| delivered(state) == 300).await;
    assert_eq!(output.attempts.load(Ordering::SeqCst), 320);
    // What comes now finds its way as well.
    post(&world, json!("go"));
    world.database.until(|state| delivered(state) == 301).await;
    // A host that does not answer gets fewer and fewer.
    for _ in 0..3 {
        world.pass(Duration::from_secs(7)).await;
    }
    let attempts = output.attempts.load(Ordering::SeqCst);
    assert!(attempts <= 321 + 3 * 2 * 5, "{attempts}");
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_destination_without_output_fails_at_once_and_a_panic_is_a_failed_attempt() {
    let world = World::new();
    let worker = world.delivery_worker(Arc::new(Obedient::default()));
    worker.start().await;
    let (hopeless, panicking, fine) = (
        post(&world, json!("unsupported")),
        post(&world, json!("panic")),
        post(&world, json!("go")),
    );
    world.database.until(|state| delivered(state) == 1).await;
    world.quiesce().await;
    {
        let state = world.database.state();
        let row = |place: usize| &state.deliveries[place];
        assert_eq!(row(hopeless).status, DeliveryStatus::Failed);
        assert_eq!(
            row(hopeless).last_error.as_deref(),
            Some("no output is configured for destinations of type pigeon")
        );
        assert_eq!(row(panicking).status, DeliveryStatus::Pending);
        assert_eq!(row(panicking).last_error.as_deref(), Some("panicked: no stamps"));
        assert_eq!(row(fine).status, DeliveryStatus::Delivered);
    }
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_delivery_that_hangs_is_broken_off_and_the_others_are_settled_before() {
    let world = World::new();
    let worker = world.delivery_worker(Arc::new(Obedient::default()));
    let hanging = post(&world, json!("hang"));
    post(&world, json!("go"));
    worker.start().await;
    world.database.until(|state| delivered(state) == 1).await;
    world.pass(Duration::from_secs(30)).await;
    assert_eq!(
        world.database.state().deliveries[hanging].last_error.as_deref(),
        Some("timed out after 30 s")
    );
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn what_was_delivered_while_the_database_is_away_is_not_delivered_again() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    world.database.state().away = vec!["settle"];
    worker.start().await;
    post(&world, json!("go"));
    for _ in 0..10 {
        world.pass(Duration::from_secs(5)).await;
    }
    world.database.state().away.clear();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(delivered(&world.database.state()), 1);
    assert_eq!(output.attempts.load(Ordering::SeqCst), 1);
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_stop_leaves_what_it_breaks_off_in_the_outbox() {
    let world = World::new();
    let worker = Arc::new(world.delivery_worker(Arc::new(Obedient::default())));
    worker.start().await;
    let hanging = post(&world, json!("hang"));
    world.quiesce().await;
    let stopping = worker.clone();
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(2)).await });
    world.pass(Duration::from_secs(1)).await;
    assert!(!stop.is_finished());
    world.pass(Duration::from_secs(1)).await;
    stop.await.unwrap();
    let state = world.database.state();
    let row = &state.deliveries[hanging];
    assert_eq!((row.status, row.attempts), (DeliveryStatus::Pending, 0));
}

#[tokio::test]
async fn a_stop_returns_although_the_database_never_takes_what_was_delivered() {
    let world = World::new();
    let worker = Arc::new(world.delivery_worker(Arc::new(Obedient::default())));
    world.database.state().away = vec!["settle"];
    worker.start().await;
    post(&world, json!("go"));
    world.quiesce().await;
    let stopping = worker.clone();
    let stop = tokio::spawn(async move { stopping.stop(Duration::ZERO).await });
    world.pass(Duration::from_millis(9_999)).await;
    assert!(!stop.is_finished());
    world.pass(Duration::from_millis(1)).await;
    stop.await.unwrap();
}
