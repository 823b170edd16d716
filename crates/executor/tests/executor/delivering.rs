use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
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

    async fn deliver(&self, delivery: &Delivery) -> Result<DeliveryReceipt, DeliveryError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match delivery.payload.output.as_str() {
            Some("fail") => Err(DeliveryError::Write {
                destination: "stdout".to_owned(),
                source: std::io::ErrorKind::BrokenPipe.into(),
            }),
            Some("unsupported") => Err(DeliveryError::Unsupported {
                kind: "pigeon".to_owned(),
            }),
            Some("panic") => panic!("no stamps"),
            Some("hang") => std::future::pending().await,
            _ => Ok(DeliveryReceipt::default()),
        }
    }
}

fn post(world: &World, payload: Value) -> usize {
    let now = world.now();
    let (job_id, execution_id) = (JobId::new(), ExecutionId::new());
    let delivery = Delivery {
        id: DeliveryId::new(),
        job_id,
        execution_id,
        destination: OutputDestination::stdout_json(),
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
async fn results_are_delivered_in_batches_and_then_nothing_is_asked() {
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
    let statements = world.take_statements();
    assert_eq!(statements.iter().filter(|verb| **verb == "due").count(), 3);
    assert_eq!(statements.last(), Some(&"next"));
    world.pass(Duration::from_secs(86_400)).await;
    assert_eq!(world.take_statements(), [""; 0]);
    post(&world, json!(250));
    world.quiesce().await;
    assert_eq!(world.take_statements(), ["due", "settle", "next"]);
    assert_eq!(
        world.database.state().deliveries[250].delivered_at,
        Some(world.now())
    );
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn a_failed_delivery_has_five_attempts_with_growing_delay() {
    let world = World::new();
    let output = Arc::new(Obedient::default());
    let worker = world.delivery_worker(output.clone());
    worker.start().await;
    let delivery = post(&world, json!("fail"));
    world.quiesce().await;
    for (attempts, seconds) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
        world.pass(Duration::from_millis(seconds * 1_000 - 1)).await;
        assert_eq!(output.attempts.load(Ordering::SeqCst), attempts);
        world.pass(Duration::from_millis(1)).await;
        assert_eq!(output.attempts.load(Ordering::SeqCst), attempts + 1);
    }
    {
        let state = world.database.state();
        let row = &state.deliveries[delivery];
        assert_eq!((row.status, row.attempts), (DeliveryStatus::Failed, 5));
        assert_eq!(
            row.last_error.as_deref(),
            Some("the result could not be written to stdout: broken pipe")
        );
    }
    world.take_statements();
    world.pass(Duration::from_secs(3_600)).await;
    assert_eq!(world.take_statements(), [""; 0]);
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
