use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    ChangedSchedules, Choice, CommittedFirings, CommittedRuns, Fact, FactRepository, JobId, JobPruning,
    JobRepository, ManualRuns, PageRequest, RepositoryError, RepositoryFactory, ScheduleChange,
    ScheduleDeletion, ScheduleId, SchedulePeriod, ScheduleRepository, Tick, TickCondition, TickFilter,
    TickFiring, TickRepository, TickSort, UnifiedJob, UnifiedSchedule,
};

use crate::pages::{LoadedPage, SchedulePages, interpret};

/// The engine's view of the stored data.
///
/// ```no_run
/// # async fn example(repositories: std::sync::Arc<dyn ratchet_interfaces::RepositoryFactory>)
/// # -> Result<(), ratchet_interfaces::RepositoryError> {
/// use ratchet_repository_bridge::RepositoryBridge;
/// let bridge = RepositoryBridge::new(&*repositories);
/// let mut pages = bridge.load_all_schedules(10_000);
/// while let Some(page) = pages.next().await? {
///     println!("{} schedules, {} invalid", page.schedules.len(), page.invalid.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct RepositoryBridge {
    pub(crate) schedules: Arc<dyn ScheduleRepository>,
    pub(crate) ticks: Arc<dyn TickRepository>,
    jobs: Arc<dyn JobRepository>,
    pub(crate) facts: Arc<dyn FactRepository>,
}

impl RepositoryBridge {
    /// A bridge to the repositories of one database.
    #[must_use]
    pub fn new(repositories: &dyn RepositoryFactory) -> Self {
        Self {
            schedules: repositories.schedules(),
            ticks: repositories.ticks(),
            jobs: repositories.jobs(),
            facts: repositories.facts(),
        }
    }

    /// All enabled schedules, `page_size` rows at a time.
    #[must_use]
    pub fn load_all_schedules(&self, page_size: u32) -> SchedulePages {
        SchedulePages::new(Arc::clone(&self.schedules), page_size)
    }

    /// One enabled schedule, read again. The page is empty if it does not exist, is disabled, is paused until somebody
    /// resumes it, or never fires again.
    ///
    /// # Errors
    /// As the repository.
    pub async fn load_schedule(&self, id: ScheduleId) -> Result<LoadedPage, RepositoryError> {
        let timing = self.schedules.schedule_find_timing(id).await?;
        interpret(&*self.schedules, timing.into_iter().collect()).await
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

    /// Replaces of a schedule what says nothing about when it fires, and returns it as it is then.
    ///
    /// # Errors
    /// As [`ScheduleRepository::schedule_update_details`].
    pub async fn update_schedule_details(
        &self,
        schedule: &UnifiedSchedule,
    ) -> Result<UnifiedSchedule, RepositoryError> {
        self.schedules.schedule_update_details(schedule).await
    }

    /// Deletes a schedule.
    ///
    /// # Errors
    /// As the repository.
    pub async fn delete_schedule(&self, id: ScheduleId) -> Result<ScheduleDeletion, RepositoryError> {
        self.schedules.schedule_delete(id).await
    }

    /// Makes many changes in one transaction, or none; see [`ScheduleRepository::schedule_change_many`].
    ///
    /// # Errors
    /// As the repository; then nothing is changed.
    pub async fn change_schedules(
        &self,
        changes: &[ScheduleChange],
    ) -> Result<ChangedSchedules, RepositoryError> {
        self.schedules.schedule_change_many(changes).await
    }

    /// As [`Self::delete_schedule`], of a schedule of this version.
    ///
    /// # Errors
    /// As the repository.
    pub async fn delete_schedule_version(
        &self,
        id: ScheduleId,
        version: u32,
    ) -> Result<ScheduleDeletion, RepositoryError> {
        self.schedules.schedule_delete_version(id, version).await
    }

    /// Disables a schedule that cannot be understood, with the reason in its row.
    ///
    /// # Errors
    /// As the repository.
    pub async fn invalidate_schedule(
        &self,
        id: ScheduleId,
        timing_version: u32,
        reason: &str,
    ) -> Result<(), RepositoryError> {
        self.schedules
            .schedule_invalidate(id, timing_version, reason)
            .await
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
    pub async fn fire_ticks(&self, firings: &[TickFiring]) -> Result<CommittedFirings, RepositoryError> {
        self.ticks.tick_fire_many(firings).await
    }

    /// Has a schedule run out of turn; see [`TickRepository::tick_add_manual`].
    ///
    /// # Errors
    /// `NotFound` when the schedule does not exist; otherwise as the repository.
    pub async fn run_by_hand(&self, runs: &ManualRuns) -> Result<CommittedRuns, RepositoryError> {
        self.ticks.tick_add_manual(runs).await
    }

    /// A job.
    ///
    /// # Errors
    /// As the repository.
    pub async fn find_job(&self, id: JobId) -> Result<Option<UnifiedJob>, RepositoryError> {
        self.jobs.job_find(id).await
    }

    /// What a schedule said before, in the order of time.
    ///
    /// # Errors
    /// As the repository.
    pub async fn list_periods(&self, id: ScheduleId) -> Result<Vec<SchedulePeriod>, RepositoryError> {
        self.schedules.schedule_list_periods(id).await
    }

    /// The next `limit` schedules in the order of their ids, whatever their state.
    ///
    /// # Errors
    /// As the repository.
    pub async fn scan_schedules(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        self.schedules.schedule_scan(after, limit).await
    }

    /// The schedule of this name.
    ///
    /// # Errors
    /// As the repository.
    pub async fn find_schedule_by_name(
        &self,
        name: &str,
    ) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        self.schedules.schedule_find_by_name(name).await
    }

    /// What the ledger has of a schedule at an instant; see [`TickRepository::tick_find`].
    ///
    /// # Errors
    /// As the repository.
    pub async fn find_ticks(
        &self,
        id: ScheduleId,
        instant: DateTime<Utc>,
    ) -> Result<Vec<Tick>, RepositoryError> {
        self.ticks.tick_find(id, instant).await
    }

    /// A schedule's ledger, a page after the other; see [`TickRepository::tick_scan`].
    ///
    /// # Errors
    /// As the repository.
    pub async fn scan_ticks(
        &self,
        id: ScheduleId,
        from: DateTime<Utc>,
        after: Option<(DateTime<Utc>, u32)>,
        limit: u32,
    ) -> Result<Vec<Tick>, RepositoryError> {
        self.ticks.tick_scan(id, from, after, limit).await
    }

    /// Deletes old ledger rows; see [`TickRepository::tick_prune`].
    ///
    /// # Errors
    /// As the repository.
    pub async fn prune_ticks(
        &self,
        schedules: &[ScheduleId],
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u64, RepositoryError> {
        self.ticks.tick_prune(schedules, before, limit).await
    }

    /// Deletes jobs that ended long ago; see [`JobRepository::job_prune`].
    ///
    /// # Errors
    /// As the repository.
    pub async fn prune_jobs(&self, pruning: JobPruning) -> Result<u64, RepositoryError> {
        self.jobs.job_prune(pruning).await
    }

    /// The last tick of a schedule that was decided on.
    ///
    /// # Errors
    /// As the repository.
    pub async fn last_decided(&self, id: ScheduleId) -> Result<Option<Tick>, RepositoryError> {
        let filter = TickFilter::of([
            TickCondition::ScheduleId(Choice::Is(id)),
            TickCondition::ByHand(false),
        ]);
        let newest = self
            .ticks
            .tick_list(&filter, TickSort::default(), PageRequest::new(0, 1)?)
            .await?;
        Ok(newest.items.into_iter().next())
    }

    /// What is known of the database as a whole.
    ///
    /// # Errors
    /// As the repository.
    pub async fn find_fact(&self, fact: Fact) -> Result<Option<String>, RepositoryError> {
        self.facts.fact_find(fact).await
    }

    /// Writes what is known of the database as a whole, all in one transaction.
    ///
    /// # Errors
    /// As the repository.
    pub async fn store_facts(&self, facts: &[(Fact, String)]) -> Result<(), RepositoryError> {
        self.facts.fact_store(facts).await
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
        MockFactRepository, MockJobRepository, MockRepositoryFactory, MockScheduleRepository,
        MockTickRepository, SchedulePolicies, ScheduleTiming,
    };

    use super::*;

    fn midnight() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
    }

    fn timing(cron: &str, next_run: Option<DateTime<Utc>>) -> ScheduleTiming {
        ScheduleTiming {
            id: ScheduleId::new(),
            timing_version: 1,
            specification: cron.to_owned(),
            timezone: "UTC".to_owned(),
            policies: SchedulePolicies::default(),
            next_run,
            resume_at: None,
            effective_from: midnight(),
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
        factory
            .expect_facts()
            .returning(|| Arc::new(MockFactRepository::new()));
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

        let mut pages = bridge.load_all_schedules(2);
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
            .load_all_schedules(10)
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
            .withf(move |runs| runs.len() == 1 && runs[0].1 == Ok(nine))
            .times(1)
            .returning(|_| Ok(()));
        let page = bridge_to(schedules, MockJobRepository::new())
            .load_all_schedules(10)
            .next()
            .await;
        assert_eq!(page.unwrap().unwrap().schedules[0].next_run, nine);
    }
}
