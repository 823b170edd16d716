use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    FiringOutcome, JobRepository, RepositoryError, RepositoryFactory, ScheduleId, ScheduleRepository,
    TickFiring, TickRepository, UnifiedJob, UnifiedSchedule,
};
use serde_json::Value;

use crate::pages::{LoadedPage, SchedulePages, interpret};

/// The engine's view of the stored data.
///
/// ```no_run
/// # async fn example(repositories: std::sync::Arc<dyn ratchet_interfaces::RepositoryFactory>)
/// # -> Result<(), ratchet_interfaces::RepositoryError> {
/// use ratchet_repository_bridge::RepositoryBridge;
/// let bridge = RepositoryBridge::new(&*repositories);
/// let mut pages = bridge.load_all_schedules(chrono::Utc::now(), 10_000);
/// while let Some(page) = pages.next().await? {
///     println!("{} schedules, {} invalid", page.schedules.len(), page.invalid.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct RepositoryBridge {
    schedules: Arc<dyn ScheduleRepository>,
    ticks: Arc<dyn TickRepository>,
    jobs: Arc<dyn JobRepository>,
}

impl RepositoryBridge {
    /// A bridge to the repositories of one database.
    #[must_use]
    pub fn new(repositories: &dyn RepositoryFactory) -> Self {
        Self {
            schedules: repositories.schedules(),
            ticks: repositories.ticks(),
            jobs: repositories.jobs(),
        }
    }

    /// All enabled schedules, `page_size` rows at a time. `now` is where the first run of a schedule that has
    /// none is counted from.
    #[must_use]
    pub fn load_all_schedules(&self, now: DateTime<Utc>, page_size: u32) -> SchedulePages {
        SchedulePages::new(Arc::clone(&self.schedules), now, page_size)
    }

    /// One enabled schedule, read again. The page is empty if it does not exist, is disabled or never fires again.
    ///
    /// # Errors
    /// As the repository.
    pub async fn load_schedule(
        &self,
        id: ScheduleId,
        now: DateTime<Utc>,
    ) -> Result<LoadedPage, RepositoryError> {
        let timing = self.schedules.schedule_find_timing(id).await?;
        interpret(&*self.schedules, timing.into_iter().collect(), now).await
    }

    /// The schedule's whole row.
    ///
    /// # Errors
    /// As the repository.
    pub async fn find_schedule(&self, id: ScheduleId) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        self.schedules.schedule_find(id).await
    }

    /// Stores a new schedule, its `next_run` included.
    ///
    /// # Errors
    /// As [`ScheduleRepository::schedule_create`].
    pub async fn create_schedule(&self, schedule: &UnifiedSchedule) -> Result<(), RepositoryError> {
        self.schedules.schedule_create(schedule).await
    }

    /// Replaces a schedule, its `next_run` included, and returns it as it is then.
    ///
    /// # Errors
    /// As [`ScheduleRepository::schedule_update`].
    pub async fn update_schedule(
        &self,
        schedule: &UnifiedSchedule,
    ) -> Result<UnifiedSchedule, RepositoryError> {
        self.schedules.schedule_update(schedule).await
    }

    /// Deletes a schedule; says whether it existed.
    ///
    /// # Errors
    /// As the repository.
    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<bool, RepositoryError> {
        self.schedules.schedule_delete(id).await
    }

    /// Disables a schedule that cannot be understood, with the reason in its row.
    ///
    /// # Errors
    /// As the repository.
    pub async fn invalidate_schedule(
        &self,
        id: ScheduleId,
        version: u32,
        reason: &str,
    ) -> Result<(), RepositoryError> {
        self.schedules.schedule_invalidate(id, version, reason).await
    }

    /// How many schedules are disabled because they cannot be understood, and name and reason of some of them.
    ///
    /// # Errors
    /// As the repository.
    pub async fn invalid_schedules(&self) -> Result<(u64, Vec<(String, String)>), RepositoryError> {
        let invalid = self.schedules.schedule_list_invalid(10).await?;
        let examples = invalid
            .first
            .into_iter()
            .map(|schedule| {
                let reason = schedule
                    .reason
                    .unwrap_or_else(|| "no reason was recorded".to_owned());
                (schedule.name, reason)
            })
            .collect();
        Ok((invalid.total, examples))
    }

    /// Makes decisions on due ticks durable, all in one transaction; see [`TickRepository::tick_fire_many`].
    ///
    /// # Errors
    /// As the repository; then none of the decisions is durable.
    pub async fn fire_ticks(&self, firings: &[TickFiring]) -> Result<Vec<FiringOutcome>, RepositoryError> {
        self.ticks.tick_fire_many(firings).await
    }

    /// Creates a job of a schedule outside its ticks, to be run at `execution_time`, with the schedule's input or
    /// another one.
    ///
    /// # Errors
    /// `NotFound` when the schedule does not exist; otherwise as the repository.
    pub async fn create_job_for_schedule(
        &self,
        schedule_id: ScheduleId,
        execution_time: DateTime<Utc>,
        input: Option<Value>,
    ) -> Result<UnifiedJob, RepositoryError> {
        let schedule =
            self.schedules
                .schedule_find(schedule_id)
                .await?
                .ok_or_else(|| RepositoryError::NotFound {
                    what: "schedule",
                    id: schedule_id.to_string(),
                })?;
        let job = UnifiedJob {
            schedule_id: Some(schedule_id),
            priority: schedule.priority,
            max_retries: schedule.max_retries,
            timeout_seconds: schedule.timeout_seconds,
            output_destinations: schedule.output_destinations,
            ..UnifiedJob::new(schedule.task_id, input.unwrap_or(schedule.input), execution_time)
        };
        self.jobs.job_create_many(std::slice::from_ref(&job)).await?;
        Ok(job)
    }

    /// Records a run that did not go through [`RepositoryBridge::fire_ticks`].
    ///
    /// # Errors
    /// `NotFound` when the schedule does not exist; otherwise as the repository.
    pub async fn update_schedule_execution(
        &self,
        schedule_id: ScheduleId,
        last_run: DateTime<Utc>,
        next_run: Option<DateTime<Utc>>,
    ) -> Result<(), RepositoryError> {
        self.schedules
            .schedule_record_run(schedule_id, last_run, next_run)
            .await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use ratchet_interfaces::{
        MisfirePolicy, MockJobRepository, MockRepositoryFactory, MockScheduleRepository, MockTickRepository,
        ScheduleTiming, TaskId,
    };

    use super::*;

    fn midnight() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn timing(cron: &str, next_run: Option<DateTime<Utc>>) -> ScheduleTiming {
        ScheduleTiming {
            id: ScheduleId::new(),
            version: 1,
            cron_expression: cron.to_owned(),
            timezone: "UTC".to_owned(),
            misfire_policy: MisfirePolicy::Coalesce,
            next_run,
        }
    }

    fn bridge_to(schedules: MockScheduleRepository, jobs: MockJobRepository) -> RepositoryBridge {
        let (schedules, jobs) = (Arc::new(schedules), Arc::new(jobs));
        let mut factory = MockRepositoryFactory::new();
        factory
            .expect_schedules()
            .returning(move || Arc::clone(&schedules) as Arc<dyn ScheduleRepository>);
        factory
            .expect_jobs()
            .returning(move || Arc::clone(&jobs) as Arc<dyn JobRepository>);
        factory
            .expect_ticks()
            .returning(|| Arc::new(MockTickRepository::new()));
        RepositoryBridge::new(&factory)
    }

    #[tokio::test]
    async fn pages_are_read_one_after_the_other_until_a_short_one() {
        let rows: Vec<_> = (0..5).map(|_| timing("0 9 * * *", Some(midnight()))).collect();
        let mut schedules = MockScheduleRepository::new();
        let stored = rows.clone();
        schedules
            .expect_schedule_list_timings()
            .times(3)
            .returning(move |after, limit| {
                let from = after.map_or(0, |id| stored.iter().position(|row| row.id == id).unwrap() + 1);
                Ok(stored[from..].iter().take(limit as usize).cloned().collect())
            });
        let bridge = bridge_to(schedules, MockJobRepository::new());

        let mut pages = bridge.load_all_schedules(midnight(), 2);
        let mut seen = Vec::new();
        while let Some(page) = pages.next().await.unwrap() {
            assert!(page.schedules.len() <= 2);
            seen.extend(page.schedules.into_iter().map(|schedule| schedule.id));
        }
        assert_eq!(seen, rows.iter().map(|row| row.id).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_understood_does_not_hide_the_others() {
        let mut schedules = MockScheduleRepository::new();
        let rows = vec![
            timing("0 9 * * *", Some(midnight())),
            timing("nonsense", Some(midnight())),
        ];
        let broken = rows[1].id;
        schedules
            .expect_schedule_list_timings()
            .return_once(move |_, _| Ok(rows));
        let page = bridge_to(schedules, MockJobRepository::new())
            .load_all_schedules(midnight(), 10)
            .next()
            .await;

        let page = page.unwrap().unwrap();
        assert_eq!(page.schedules.len(), 1);
        assert_eq!(page.invalid.len(), 1);
        assert_eq!(page.invalid[0].id, broken);
        assert!(page.invalid[0].reason.contains("nonsense"));
    }

    #[tokio::test]
    async fn a_schedule_without_a_next_run_gets_its_first_on_disk() {
        let mut schedules = MockScheduleRepository::new();
        let row = timing("0 9 * * *", None);
        schedules
            .expect_schedule_list_timings()
            .return_once(move |_, _| Ok(vec![row]));
        let nine = Utc.with_ymd_and_hms(2026, 1, 1, 9, 0, 0).unwrap();
        schedules
            .expect_schedule_set_first_runs()
            .withf(move |runs| runs.len() == 1 && runs[0].1 == Some(nine))
            .times(1)
            .returning(|_| Ok(()));
        let page = bridge_to(schedules, MockJobRepository::new())
            .load_all_schedules(midnight(), 10)
            .next()
            .await;
        assert_eq!(page.unwrap().unwrap().schedules[0].next_run, nine);
    }

    #[tokio::test]
    async fn a_triggered_job_carries_what_its_schedule_says_and_its_own_input() {
        let mut schedule = UnifiedSchedule::new("nightly", TaskId::new(), "0 3 * * *", midnight());
        schedule.max_retries = 7;
        let id = schedule.id;
        let task_id = schedule.task_id;
        let mut schedules = MockScheduleRepository::new();
        schedules
            .expect_schedule_find()
            .return_once(move |_| Ok(Some(schedule)));
        let mut jobs = MockJobRepository::new();
        jobs.expect_job_create_many().times(1).returning(|_| Ok(()));

        let job = bridge_to(schedules, jobs)
            .create_job_for_schedule(id, midnight(), Some(serde_json::json!({"full": true})))
            .await
            .unwrap();
        assert_eq!((job.schedule_id, job.scheduled_for), (Some(id), None));
        assert_eq!((job.task_id, job.max_retries), (task_id, 7));
        assert_eq!(job.input, serde_json::json!({"full": true}));
    }

    #[tokio::test]
    async fn triggering_a_schedule_that_does_not_exist_is_not_found() {
        let mut schedules = MockScheduleRepository::new();
        schedules.expect_schedule_find().return_once(|_| Ok(None));
        let outcome = bridge_to(schedules, MockJobRepository::new())
            .create_job_for_schedule(ScheduleId::new(), midnight(), None)
            .await;
        assert!(matches!(
            outcome,
            Err(RepositoryError::NotFound { what: "schedule", .. })
        ));
    }
}
