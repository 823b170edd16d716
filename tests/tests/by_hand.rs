//! What somebody has a schedule do out of turn: runs at once, past ticks that are made up for, pauses.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, BackfillOrder, BackfillRequest, Choice, ClaimRequest, Clock, JobCondition,
    JobFilter, JobOrigin, JobSort, ManualClock, NodeId, OverlapPolicy, PageRequest, PauseRequest,
    RepositoryFactory, ResumeRequest, ScheduleId, SchedulePolicies, SchedulerService, Settlement, SortOrder,
    Tick, TickOutcome, TickVerdict, UnifiedJob, UnifiedSchedule,
};
use ratchet_scheduler::{AuditRange, AuditReport, SchedulerConfig, TokioCronSchedulerService};
use ratchet_storage::test_support::TestDatabase;
use ratchet_tests::store_task;
use serde_json::json;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An engine with one schedule that ticks every ten minutes from 12:10 on.
struct Engine {
    service: TokioCronSchedulerService,
    repositories: Arc<dyn RepositoryFactory>,
    clock: Arc<ManualClock>,
    id: ScheduleId,
    node: NodeId,
}

impl Engine {
    async fn on_each_database(policies: SchedulePolicies, scenario: impl AsyncFn(&Self)) {
        for database in TestDatabase::each().await {
            let engine = Self::new(database.repositories(), policies).await;
            scenario(&engine).await;
            engine.service.stop().await.unwrap();
        }
    }

    async fn new(repositories: Arc<dyn RepositoryFactory>, policies: SchedulePolicies) -> Self {
        let now = at("2026-06-01T12:00:30Z");
        let clock = Arc::new(ManualClock::at(now));
        let service = TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
            .unwrap()
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let task = store_task(&*repositories, now).await;
        let schedule = UnifiedSchedule {
            policies,
            input: json!({ "from": "the schedule" }),
            ..UnifiedSchedule::new("report", task, "*/10 * * * *", now)
        };
        let id = service.add_schedule(schedule).await.unwrap().id;
        service.start().await.unwrap();
        Self {
            service,
            repositories,
            clock,
            id,
            node: NodeId::new(),
        }
    }

    async fn stored(&self) -> UnifiedSchedule {
        let found = self.repositories.schedules().schedule_find(self.id).await;
        found.unwrap().unwrap()
    }

    /// Time passes, and what is due then is decided on.
    async fn passes(&self, time: TimeDelta) {
        self.clock.advance(time);
        let now = self.clock.now();
        loop {
            let schedule = self.stored().await;
            let is_behind = match schedule.pause {
                Some(pause) => pause.resume_at.is_some_and(|resume_at| resume_at <= now),
                None => schedule.next_run.is_some_and(|next| next <= now),
            };
            if !is_behind {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn jobs(&self, origin: JobOrigin) -> Vec<UnifiedJob> {
        let filter = JobFilter::of([
            JobCondition::ScheduleId(Choice::Is(self.id)),
            JobCondition::Origin(Choice::Is(origin)),
        ]);
        let sort = JobSort::ScheduledFor(SortOrder::Ascending);
        let page = PageRequest::new(0, PageRequest::MAX_LIMIT).unwrap();
        let jobs = self.repositories.jobs();
        jobs.job_list(&filter, sort, page).await.unwrap().items
    }

    async fn ledger(&self, outcome: TickOutcome) -> Vec<Tick> {
        let ticks = self.repositories.ticks();
        let mut ledger = ticks
            .tick_scan(self.id, DateTime::UNIX_EPOCH, None, 1_000)
            .await
            .unwrap();
        ledger.retain(|tick| tick.record.outcome == outcome);
        ledger
    }

    async fn why(&self, instant: &str, verdict: TickVerdict) -> String {
        let account = self.service.why(self.id, at(instant)).await.unwrap();
        assert_eq!(account.verdict, verdict, "{instant}: {}", account.words);
        account.words
    }

    async fn audited(&self) -> AuditReport {
        let report = self.service.audit(AuditRange::default(), |_| ()).await.unwrap();
        assert!(report.is_sound(), "{:#?}", report.faults);
        report
    }

    /// Runs the jobs that wait, and has each end like this.
    async fn jobs_end(&self, result: AttemptResult) -> Settlement {
        let request = ClaimRequest {
            node: self.node,
            now: self.clock.now(),
            limit: 1_000,
            aged: 0,
            lease_until: self.clock.now() + TimeDelta::hours(1),
        };
        let jobs = self.repositories.jobs();
        let claimed = jobs.job_claim_many(request).await.unwrap().jobs;
        assert!(!claimed.is_empty(), "no job waits");
        let ended = claimed.into_iter().map(|claimed| AttemptOutcome {
            job_id: claimed.job.id,
            execution_id: claimed.execution_id,
            node: self.node,
            result: result.clone(),
            error_kind: None,
            deliveries: Vec::new(),
            log: Vec::new(),
            ended_at: self.clock.now(),
            duration: TimeDelta::seconds(1),
        });
        jobs.job_settle_many(&ended.collect::<Vec<_>>()).await.unwrap()
    }

    async fn resumed(&self, skip_missed: bool) {
        let request = ResumeRequest {
            by: "grace".to_owned(),
            skip_missed,
        };
        let schedule = self.service.resume_schedule(self.id, request).await.unwrap();
        assert_eq!((schedule.pause, schedule.consecutive_failures), (None, 0));
    }
}

fn side_by_side() -> SchedulePolicies {
    SchedulePolicies {
        overlap: OverlapPolicy::Allow,
        ..SchedulePolicies::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_is_a_job_and_a_row_beside_the_ticks() {
    Engine::on_each_database(side_by_side(), async |engine| {
        engine.passes(TimeDelta::minutes(5)).await;
        let input = json!({ "from": "ada" });
        let own = engine
            .service
            .trigger_now(engine.id, Some(input.clone()))
            .await
            .unwrap();
        // On a tick's very instant, after it was decided on.
        engine.clock.advance_to(at("2026-06-01T12:10:00Z"));
        engine.passes(TimeDelta::zero()).await;
        let stored = engine.service.trigger_now(engine.id, None).await.unwrap();

        let jobs = engine.jobs(JobOrigin::Trigger).await;
        assert_eq!(jobs, [own.clone(), stored.clone()]);
        assert_eq!((&jobs[0].input, jobs[0].request), (&input, 1));
        assert_eq!(
            (&jobs[1].input, jobs[1].request),
            (&json!({ "from": "the schedule" }), 2)
        );
        let rows: Vec<_> = engine
            .ledger(TickOutcome::Triggered)
            .await
            .into_iter()
            .map(|tick| (tick.request, tick.record.scheduled_for, tick.record.job_id))
            .collect();
        let (first, second) = (at("2026-06-01T12:05:30Z"), at("2026-06-01T12:10:00Z"));
        assert_eq!(rows, [(1, first, Some(own.id)), (2, second, Some(stored.id))]);

        let words = engine.why("2026-06-01T12:05:30Z", TickVerdict::NotDue).await;
        assert!(
            words.contains(&format!("triggered by request 1 as job {}", own.id)),
            "{words}"
        );
        let words = engine.why("2026-06-01T12:10:00Z", TickVerdict::Recorded).await;
        assert!(
            words.starts_with("fired on time") && words.contains(&format!("job {}", stored.id)),
            "{words}"
        );
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.outcomes[&TickOutcome::Triggered]), (1, 2));
        assert_eq!(engine.stored().await.run_count, 1, "a trigger is no tick");
    })
    .await;
}

fn backfill() -> BackfillRequest {
    BackfillRequest {
        from: at("2026-06-01T11:00:00Z"),
        to: at("2026-06-01T12:00:00Z"),
        order: BackfillOrder::OldestFirst,
        max_count: 100,
        per_minute: None,
        only_missing: true,
        input: None,
        by: "ada".to_owned(),
        note: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_makes_as_many_jobs_as_asked_for_in_the_order_and_at_the_rate_asked_for() {
    Engine::on_each_database(side_by_side(), async |engine| {
        let now = engine.clock.now();
        let request = BackfillRequest {
            order: BackfillOrder::NewestFirst,
            max_count: 4,
            per_minute: Some(2),
            input: Some(json!({ "from": "ada" })),
            note: Some("the disk was full".to_owned()),
            ..backfill()
        };
        let report = engine.service.backfill(engine.id, request).await.unwrap();
        let range = (at("2026-06-01T11:20:00Z"), at("2026-06-01T11:50:00Z"));
        assert_eq!(
            (report.request, report.jobs, report.range),
            (Some(1), 4, Some(range))
        );
        assert_eq!((report.had_jobs, report.beyond_max), (0, 2));
        assert_eq!(report.last_start, Some(now + TimeDelta::seconds(90)));

        let jobs = engine.jobs(JobOrigin::Backfill).await;
        let starts: Vec<_> = jobs
            .iter()
            .map(|job| (job.scheduled_for.unwrap(), (job.run_after - now).num_seconds()))
            .collect();
        let expected = [("11:20", 90), ("11:30", 60), ("11:40", 30), ("11:50", 0)]
            .map(|(time, seconds)| (at(&format!("2026-06-01T{time}:00Z")), seconds));
        assert_eq!(starts, expected);
        for job in &jobs {
            assert_eq!((&job.input, job.request), (&json!({ "from": "ada" }), 1));
        }
        let rows = engine.ledger(TickOutcome::Backfilled).await;
        let of_rows: Vec<_> = rows.iter().map(|tick| tick.record.job_id).collect();
        let of_jobs: Vec<_> = jobs.iter().map(|job| Some(job.id)).collect();
        assert_eq!(of_rows, of_jobs);
        for tick in &rows {
            let reason = tick.record.reason.as_deref();
            assert_eq!(
                (tick.request, reason),
                (1, Some("backfilled by ada: the disk was full"))
            );
        }
        let words = engine.why("2026-06-01T11:50:00Z", TickVerdict::OutOfForce).await;
        assert!(
            words.contains("did not exist yet") && words.contains("made up for by request 1"),
            "{words}"
        );
        assert_eq!(engine.audited().await.outcomes[&TickOutcome::Backfilled], 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_of_what_is_missing_leaves_out_the_ticks_that_have_jobs() {
    let skips = SchedulePolicies {
        overlap: OverlapPolicy::Skip,
        ..SchedulePolicies::default()
    };
    Engine::on_each_database(skips, async |engine| {
        // The job of 12:10 does not end, so that those of 12:20 and 12:30 are skipped.
        for _ in 0..3 {
            engine.passes(TimeDelta::minutes(10)).await;
        }
        let request = BackfillRequest {
            from: at("2026-06-01T12:10:00Z"),
            to: at("2026-06-01T12:30:01Z"),
            ..backfill()
        };
        let report = engine.service.backfill(engine.id, request.clone()).await.unwrap();
        assert_eq!((report.request, report.jobs, report.had_jobs), (Some(1), 2, 1));
        let made_up_for: Vec<_> = engine
            .jobs(JobOrigin::Backfill)
            .await
            .iter()
            .filter_map(|job| job.scheduled_for)
            .collect();
        assert_eq!(
            made_up_for,
            ["2026-06-01T12:20:00Z", "2026-06-01T12:30:00Z"].map(at)
        );

        let again = engine.service.backfill(engine.id, request.clone()).await.unwrap();
        assert_eq!((again.request, again.jobs, again.had_jobs), (None, 0, 3));
        let everything = BackfillRequest {
            only_missing: false,
            ..request
        };
        let all = engine.service.backfill(engine.id, everything).await.unwrap();
        assert_eq!((all.request, all.jobs, all.had_jobs), (Some(2), 3, 0));

        let words = engine.why("2026-06-01T12:20:00Z", TickVerdict::Recorded).await;
        for told in ["skipped", "made up for by request 1", "made up for by request 2"] {
            assert!(words.contains(told), "{words}");
        }
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.outcomes[&TickOutcome::Backfilled]), (3, 5));
        engine.passes(TimeDelta::minutes(10)).await;
        engine.audited().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_schedule_tells_who_and_why_and_decides_on_nothing_until_it_is_resumed() {
    Engine::on_each_database(side_by_side(), async |engine| {
        engine.passes(TimeDelta::minutes(10)).await;
        let request = PauseRequest {
            by: "ada".to_owned(),
            note: Some("the printer burns".to_owned()),
            resume_at: None,
        };
        engine.service.pause_schedule(engine.id, request).await.unwrap();
        let status = engine.service.get_schedule_status(engine.id).await.unwrap();
        let pause = status.pause.unwrap();
        assert_eq!(
            (&*pause.by, pause.note.as_deref()),
            ("ada", Some("the printer burns"))
        );
        assert_eq!((pause.since, status.armed), (at("2026-06-01T12:10:30Z"), false));

        engine.passes(TimeDelta::minutes(30)).await;
        let words = engine.why("2026-06-01T12:20:00Z", TickVerdict::Paused).await;
        assert!(
            words.contains("ada") && words.contains("the printer burns"),
            "{words}"
        );
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.paused), (1, 3));

        engine.resumed(true).await;
        let words = engine.why("2026-06-01T12:20:00Z", TickVerdict::Recorded).await;
        assert!(words.contains("paused"), "{words}");
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.paused), (4, 0));
        assert_eq!(report.outcomes[&TickOutcome::SkippedPaused], 3);
        engine.passes(TimeDelta::minutes(10)).await;
        assert_eq!(engine.stored().await.run_count, 2);
        assert!(engine.service.get_schedule_status(engine.id).await.unwrap().armed);
        engine.audited().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_with_an_end_ends_by_itself() {
    Engine::on_each_database(side_by_side(), async |engine| {
        let request = PauseRequest {
            by: "ada".to_owned(),
            note: None,
            resume_at: Some(at("2026-06-01T12:25:00Z")),
        };
        engine.service.pause_schedule(engine.id, request).await.unwrap();
        engine.clock.advance_to(at("2026-06-01T12:24:59Z"));
        engine.passes(TimeDelta::zero()).await;
        let words = engine.why("2026-06-01T12:20:00Z", TickVerdict::Paused).await;
        assert!(words.contains("2026-06-01T12:25:00Z"), "{words}");
        assert_eq!(engine.audited().await.paused, 2);
        let expected = engine.why("2026-06-01T12:30:00Z", TickVerdict::Expected).await;
        assert!(expected.contains("due at 2026-06-01T12:30:00Z"), "{expected}");

        engine.passes(TimeDelta::seconds(1)).await;
        let status = engine.service.get_schedule_status(engine.id).await.unwrap();
        assert_eq!(status.pause, None);
        assert_eq!(status.next_run, Some(at("2026-06-01T12:30:00Z")));
        assert_eq!(status.run_count, 1, "what was missed is one run");
        engine.why("2026-06-01T12:20:00Z", TickVerdict::Recorded).await;
        engine.passes(TimeDelta::minutes(10)).await;
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.paused, report.pending), (3, 0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_whose_jobs_fail_in_a_row_is_paused_and_fires_nothing_until_it_is_resumed() {
    let policies = SchedulePolicies {
        pause_after_failures: Some(3),
        ..side_by_side()
    };
    let failed = || AttemptResult::Failed {
        error: "no paper\nin tray 2".to_owned(),
    };
    Engine::on_each_database(policies, async |engine| {
        for (result, failures) in [
            (failed(), 1),
            (AttemptResult::Succeeded { output: json!(null) }, 0),
            (failed(), 1),
            (failed(), 2),
        ] {
            engine.passes(TimeDelta::minutes(10)).await;
            let settlement = engine.jobs_end(result).await;
            assert!(settlement.paused.is_empty());
            assert_eq!(engine.stored().await.consecutive_failures, failures);
        }
        engine.passes(TimeDelta::minutes(10)).await;
        assert_eq!(engine.jobs_end(failed()).await.paused, [engine.id]);
        let pause = engine
            .service
            .get_schedule_status(engine.id)
            .await
            .unwrap()
            .pause
            .unwrap();
        let note = pause.note.unwrap();
        assert!(note.contains('3') && note.contains("no paper"), "{note}");
        assert_eq!(pause.since, at("2026-06-01T12:50:30Z"));

        // Nobody told the engine; it finds out when it would fire.
        engine.passes(TimeDelta::minutes(30)).await;
        while engine.service.get_schedule_status(engine.id).await.unwrap().armed {
            tokio::task::yield_now().await;
        }
        assert_eq!(engine.stored().await.run_count, 5);
        assert_eq!(engine.jobs(JobOrigin::Tick).await.len(), 5);
        let words = engine.why("2026-06-01T13:00:00Z", TickVerdict::Paused).await;
        assert!(words.contains(&note), "{words}");
        let report = engine.audited().await;
        assert_eq!((report.ticks, report.paused), (5, 3));

        engine.resumed(false).await;
        engine.why("2026-06-01T13:00:00Z", TickVerdict::Recorded).await;
        engine.passes(TimeDelta::minutes(10)).await;
        let report = engine.audited().await;
        assert_eq!(
            (report.ticks, report.paused, engine.stored().await.run_count),
            (9, 0, 7)
        );
    })
    .await;
}
