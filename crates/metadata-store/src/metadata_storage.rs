//! tokio-cron-scheduler's storage traits. Its methods take `&mut self` and return boxed futures that must not
//! borrow it, hence the clones of the (cheap) handle; its errors carry no cause, hence the logging here.

use std::error::Error;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleId, with_causes};
use ratchet_repository_bridge::read_specification;
use tokio_cron_scheduler::job::job_data::{JobAndNextTick, JobStoredData, JobType};
use tokio_cron_scheduler::store::{DataStore, InitStore};
use tokio_cron_scheduler::{JobSchedulerError, MetaDataStorage};
use uuid::Uuid;

use crate::job_data::{job_from_schedule, schedule_from_job, seconds};
use crate::store::{DueTick, MetadataStore};

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, JobSchedulerError>> + Send>>;

/// Logs the cause, which tokio-cron-scheduler's errors cannot carry, and names the operation.
fn because<E: Error>(error: JobSchedulerError) -> impl FnOnce(E) -> JobSchedulerError {
    move |cause| {
        tracing::error!(operation = %error, cause = with_causes(&cause), "the metadata store failed");
        error
    }
}

impl InitStore for MetadataStore {
    fn init(&mut self) -> Answer<()> {
        let store = self.clone();
        Box::pin(async move {
            store
                .load_once()
                .await
                .map_err(because(JobSchedulerError::CantInit))
        })
    }

    fn inited(&mut self) -> Answer<bool> {
        let store = self.clone();
        Box::pin(async move { Ok(store.is_loaded().await) })
    }
}

impl DataStore<JobStoredData> for MetadataStore {
    fn get(&mut self, id: Uuid) -> Answer<Option<JobStoredData>> {
        let bridge = self.bridge.clone();
        Box::pin(async move {
            let schedule = bridge
                .find_schedule(ScheduleId::from_uuid(id))
                .await
                .map_err(because(JobSchedulerError::GetJobData))?;
            schedule
                .as_ref()
                .map(job_from_schedule)
                .transpose()
                .map_err(because(JobSchedulerError::GetJobData))
        })
    }

    fn add_or_update(&mut self, data: JobStoredData) -> Answer<()> {
        let store = self.clone();
        Box::pin(async move { store.write_job(data).await })
    }

    fn delete(&mut self, id: Uuid) -> Answer<()> {
        let store = self.clone();
        Box::pin(async move {
            let id = ScheduleId::from_uuid(id);
            store
                .bridge
                .delete_schedule(id)
                .await
                .map_err(because(JobSchedulerError::CantRemove))?;
            store
                .reconcile(id)
                .await
                .map_err(because(JobSchedulerError::CantRemove))
        })
    }
}

impl MetaDataStorage for MetadataStore {
    /// What is due, each tick once: the caller asks twice a second, activates what it gets, and only later says
    /// that it ran. A tick that were listed again in between would be activated twice.
    fn list_next_ticks(&mut self) -> Answer<Vec<JobAndNextTick>> {
        let now = self.clock.now();
        let ticks = self.change(|index| {
            let due = index.take_due(now, usize::MAX);
            due.into_iter()
                .filter_map(|id| index.begin(id))
                .map(|tick| next_tick(&tick))
                .collect()
        });
        Box::pin(ready(Ok(ticks)))
    }

    /// Takes note that a tick ran. The next tick is ours, not the caller's: it counts with a fixed offset from UTC,
    /// an hour off after a daylight-saving change.
    fn set_next_and_last_tick(
        &mut self,
        id: Uuid,
        _next_tick: Option<DateTime<Utc>>,
        last_tick: Option<DateTime<Utc>>,
    ) -> Answer<()> {
        let store = self.clone();
        Box::pin(async move { store.record_run(ScheduleId::from_uuid(id), last_tick).await })
    }

    fn time_till_next_job(&mut self) -> Answer<Option<Duration>> {
        let now = self.clock.now();
        let until = self
            .earliest()
            .map(|next| (next - now).to_std().unwrap_or(Duration::ZERO));
        Box::pin(ready(Ok(until)))
    }
}

impl MetadataStore {
    async fn write_job(&self, data: JobStoredData) -> Result<(), JobSchedulerError> {
        let now = self.clock.now();
        let mut schedule =
            schedule_from_job(data, self.adopting, now).map_err(because(JobSchedulerError::CantAdd))?;
        let specification = read_specification(&schedule.specification, &schedule.timezone)
            .map_err(because(JobSchedulerError::ParseSchedule))?;
        schedule.specification = specification.to_string();
        schedule.next_run = specification.next_after(now).filter(|_| schedule.enabled);
        let id = schedule.id;
        let failed = JobSchedulerError::SaveJob;
        match self
            .bridge
            .find_schedule(id)
            .await
            .map_err(because(failed.clone()))?
        {
            None => self.bridge.create_schedule(&schedule).await,
            Some(mut stored) => {
                stored.specification = schedule.specification;
                stored.effective_from = now;
                stored.timezone = schedule.timezone;
                stored.enabled = schedule.enabled;
                stored.next_run = schedule.next_run;
                self.bridge.update_schedule(&stored).await.map(drop)
            }
        }
        .map_err(because(failed.clone()))?;
        self.reconcile(id).await.map_err(because(failed))
    }

    async fn record_run(
        &self,
        id: ScheduleId,
        last_tick: Option<DateTime<Utc>>,
    ) -> Result<(), JobSchedulerError> {
        let known = self.index().find(id);
        let Some(DueTick {
            timetable,
            scheduled_for: nominal,
            timing_version,
            ..
        }) = known
        else {
            return Err(JobSchedulerError::UpdateJobData);
        };
        let ran_at = last_tick.unwrap_or(nominal);
        let specification = &timetable.specification;
        let next = specification.next_after(ran_at.max(nominal));
        self.bridge
            .update_schedule_execution(id, nominal, next)
            .await
            .map_err(because::<RepositoryError>(JobSchedulerError::UpdateJobData))?;
        self.settle_many([(id, timing_version, next)]);
        Ok(())
    }
}

fn next_tick(tick: &DueTick) -> JobAndNextTick {
    JobAndNextTick {
        id: Some(tick.schedule_id.as_uuid().into()),
        job_type: JobType::Cron.into(),
        next_tick: seconds(tick.scheduled_for),
        last_tick: None,
    }
}
