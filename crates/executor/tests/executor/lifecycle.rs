use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use ratchet_executor::{DeliveryWorker, JobPipeline};
use ratchet_interfaces::MockOutputDelivery;
use ratchet_interfaces::{
    Delivery, DeliveryError, DeliveryReceipt, DeliveryStatus, JobStatus, OutputDelivery, OutputDestination,
    UnifiedJob,
};
use ratchet_runtimes::BuiltinRuntime;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::world::World;

/// A part with the lifecycle that all parts share.
#[async_trait]
trait Part: Send + Sync {
    async fn start(&self);
    async fn stop(&self);
}

#[async_trait]
impl Part for JobPipeline {
    async fn start(&self) {
        Self::start(self).await.unwrap();
    }

    async fn stop(&self) {
        Self::stop(self, Duration::ZERO).await;
    }
}

#[async_trait]
impl Part for DeliveryWorker {
    async fn start(&self) {
        Self::start(self).await;
    }

    async fn stop(&self) {
        Self::stop(self, Duration::ZERO).await;
    }
}

/// Takes a few turns, so that starts and stops meet jobs and deliveries in every state.
struct Leisurely;

#[async_trait]
impl OutputDelivery for Leisurely {
    fn check(&self, _: &OutputDestination) -> Option<String> {
        None
    }

    async fn deliver(&self, _: &Arc<Delivery>) -> Result<DeliveryReceipt, DeliveryError> {
        turns(3).await;
        Ok(DeliveryReceipt::default())
    }
}

async fn turns(count: u8) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Start(usize),
    Stop(usize),
    AddJob,
    Turns(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2_usize).prop_map(Step::Start),
        (0..2_usize).prop_map(Step::Stop),
        Just(Step::AddJob),
        (1..20_u8).prop_map(Step::Turns),
    ]
}

async fn exercise(scripts: Vec<Vec<Step>>) {
    let world = Arc::new(World::new());
    let task = world.task("pass");
    let functions = BuiltinRuntime::new().with("pass", |_| async {
        turns(3).await;
        Ok(Value::Null)
    });
    let parts: [Arc<dyn Part>; 2] = [
        Arc::new(world.pipeline(2, functions)),
        Arc::new(world.delivery_worker(Arc::new(Leisurely))),
    ];
    let mut actors = Vec::new();
    for script in scripts {
        let (world, parts) = (world.clone(), parts.clone());
        actors.push(tokio::spawn(async move {
            for step in script {
                match step {
                    Step::Start(part) => parts[part].start().await,
                    Step::Stop(part) => parts[part].stop().await,
                    Step::Turns(count) => turns(count).await,
                    Step::AddJob => {
                        let mut job = UnifiedJob::new(task, Value::Null, world.now());
                        job.output_destinations = vec![OutputDestination::stdout_json()];
                        world.add(job);
                    }
                }
            }
        }));
    }
    for actor in actors {
        actor.await.unwrap();
    }

    // Stopped is stopped: nothing runs, nothing is asked, nobody waits.
    for part in &parts {
        part.stop().await;
    }
    world.take_statements();
    world.jobs_available.raise();
    world.deliveries_available.raise();
    world.quiesce().await;
    assert_eq!(world.take_statements(), [""; 0]);
    assert_eq!(world.clock.earliest_waiter(), None);
    assert_eq!(world.database.state().count(JobStatus::Processing), 0);

    // And nothing was lost.
    for part in &parts {
        part.start().await;
    }
    world
        .database
        .until(|state| {
            state.count(JobStatus::Completed) == state.jobs.len()
                && state.deliveries.len() == state.jobs.len()
                && state
                    .deliveries
                    .iter()
                    .all(|delivery| delivery.status == DeliveryStatus::Delivered)
        })
        .await;
    for part in &parts {
        part.stop().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn starts_and_stops_in_any_order_by_anybody_lose_nothing(
        scripts in prop::collection::vec(prop::collection::vec(step(), 0..24), 1..4),
        has_threads: bool,
    ) {
        let mut builder = if has_threads {
            Builder::new_multi_thread()
        } else {
            Builder::new_current_thread()
        };
        let runtime = builder.enable_time().worker_threads(2).build().unwrap();
        runtime.block_on(exercise(scripts));
    }
}

#[tokio::test]
async fn a_stop_before_the_first_start_and_a_second_stop_do_nothing() {
    let world = World::new();
    let parts: [Box<dyn Part>; 2] = [
        Box::new(world.pipeline(1, BuiltinRuntime::new())),
        Box::new(world.delivery_worker(Arc::new(MockOutputDelivery::new()))),
    ];
    for part in parts {
        world.take_statements();
        part.stop().await;
        assert_eq!(world.take_statements(), [""; 0]);
        part.start().await;
        part.start().await;
        world.quiesce().await;
        part.stop().await;
        part.stop().await;
    }
}
