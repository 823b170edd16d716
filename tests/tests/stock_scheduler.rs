//! The stock `JobScheduler::start()` of tokio-cron-scheduler on our adapter: jobs persist, restart and are removed.
//! It fails loudly when an upgrade changes what the engine relies on.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use ratchet_interfaces::{Clock, RepositoryFactory, ScheduleId, TaskId};
use ratchet_metadata_store::{ActivationCode, MetadataStore};
use ratchet_repository_bridge::RepositoryBridge;
use ratchet_scheduler::SystemClock;
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_cron_scheduler::{Job, JobScheduler, SimpleNotificationCode, SimpleNotificationStore};

async fn stock_scheduler(
    repositories: &Arc<dyn RepositoryFactory>,
    task: TaskId,
) -> (JobScheduler, UnboundedReceiver<ScheduleId>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = MetadataStore::new(Arc::new(RepositoryBridge::new(&**repositories)), clock).adopting(task);
    let (sender, activated) = unbounded_channel();
    let code = ActivationCode::new(move |id| {
        let sender = sender.clone();
        // A send fails when the test has seen enough.
        async move { sender.send(id).unwrap_or_default() }
    });
    let scheduler = JobScheduler::new_with_storage_and_code(
        Box::new(store),
        Box::new(SimpleNotificationStore::default()),
        Box::new(code),
        Box::new(SimpleNotificationCode::default()),
        200,
    )
    .await
    .unwrap();
    (scheduler, activated)
}

async fn activation(activated: &mut UnboundedReceiver<ScheduleId>) -> ScheduleId {
    tokio::time::timeout(Duration::from_secs(20), activated.recv())
        .await
        .expect("nothing was activated")
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_the_stock_scheduler_persist_restart_and_are_removed() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let task = store_task(&*repositories, DateTime::UNIX_EPOCH).await;

        let (mut first, mut activated) = stock_scheduler(&repositories, task).await;
        let job = Job::new_async("* * * * * *", |_, _| Box::pin(std::future::ready(()))).unwrap();
        let id = first.add(job).await.unwrap();
        let schedule_id = ScheduleId::from_uuid(id);
        let stored = repositories
            .schedules()
            .schedule_find(schedule_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (stored.specification.as_str(), stored.task_id),
            ("* * * * * *", task)
        );
        first.start().await.unwrap();
        assert_eq!(activation(&mut activated).await, schedule_id);
        assert_eq!(activation(&mut activated).await, schedule_id);
        first.shutdown().await.unwrap();
        let ran = repositories
            .schedules()
            .schedule_find(schedule_id)
            .await
            .unwrap()
            .unwrap();
        assert!(ran.run_count >= 1 && ran.last_run.is_some(), "{ran:?}");

        // Another process, as it were: it knows only what is stored.
        let (mut second, mut activated) = stock_scheduler(&repositories, task).await;
        second.start().await.unwrap();
        assert_eq!(activation(&mut activated).await, schedule_id);
        let next = second.next_tick_for_job(id).await.unwrap();
        assert!(next.is_some(), "the stock scheduler sees the next tick");

        second.remove(&id).await.unwrap();
        assert!(
            repositories
                .schedules()
                .schedule_find(schedule_id)
                .await
                .unwrap()
                .is_none()
        );
        second.shutdown().await.unwrap();
        let (mut third, _) = stock_scheduler(&repositories, task).await;
        assert_eq!(third.time_till_next_job().await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_no_schedule_can_hold_is_refused() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let task = store_task(&*repositories, DateTime::UNIX_EPOCH).await;
    let (scheduler, _) = stock_scheduler(&repositories, task).await;
    let repeated =
        Job::new_repeated_async(Duration::from_secs(5), |_, _| Box::pin(std::future::ready(()))).unwrap();
    assert!(scheduler.add(repeated).await.is_err());
}
