use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    Choice, Clock, JobFilter, JobId, JobSort, JobStatus, OutputDestination, OverlapPolicy, PageRequest,
    RepositoryFactory, SchedulePolicies, SortOrder, TaskId, Tick, TickCondition, TickFilter, TickOutcome,
    TickSort, UnifiedSchedule,
};
use ratchet_scheduler::SystemClock;
use ratchet_storage::Database;

const HEARTBEAT: &str = "00000000-0000-0000-0000-000000000001";

/// Schedules that fire every second, whose ledger can be audited.
pub struct EverySecond {
    count: usize,
    first: DateTime<Utc>,
}

impl EverySecond {
    /// Makes them in a database that a server has been started on, to fire from the next second on.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn create(url: &str, count: usize) -> Self {
        let database = Database::connect(url).await.unwrap();
        let now = SystemClock::new().now();
        let task: TaskId = HEARTBEAT.parse().unwrap();
        let first = DateTime::from_timestamp(now.timestamp() + 1, 0).unwrap();
        let schedules: Vec<_> = (0..count)
            .map(|number| UnifiedSchedule {
                next_run: Some(first),
                output_destinations: vec![OutputDestination::stdout_json()],
                policies: SchedulePolicies {
                    overlap: OverlapPolicy::Allow,
                    ..SchedulePolicies::default()
                },
                ..UnifiedSchedule::new(name(number), task, "* * * * * *", now)
            })
            .collect();
        let repositories = database.repositories();
        repositories
            .schedules()
            .schedule_create_many(&schedules)
            .await
            .unwrap();
        database.close().await.unwrap();
        Self { count, first }
    }

    /// Finds every nominal second of each schedule in the ledger exactly once, at most one job for each, and no job
    /// unfinished. Returns how many seconds there are, and how many of them became jobs.
    ///
    /// # Panics
    /// When the ledger or the queue is not in order.
    pub async fn audit(&self, url: &str) -> (u64, usize) {
        let database = Database::connect(url).await.unwrap();
        let repositories = database.repositories();
        let mut jobs_of_ticks = HashSet::new();
        let mut seconds = 0;
        for number in 0..self.count {
            seconds += self
                .audit_schedule(&*repositories, &name(number), &mut jobs_of_ticks)
                .await;
        }
        let jobs = finished_jobs(&*repositories).await;
        assert!(
            jobs.is_superset(&jobs_of_ticks),
            "a tick names a job that does not exist"
        );
        database.close().await.unwrap();
        (seconds, jobs_of_ticks.len())
    }

    async fn audit_schedule(
        &self,
        repositories: &dyn RepositoryFactory,
        name: &str,
        jobs_of_ticks: &mut HashSet<JobId>,
    ) -> u64 {
        let schedules = repositories.schedules();
        let schedule = schedules.schedule_find_by_name(name).await.unwrap().unwrap();
        let next = schedule.next_run.expect("it goes on for ever");
        let ledger = whole_ledger(repositories, &schedule).await;
        let mut expected = self.first;
        let mut fired = 0;
        for tick in &ledger {
            assert_eq!(
                tick.record.scheduled_for, expected,
                "{name}: a second is missing or doubled"
            );
            let length = (tick.record.through - tick.record.scheduled_for).num_seconds() + 1;
            assert_eq!(u64::try_from(length).unwrap(), tick.record.count);
            expected = tick.record.through + TimeDelta::seconds(1);
            let job = tick
                .record
                .job_id
                .expect("every tick names the job that it became or was merged into");
            if tick.record.outcome == TickOutcome::Fired {
                fired += 1;
                assert!(jobs_of_ticks.insert(job), "{name}: two ticks became one job");
            }
        }
        assert_eq!(
            expected, next,
            "{name}: the ledger ends where the schedule goes on"
        );
        assert_eq!(schedule.run_count, fired);
        ledger.iter().map(|tick| tick.record.count).sum()
    }
}

fn name(number: usize) -> String {
    format!("every-second-{number}")
}

async fn finished_jobs(repositories: &dyn RepositoryFactory) -> HashSet<JobId> {
    let mut keys = HashSet::new();
    let mut jobs = HashSet::new();
    let mut offset = 0;
    loop {
        let page = PageRequest::new(offset, PageRequest::MAX_LIMIT).unwrap();
        let sort = JobSort::QueuedAt(SortOrder::Ascending);
        let page = repositories
            .jobs()
            .job_list(&JobFilter::default(), sort, page)
            .await
            .unwrap();
        if page.items.is_empty() {
            return jobs;
        }
        offset += page.items.len() as u64;
        for job in page.items {
            assert_ne!(
                job.status,
                JobStatus::Processing,
                "a graceful stop leaves no job behind"
            );
            assert_ne!(job.status, JobStatus::Failed, "{:?}", job.error);
            let key = (job.schedule_id, job.scheduled_for);
            assert!(keys.insert(key), "two jobs for one tick: {key:?}");
            jobs.insert(job.id);
        }
    }
}

async fn whole_ledger(repositories: &dyn RepositoryFactory, schedule: &UnifiedSchedule) -> Vec<Tick> {
    let filter = TickFilter::of([TickCondition::ScheduleId(Choice::Is(schedule.id))]);
    let mut ledger = Vec::new();
    loop {
        let page = PageRequest::new(ledger.len() as u64, PageRequest::MAX_LIMIT).unwrap();
        let page = repositories
            .ticks()
            .tick_list(&filter, TickSort::default(), page)
            .await
            .unwrap();
        if page.items.is_empty() {
            break;
        }
        ledger.extend(page.items);
    }
    ledger.sort_by_key(|tick| tick.record.scheduled_for);
    ledger
}
