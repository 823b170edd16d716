//! Schedules that follow others, through the engine on both databases and through the real binary.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, BackfillOrder, BackfillRequest, Choice, ClaimRequest, Clock,
    ForecastRequest, JobCondition, JobFilter, JobOrigin, JobSort, JobStatus, ManualClock, MisfirePolicy,
    NodeId, OutputDestination, PageRequest, PauseRequest, RepositoryError, RepositoryFactory, ResumeRequest,
    ScheduleId, SchedulePolicies, SchedulerError, SchedulerService, SortOrder, TaskId, TickVerdict,
    UnifiedJob, UnifiedSchedule, WhatIf,
};
use ratchet_scheduler::{AuditRange, AuditReport, SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::{
    ServerProcess, all_jobs, execute_sql, ratchet_binary, set_back_heartbeat, store_task, with_repositories,
};
use rustix::process::Signal;
use serde_json::json;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An engine with the schedule `import`, which ticks every ten minutes from 12:10 on, `report`, which follows it when it
/// succeeds, and `mail`, which follows `report` whatever becomes of that.
struct Engine {
    service: TokioCronSchedulerService,
    repositories: Arc<dyn RepositoryFactory>,
    clock: Arc<ManualClock>,
    task: TaskId,
    import: ScheduleId,
    report: ScheduleId,
    mail: ScheduleId,
    node: NodeId,
}

impl Engine {
    async fn on_each_database(scenario: impl AsyncFn(&Self)) {
        for database in TestDatabase::each().await {
            println!("on {}", database.url());
            let engine = Self::new(database.repositories()).await;
            scenario(&engine).await;
            engine.audited().await;
            engine.service.stop().await.unwrap();
        }
    }

    async fn new(repositories: Arc<dyn RepositoryFactory>) -> Self {
        let now = at("2026-06-01T12:00:30Z");
        let clock = Arc::new(ManualClock::at(now));
        let service = TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let task = store_task(&*repositories, now).await;
        let add = async |name: &str, specification: &str| {
            let schedule = UnifiedSchedule::new(name, task, specification, now);
            service.add_schedule(schedule).await.unwrap().id
        };
        let import = add("import", "*/10 * * * *").await;
        let report = add("report", "after import succeeded").await;
        let mail = add("mail", "after \"report\" finished").await;
        service.start().await.unwrap();
        Self {
            service,
            repositories,
            clock,
            task,
            import,
            report,
            mail,
            node: NodeId::new(),
        }
    }

    async fn stored(&self, id: ScheduleId) -> UnifiedSchedule {
        let found = self.repositories.schedules().schedule_find(id).await;
        found.unwrap().unwrap()
    }

    /// The next tick of the leader comes, and is decided on.
    async fn tick(&self) -> DateTime<Utc> {
        let next = self.stored(self.import).await.next_run.unwrap();
        self.clock.advance_to(next);
        while self.stored(self.import).await.next_run == Some(next) {
            tokio::task::yield_now().await;
        }
        next
    }

    async fn jobs(&self, id: ScheduleId) -> Vec<UnifiedJob> {
        let filter = JobFilter::of([JobCondition::ScheduleId(Choice::Is(id))]);
        let sort = JobSort::ScheduledFor(SortOrder::Ascending);
        let page = PageRequest::new(0, PageRequest::MAX_LIMIT).unwrap();
        let jobs = self.repositories.jobs();
        jobs.job_list(&filter, sort, page).await.unwrap().items
    }

    async fn statuses(&self, id: ScheduleId) -> Vec<JobStatus> {
        self.jobs(id).await.iter().map(|job| job.status).collect()
    }

    /// Runs the jobs that wait, and has each end like this. Says whose they were.
    async fn jobs_end(&self, result: AttemptResult) -> Vec<Option<ScheduleId>> {
        let now = self.clock.now();
        let request = ClaimRequest {
            node: self.node,
            now,
            limit: 1_000,
            aged: 0,
            lease_until: now + TimeDelta::hours(1),
        };
        let jobs = self.repositories.jobs();
        let claimed = jobs.job_claim_many(request).await.unwrap().jobs;
        let ended: Vec<_> = claimed
            .iter()
            .map(|claimed| {
                AttemptOutcome::new(
                    claimed.job.id,
                    claimed.execution_id,
                    self.node,
                    result.clone(),
                    now,
                )
            })
            .collect();
        jobs.job_settle_many(&ended).await.unwrap();
        claimed.iter().map(|claimed| claimed.job.schedule_id).collect()
    }

    async fn audited(&self) -> AuditReport {
        let report = self.service.audit(AuditRange::default(), |_| ()).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        report
    }

    async fn why(&self, id: ScheduleId, instant: &str) -> (TickVerdict, String) {
        let account = self.service.why(id, at(instant)).await.unwrap();
        (account.verdict, account.words)
    }
}

fn succeeds() -> AttemptResult {
    AttemptResult::Succeeded { output: json!(1) }
}

fn fails() -> AttemptResult {
    AttemptResult::Failed {
        error: "no use".to_owned(),
    }
}

/// What was refused of a schedule: the field, its value and why.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, SchedulerError>) -> (&'static str, String, String) {
    match answer.unwrap_err() {
        SchedulerError::InvalidSchedule {
            field, value, source, ..
        } => (field, value, source.to_string()),
        SchedulerError::InvalidRequest { field, value, rule } => (field, value, rule),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_runs_one_after_the_other_and_is_accounted_for() {
    Engine::on_each_database(async |engine| {
        let (import, report, mail) = (engine.import, engine.report, engine.mail);
        let first = engine.tick().await;
        for (id, then) in [(import, report), (report, mail)] {
            assert_eq!(engine.statuses(then).await, [JobStatus::Blocked]);
            assert_eq!(engine.jobs_end(succeeds()).await, [Some(id)]);
        }
        assert_eq!(engine.jobs_end(succeeds()).await, [Some(mail)]);
        assert_eq!(engine.jobs(mail).await[0].scheduled_for, Some(first));

        engine.tick().await;
        assert_eq!(engine.jobs_end(fails()).await, [Some(import)]);
        assert_eq!(
            engine.statuses(report).await,
            [JobStatus::Completed, JobStatus::Cancelled]
        );
        let job = &engine.jobs(report).await[1];
        assert!(job.error.as_deref().unwrap().contains("did not succeed"));
        // It follows whatever becomes of the other, and so also when that is called off.
        assert_eq!(engine.jobs_end(succeeds()).await, [Some(mail)]);

        let (verdict, words) = engine.why(report, "2026-06-01T12:20:00Z").await;
        assert_eq!(verdict, TickVerdict::Recorded, "{words}");
        assert!(words.contains("after \"import\""), "{words}");
        let (verdict, words) = engine.why(mail, "2026-06-01T12:30:00Z").await;
        assert_eq!(verdict, TickVerdict::Expected, "{words}");
        assert!(
            words.contains("follows \"report\" when a job of that has finished")
                && words.contains("follows \"import\" when a job of that has succeeded"),
            "{words}"
        );
        assert_eq!(engine.audited().await.ticks, 6);
        let stored = engine.stored(report).await;
        assert_eq!((stored.run_count, stored.next_run), (2, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_follower_skips_with_a_reason_until_it_is_resumed() {
    Engine::on_each_database(async |engine| {
        let pause = PauseRequest {
            by: "ada".to_owned(),
            note: None,
            resume_at: None,
        };
        engine.service.pause_schedule(engine.report, pause).await.unwrap();
        engine.tick().await;
        engine.service.trigger_now(engine.import, None).await.unwrap();
        let (verdict, words) = engine.why(engine.report, "2026-06-01T12:10:00Z").await;
        assert_eq!(verdict, TickVerdict::Recorded, "{words}");
        assert!(words.contains("paused"), "{words}");
        let (verdict, words) = engine.why(engine.report, "2026-06-01T12:20:00Z").await;
        assert_eq!(verdict, TickVerdict::Paused, "{words}");
        assert_eq!(engine.jobs(engine.report).await, []);
        assert_eq!(engine.jobs(engine.mail).await, []);

        let resume = ResumeRequest {
            by: "ada".to_owned(),
            skip_missed: false,
        };
        let resumed = engine.service.resume_schedule(engine.report, resume).await;
        assert_eq!(resumed.unwrap().pause, None);
        engine.jobs_end(succeeds()).await;
        engine.tick().await;
        assert_eq!(engine.statuses(engine.report).await, [JobStatus::Blocked]);
        engine.audited().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_up_for_of_a_leader_brings_the_runs_of_its_followers() {
    Engine::on_each_database(async |engine| {
        let request = BackfillRequest {
            from: at("2026-06-01T11:00:00Z"),
            to: at("2026-06-01T12:00:00Z"),
            order: BackfillOrder::OldestFirst,
            max_count: 100,
            per_minute: None,
            only_missing: true,
            input: None,
            by: "ada".to_owned(),
            note: None,
        };
        let made = engine.service.backfill(engine.import, request.clone()).await;
        assert_eq!(made.unwrap().jobs, 6);
        let jobs = engine.jobs(engine.mail).await;
        assert_eq!(jobs.len(), 6);
        assert!(jobs.iter().all(|job| job.origin == JobOrigin::Backfill));
        for (place, leader) in engine.jobs(engine.import).await.iter().enumerate() {
            assert_eq!(jobs[place].scheduled_for, leader.scheduled_for);
        }
        for expected in [engine.import, engine.report, engine.mail] {
            engine.clock.advance(TimeDelta::seconds(1));
            assert_eq!(engine.jobs_end(succeeds()).await, [Some(expected); 6]);
        }
        let (field, value, rule) = refused(engine.service.backfill(engine.report, request).await);
        assert_eq!((field, value.as_str()), ("schedule", "report"));
        assert!(rule.contains(&engine.import.to_string()), "{rule}");
        // Out of turn, a follower waits for nobody.
        let own = engine.service.trigger_now(engine.report, None).await.unwrap();
        assert_eq!((own.status, own.request), (JobStatus::Queued, 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_meaning_for_a_follower_is_refused_by_field() {
    Engine::on_each_database(async |engine| {
        let new =
            |specification: &str| UnifiedSchedule::new("new", engine.task, specification, engine.clock.now());
        let add = async |schedule| refused(engine.service.add_schedule(schedule).await);
        for (specification, says) in [
            (
                "after nobody succeeded",
                "no schedule has the name or id \"nobody\"",
            ),
            ("after import won", "\"won\""),
            ("after succeeded", "names no schedule"),
        ] {
            let (field, value, why) = add(new(specification)).await;
            assert_eq!((field, value.as_str()), ("specification", specification));
            assert!(why.contains(says), "{why}");
        }
        let skips = SchedulePolicies {
            misfire: MisfirePolicy::Skip,
            ..SchedulePolicies::default()
        };
        let (field, value, _) = add(UnifiedSchedule {
            policies: skips,
            ..new("after import failed")
        })
        .await;
        assert_eq!((field, value.as_str()), ("misfire", "skip"));
        let (field, value, _) = add(UnifiedSchedule {
            timezone: "Europe/Berlin".to_owned(),
            ..new("after import failed")
        })
        .await;
        assert_eq!((field, value.as_str()), ("timezone", "Europe/Berlin"));

        let circle = UnifiedSchedule {
            specification: "after mail finished".to_owned(),
            ..engine.stored(engine.import).await
        };
        match engine.service.update_schedule(circle).await {
            Err(SchedulerError::Repository {
                source: RepositoryError::FollowingCycle { circle },
                ..
            }) => assert_eq!(
                circle,
                r#""import" follows "mail" follows "report" follows "import""#
            ),
            other => panic!("{other:?}"),
        }
        match engine.service.remove_schedule(engine.report).await {
            Err(SchedulerError::Repository {
                source: RepositoryError::IsFollowed { followers, .. },
                ..
            }) => assert_eq!(followers, "\"mail\""),
            other => panic!("{other:?}"),
        }
        engine.service.remove_schedule(engine.mail).await.unwrap();
        engine.service.remove_schedule(engine.report).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_gets_ticks_of_its_own_and_follows_again_is_accounted_for_throughout() {
    Engine::on_each_database(async |engine| {
        engine.tick().await;
        engine.clock.advance(TimeDelta::minutes(2));
        let edit = async |specification: &str| {
            let edited = UnifiedSchedule {
                specification: specification.to_owned(),
                ..engine.stored(engine.report).await
            };
            engine.service.update_schedule(edited).await.unwrap()
        };
        let own = edit("*/5 * * * *").await;
        assert_eq!(own.next_run, Some(at("2026-06-01T12:15:00Z")));
        engine.clock.advance_to(at("2026-06-01T12:15:00Z"));
        while engine.stored(engine.report).await.next_run == own.next_run {
            tokio::task::yield_now().await;
        }
        engine.clock.advance(TimeDelta::minutes(2));
        let again = edit("after import finished").await;
        assert_eq!(again.next_run, None);
        engine.tick().await;
        engine.clock.advance(TimeDelta::minutes(2));
        assert_eq!(engine.jobs(engine.report).await.len(), 3);
        let report = engine.audited().await;
        // Two of the leader; the first of those that follow, its own, and the second.
        assert_eq!((report.ticks, report.unreadable), (8, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_has_no_ticks_of_followers() {
    Engine::on_each_database(async |engine| {
        let request = |what_if| ForecastRequest {
            from: at("2026-06-01T12:00:00Z"),
            to: at("2026-06-01T13:00:00Z"),
            what_if,
        };
        let ticks = engine.service.forecast(request(Vec::new())).await.unwrap();
        let names: Vec<_> = ticks.map(|tick| tick.name.to_string()).collect();
        assert_eq!(names, ["import"; 5]);
        let idea = WhatIf::Set {
            name: "new".to_owned(),
            specification: "after import succeeded".to_owned(),
            timezone: "UTC".to_owned(),
            spread: Duration::ZERO,
        };
        let refusal = engine.service.forecast(request(vec![idea])).await;
        let (field, _, rule) = refused(refusal.map(drop));
        assert_eq!(field, "whatIf.specification");
        assert!(rule.contains("follows another"), "{rule}");
    })
    .await;
}

#[test]
fn the_server_runs_a_follower_after_its_leader_and_the_commands_tell_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = ServerProcess::start(folder.path(), &[]).ready();
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));
    with_repositories(folder.path(), async |repositories| {
        let schedules = repositories.schedules();
        let found = schedules.schedule_find_by_name("system_heartbeat").await;
        let heartbeat = found.unwrap().unwrap();
        let follower = UnifiedSchedule {
            output_destinations: vec![OutputDestination::stdout_json()],
            ..UnifiedSchedule::new(
                "report",
                heartbeat.task_id,
                format!("after {} succeeded", heartbeat.id),
                heartbeat.created_at,
            )
        };
        schedules.schedule_create(&follower).await.unwrap();
    });
    set_back_heartbeat(folder.path());
    // As if it had been made before that tick, too.
    execute_sql(
        folder.path(),
        "UPDATE schedules SET effective_from = next_run - 1 WHERE next_run IS NOT NULL",
    );
    let mut server = ServerProcess::start(folder.path(), &[]).ready();
    let deadline = Instant::now() + Duration::from_secs(30);
    server.watch(deadline, |results| results.len() >= 2);
    assert_eq!(server.end_by(Signal::TERM).code, Some(0));

    let scheduled_for = with_repositories(folder.path(), async |repositories| {
        let jobs = all_jobs(repositories).await;
        let follower = jobs.iter().find(|job| job.after.is_some()).unwrap();
        let after = repositories.jobs().job_dependencies(follower.id).await.unwrap();
        let leader = jobs.iter().find(|job| after == [job.id]).unwrap();
        assert_eq!(leader.scheduled_for, follower.scheduled_for);
        assert_eq!(follower.status, JobStatus::Completed);
        assert!(leader.completed_at.unwrap() <= follower.started_at.unwrap());
        follower.scheduled_for.unwrap()
    });
    let ratchet = |arguments: &[&str]| {
        let output = Command::new(ratchet_binary())
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = ratchet(&["why", "report", &scheduled_for.to_rfc3339()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("fired") && said.contains("after \"system_heartbeat\""),
        "{said}"
    );
    let (code, said) = ratchet(&["verify"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = ratchet(&["cron", "next", "after report failed"]);
    assert_eq!((code, said.contains("no instants")), (Some(2), true), "{said}");
}
