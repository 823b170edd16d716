//! Everything that the engine touches of tokio-cron-scheduler, but for its storage traits.

use std::future::Future;
use std::sync::Arc;

use ratchet_interfaces::{ScheduleId, SchedulerError};
use ratchet_metadata_store::{ActivationCode, MetadataStore};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::error::RecvError;
use tokio_cron_scheduler::{JobScheduler, SimpleNotificationCode, SimpleNotificationStore};

use crate::event_loop::Activator;

/// How many messages tokio-cron-scheduler's channels hold. They are broadcast channels: who falls further behind
/// loses messages.
const CHANNEL_SIZE: usize = 16_384;

/// How many activations may be outstanding. Each makes two notifications, and what is left keeps a receiver that
/// was not scheduled for a while from losing any.
const MAX_OUTSTANDING: usize = CHANNEL_SIZE / 4;

/// tokio-cron-scheduler as a job runtime: an activation goes in, the handler is called.
///
/// Its `init` is called, its `start` never: that would begin the poll that our event loop replaces.
pub(crate) struct JobRuntime {
    scheduler: JobScheduler,
    outstanding: Arc<Semaphore>,
}

impl JobRuntime {
    /// A runtime that calls `handler` once for each activation.
    pub(crate) async fn new<F, H>(
        store: MetadataStore,
        handler: H,
        log_notifications: bool,
    ) -> Result<Self, SchedulerError>
    where
        H: Fn(ScheduleId) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let outstanding = Arc::new(Semaphore::new(MAX_OUTSTANDING));
        let taken = Arc::clone(&outstanding);
        let code = ActivationCode::new(move |id| {
            // The runner has taken the activation off its channel: there is room for another.
            taken.add_permits(1);
            handler(id)
        });
        let mut scheduler = JobScheduler::new_with_storage_and_code(
            Box::new(store),
            Box::new(SimpleNotificationStore::default()),
            Box::new(code),
            Box::new(SimpleNotificationCode::default()),
            CHANNEL_SIZE,
        )
        .await
        .map_err(failed("setting up"))?;
        scheduler.init().await.map_err(failed("starting its actors"))?;
        if log_notifications {
            tokio::spawn(log_notifications_of(scheduler.context.notify_tx.subscribe()));
        }
        Ok(Self {
            scheduler,
            outstanding,
        })
    }
}

impl Activator for JobRuntime {
    async fn activate(&self, id: ScheduleId) -> Result<(), SchedulerError> {
        if let Ok(room) = self.outstanding.acquire().await {
            room.forget();
        }
        self.scheduler
            .context
            .job_activation_tx
            .send(id.as_uuid())
            .map_err(failed("activating"))?;
        Ok(())
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    during: &'static str,
) -> impl FnOnce(E) -> SchedulerError {
    move |source| SchedulerError::Runtime {
        during,
        source: Box::new(source),
    }
}

async fn log_notifications_of(
    mut notifications: tokio::sync::broadcast::Receiver<(
        tokio_cron_scheduler::job::JobId,
        tokio_cron_scheduler::JobNotification,
    )>,
) {
    loop {
        match notifications.recv().await {
            Ok((id, state)) => tracing::info!(schedule.id = %id, state = state.as_str_name(), "notification"),
            Err(RecvError::Lagged(lost)) => tracing::warn!(lost, "notifications were lost: too many at once"),
            Err(RecvError::Closed) => return,
        }
    }
}
