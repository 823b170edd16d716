use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, ClaimRequest, ClaimedJob, Clock, ManualClock, MisfirePolicy, NodeId,
    OverlapPolicy, PauseRequest, RepositoryFactory, ResumeRequest, ScheduleId, SchedulePolicies,
    ScheduleState, SchedulerService, StopRequest, TaskId, TickOutcome, UnifiedSchedule,
};
use ratchet_scheduler::{AuditRange, SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;
use tokio::sync::Mutex;

const CATCH_UP_MAX: u32 = 5;
const BUFFER_LIMIT: u32 = 3;

/// A schedule of each pair of policies that ticks every ten seconds, and some that are spread, exclude, or live in
/// zones; an engine that fires them by a manual clock; and a worker who takes their jobs and ends them when told.
pub(crate) struct World {
    pub(crate) service: TokioCronSchedulerService,
    repositories: Arc<dyn RepositoryFactory>,
    clock: Arc<ManualClock>,
    schedules: Vec<ScheduleId>,
    node: NodeId,
    running: Mutex<Vec<ClaimedJob>>,
}

impl World {
    pub(crate) async fn on_each_database(scenario: impl AsyncFn(&Self)) {
        for database in TestDatabase::each().await {
            let world = Self::new(database.repositories()).await;
            scenario(&world).await;
            world.service.stop().await.unwrap();
        }
    }

    async fn new(repositories: Arc<dyn RepositoryFactory>) -> Self {
        let begin = Utc.with_ymd_and_hms(2026, 3, 28, 12, 0, 1).unwrap();
        let clock = Arc::new(ManualClock::at(begin));
        let service = TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let task = store_task(&*repositories, begin).await;
        let mut schedules = Vec::new();
        for schedule in schedules_of(task, begin) {
            schedules.push(service.add_schedule(schedule).await.unwrap().id);
        }
        service.start().await.unwrap();
        Self {
            service,
            repositories,
            clock,
            schedules,
            node: NodeId::new(),
            running: Mutex::default(),
        }
    }

    /// Pauses all that are not completed.
    pub(crate) async fn paused(&self, resume_at: Option<DateTime<Utc>>) {
        for id in &self.schedules {
            if self.stored(*id).await.state == ScheduleState::Active {
                let request = PauseRequest {
                    by: "the test".to_owned(),
                    note: None,
                    resume_at,
                };
                self.service.pause_schedule(*id, request).await.unwrap();
            }
        }
    }

    pub(crate) async fn resumed(&self, skip_missed: bool) {
        for id in &self.schedules {
            let request = ResumeRequest {
                by: "the test".to_owned(),
                skip_missed,
            };
            self.service.resume_schedule(*id, request).await.unwrap();
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Time passes at once, as it does for an engine that is too busy to look at the clock.
    pub(crate) async fn passes(&self, time: TimeDelta) {
        self.clock.advance(time);
        self.settled().await;
    }

    pub(crate) async fn is_down_for(&self, time: TimeDelta) {
        self.service.stop().await.unwrap();
        self.clock.advance(time);
        self.service.start().await.unwrap();
        self.settled().await;
    }

    pub(crate) fn clock_is_set_by(&self, time: TimeDelta) {
        self.clock.step_to(self.clock.now() + time);
    }

    /// Waits until no tick is due that was not decided on.
    pub(crate) async fn settled(&self) {
        let settling = async {
            for id in &self.schedules {
                while self.is_behind(*id).await {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), settling)
            .await
            .expect("ticks stay undecided");
    }

    async fn is_behind(&self, id: ScheduleId) -> bool {
        let schedule = self.stored(id).await;
        let now = self.clock.now();
        match schedule.pause {
            Some(pause) => pause.resume_at.is_some_and(|resume_at| resume_at <= now),
            None => schedule
                .next_run
                .is_some_and(|next| next + schedule.policies.spread <= now),
        }
    }

    pub(crate) async fn named(&self, name: &str) -> UnifiedSchedule {
        let schedules = self.repositories.schedules();
        let found = schedules.schedule_find_by_name(name).await.unwrap();
        found.expect("nobody renames schedules")
    }

    async fn stored(&self, id: ScheduleId) -> UnifiedSchedule {
        let found = self.repositories.schedules().schedule_find(id).await.unwrap();
        found.expect("nobody deletes schedules")
    }

    /// Recomputes every nominal tick, and finds each in the ledger once.
    pub(crate) async fn audited(&self, after: &str) {
        let range = AuditRange { from: None, to: None };
        let report = self.service.audit(range, |_| ()).await.unwrap();
        assert_eq!(report.faults_total, 0, "after {after}: {:#?}", report.faults);
        assert_eq!(report.schedules, self.schedules.len() as u64);
    }

    /// Takes all jobs that wait.
    pub(crate) async fn jobs_begin(&self) {
        let mut running = self.running.lock().await;
        loop {
            let request = ClaimRequest {
                node: self.node,
                // Jobs that were made while the clock was ahead run as well.
                now: self.clock.now() + TimeDelta::days(2),
                limit: 1_000,
                aged: 0,
                lease_until: self.clock.now() + TimeDelta::hours(1),
            };
            let claimed = self
                .repositories
                .jobs()
                .job_claim_many(request)
                .await
                .unwrap()
                .jobs;
            if claimed.is_empty() {
                return;
            }
            running.extend(claimed);
        }
    }

    /// Ends all jobs: those that run, and those that waited for them.
    pub(crate) async fn jobs_end(&self) {
        loop {
            self.jobs_begin().await;
            let running = std::mem::take(&mut *self.running.lock().await);
            if running.is_empty() {
                return;
            }
            let executions: Vec<_> = running.iter().map(|claimed| claimed.execution_id).collect();
            let jobs = self.repositories.jobs();
            let stops = jobs.job_stop_requests(self.node, &executions).await.unwrap();
            let outcomes: Vec<_> = running
                .into_iter()
                .filter_map(|claimed| {
                    let stop = stops.iter().find(|(id, _)| *id == claimed.execution_id);
                    let result = match stop {
                        Some((_, StopRequest::Terminate)) => return None,
                        Some((_, StopRequest::Cancel)) => AttemptResult::Cancelled {
                            reason: "asked to stop".to_owned(),
                        },
                        None => AttemptResult::Succeeded {
                            output: serde_json::Value::Null,
                        },
                    };
                    Some(AttemptOutcome {
                        job_id: claimed.job.id,
                        execution_id: claimed.execution_id,
                        node: self.node,
                        result,
                        error_kind: None,
                        deliveries: Vec::new(),
                        log: Vec::new(),
                        ended_at: self.clock.now(),
                        duration: TimeDelta::seconds(1),
                    })
                })
                .collect();
            jobs.job_settle_many(&outcomes).await.unwrap();
        }
    }

    /// How many ticks after `instant` had which outcome, of the schedules of one overlap policy that tick every ten
    /// seconds.
    pub(crate) async fn outcomes_since(
        &self,
        instant: DateTime<Utc>,
        overlap: OverlapPolicy,
    ) -> Vec<(SchedulePolicies, BTreeMap<TickOutcome, u64>)> {
        let mut all = Vec::new();
        for id in &self.schedules {
            let schedule = self.stored(*id).await;
            if schedule.policies.overlap != overlap || schedule.specification != "*/10 * * * * *" {
                continue;
            }
            let mut outcomes = BTreeMap::new();
            let ledger = self.repositories.ticks();
            for tick in ledger.tick_scan(*id, instant, None, 10_000).await.unwrap() {
                *outcomes.entry(tick.record.outcome).or_default() += tick.record.count;
            }
            all.push((schedule.policies, outcomes));
        }
        assert!(!all.is_empty());
        all
    }

    /// Changes what each schedule says.
    pub(crate) async fn edited(&self) {
        for id in &self.schedules {
            let schedule = UnifiedSchedule {
                specification: "every 7s".to_owned(),
                policies: SchedulePolicies {
                    spread: TimeDelta::zero(),
                    // Those that have run as often as they may would be refused.
                    max_runs: None,
                    ..self.stored(*id).await.policies
                },
                ..self.stored(*id).await
            };
            self.service.update_schedule(schedule).await.unwrap();
        }
    }
}

fn schedules_of(task: TaskId, now: DateTime<Utc>) -> Vec<UnifiedSchedule> {
    let mut schedules = Vec::new();
    for misfire in MisfirePolicy::ALL {
        for overlap in OverlapPolicy::ALL {
            let policies = SchedulePolicies {
                misfire: *misfire,
                overlap: *overlap,
                catch_up_max: CATCH_UP_MAX,
                buffer_limit: BUFFER_LIMIT,
                ..SchedulePolicies::default()
            };
            let plain = UnifiedSchedule {
                policies,
                ..UnifiedSchedule::new(format!("{misfire} {overlap}"), task, "*/10 * * * * *", now)
            };
            schedules.push(plain);
        }
        let policies = SchedulePolicies {
            misfire: *misfire,
            overlap: OverlapPolicy::BufferAll,
            grace: Some(TimeDelta::seconds(90)),
            ..SchedulePolicies::default()
        };
        schedules.push(UnifiedSchedule {
            policies: SchedulePolicies {
                spread: TimeDelta::seconds(20),
                ..policies
            },
            ..UnifiedSchedule::new(format!("spread, {misfire}"), task, "*/20 * * * * *", now)
        });
        schedules.push(UnifiedSchedule {
            policies,
            timezone: "Europe/Berlin".to_owned(),
            ..UnifiedSchedule::new(
                format!("with exclusions over a change of the clock, {misfire}"),
                task,
                "*/5 * * * *; every 7m; except cron */15 * * * *; except sun 04:00-sun 06:00; overlap twice",
                now,
            )
        });
        schedules.push(UnifiedSchedule {
            policies: SchedulePolicies {
                max_runs: Some(20),
                ..policies
            },
            ..UnifiedSchedule::new(format!("twenty times, {misfire}"), task, "* * * * * *", now)
        });
    }
    schedules
}
