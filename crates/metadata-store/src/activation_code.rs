use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use ratchet_interfaces::ScheduleId;
use tokio::sync::RwLock;
use tokio_cron_scheduler::{Context, JobCode, JobSchedulerError, JobToRunAsync, PinnedGetFuture, ToCode};
use uuid::Uuid;

/// tokio-cron-scheduler's `JobCode` with the same handler for every schedule.
///
/// The handler is called on an activation, with the schedule's id; the future it returns is spawned.
pub struct ActivationCode {
    code: Arc<RwLock<Box<JobToRunAsync>>>,
}

impl ActivationCode {
    /// Runs `handler` on every activation.
    #[must_use]
    pub fn new<F, H>(handler: H) -> Self
    where
        H: Fn(ScheduleId) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let code: Box<JobToRunAsync> =
            Box::new(move |id, _scheduler| Box::pin(handler(ScheduleId::from_uuid(id))));
        Self {
            code: Arc::new(RwLock::new(code)),
        }
    }
}

impl ToCode<Box<JobToRunAsync>> for ActivationCode {
    fn init(
        &mut self,
        _context: &Context,
    ) -> Pin<Box<dyn Future<Output = Result<(), JobSchedulerError>> + Send>> {
        Box::pin(ready(Ok(())))
    }

    fn get(&mut self, _id: Uuid) -> PinnedGetFuture<Box<JobToRunAsync>> {
        Box::pin(ready(Ok(Some(Arc::clone(&self.code)))))
    }
}

impl JobCode for ActivationCode {}
