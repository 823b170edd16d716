//! What becomes of a tick while a job of its schedule is unfinished, through fire, claim, settle and release.

use chrono::TimeDelta;
use ratchet_interfaces::{
    AttemptOutcome, AttemptResult, FiringOutcome, JobId, JobStatus, ManualRun, ManualRuns, NodeId,
    OverlapPolicy, RepositoryFactory, SchedulePolicies, StopRequest, TickFiring, TickOutcome,
    UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::sample::{at, claim, fired_job, firing, schedule, stored_task};

async fn stored(repositories: &dyn RepositoryFactory, policies: SchedulePolicies) -> UnifiedSchedule {
    let task = stored_task(repositories, &format!("task of {}", policies.overlap)).await;
    let schedule = UnifiedSchedule {
        policies,
        ..schedule(policies.overlap.as_str(), task)
    };
    repositories.schedules().schedule_create(&schedule).await.unwrap();
    schedule
}

/// Fires the next tick of a schedule as it is now.
async fn fire(repositories: &dyn RepositoryFactory, id: &UnifiedSchedule) -> (TickFiring, FiringOutcome) {
    let now = repositories
        .schedules()
        .schedule_find(id.id)
        .await
        .unwrap()
        .unwrap();
    let firing = firing(&now);
    let mut outcomes = repositories
        .ticks()
        .tick_fire_many(std::slice::from_ref(&firing))
        .await
        .unwrap()
        .outcomes;
    (firing, outcomes.remove(0))
}

async fn status(repositories: &dyn RepositoryFactory, job: JobId) -> JobStatus {
    repositories.jobs().job_find(job).await.unwrap().unwrap().status
}

fn adjusted(outcome: FiringOutcome) -> (TickOutcome, bool) {
    match outcome {
        FiringOutcome::Adjusted(adjusted) => (adjusted.firing.records[0].outcome, adjusted.stops_jobs),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_policy_decides_on_a_tick_whose_forerunner_runs_and_the_end_of_that_releases_who_waits() {
    on_each_database(async |repositories| {
        for (overlap, expected) in [
            (OverlapPolicy::Skip, Some((TickOutcome::SkippedOverlap, false))),
            (OverlapPolicy::BufferOne, Some((TickOutcome::Buffered, false))),
            (OverlapPolicy::BufferAll, Some((TickOutcome::Buffered, false))),
            (OverlapPolicy::CancelRunning, Some((TickOutcome::Buffered, true))),
            (OverlapPolicy::TerminateRunning, Some((TickOutcome::Fired, true))),
            (OverlapPolicy::Allow, None),
        ] {
            let policies = SchedulePolicies {
                overlap,
                ..SchedulePolicies::default()
            };
            let schedule = stored(&*repositories, policies).await;
            let (first, outcome) = fire(&*repositories, &schedule).await;
            assert_eq!(outcome, FiringOutcome::Committed);
            let node = NodeId::new();
            let jobs = repositories.jobs();
            let claimed = jobs.job_claim_many(claim(node, 1)).await.unwrap().jobs.remove(0);
            assert_eq!(claimed.job.id, fired_job(&first));
            let (second, outcome) = fire(&*repositories, &schedule).await;
            match expected {
                Some(expected) => assert_eq!(adjusted(outcome), expected, "{overlap}"),
                None => assert_eq!(outcome, FiringOutcome::Committed),
            }
            let asked = match overlap {
                OverlapPolicy::CancelRunning => vec![(claimed.execution_id, StopRequest::Cancel)],
                OverlapPolicy::TerminateRunning => vec![(claimed.execution_id, StopRequest::Terminate)],
                _ => Vec::new(),
            };
            let running = [claimed.execution_id];
            assert_eq!(jobs.job_stop_requests(node, &running).await.unwrap(), asked);
            let end = AttemptOutcome {
                job_id: claimed.job.id,
                execution_id: claimed.execution_id,
                node,
                // A job that was asked to stop is not tried again.
                result: if overlap == OverlapPolicy::CancelRunning {
                    AttemptResult::Retry {
                        error: "broken off".to_owned(),
                        run_after: at(900),
                    }
                } else {
                    AttemptResult::Failed {
                        error: "no use".to_owned(),
                    }
                },
                error_kind: None,
                deliveries: Vec::new(),
                log: Vec::new(),
                ended_at: at(130),
                duration: TimeDelta::seconds(30),
            };
            let waits = expected.is_some_and(|(outcome, _)| outcome == TickOutcome::Buffered);
            let settlement = jobs.job_settle_many(&[end]).await.unwrap();
            assert_eq!(settlement.released, u64::from(waits), "{overlap}");
            if overlap != OverlapPolicy::Skip {
                let successor = jobs.job_find(fired_job(&second)).await.unwrap().unwrap();
                assert_eq!(successor.status, JobStatus::Queued, "{overlap}");
                if waits {
                    assert_eq!(successor.run_after, at(130));
                }
            }
            let ended = status(&*repositories, claimed.job.id).await;
            let called_off = !asked.is_empty();
            assert_eq!(ended == JobStatus::Cancelled, called_off, "{overlap}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_schedule_is_completed_by_its_last_run_and_paused_by_failures() {
    on_each_database(async |repositories| {
        let policies = SchedulePolicies {
            max_runs: Some(2),
            pause_after_failures: Some(1),
            ..SchedulePolicies::default()
        };
        let schedule = stored(&*repositories, policies).await;
        fire(&*repositories, &schedule).await;
        let runs = ManualRuns {
            schedule_id: schedule.id,
            outcome: TickOutcome::Triggered,
            reason: "me: to see it".into(),
            input: Some(serde_json::json!({"by": "hand"})),
            runs: vec![ManualRun {
                job_id: JobId::new(),
                instant: at(70),
                run_after: at(71),
            }],
            decided_at: at(70),
        };
        let ticks = repositories.ticks();
        assert_eq!(ticks.tick_add_manual(&runs).await.unwrap().request, 1);
        assert_eq!(
            ticks
                .tick_add_manual(&ManualRuns {
                    runs: Vec::new(),
                    ..runs.clone()
                })
                .await
                .unwrap()
                .request,
            2
        );
        let by_hand = ticks.tick_find(schedule.id, at(70)).await.unwrap();
        assert_eq!((by_hand.len(), by_hand[0].request), (1, 1));
        assert_eq!(
            ticks.tick_scan(schedule.id, at(0), None, 10).await.unwrap().len(),
            2
        );
        let node = NodeId::new();
        let claimed = repositories
            .jobs()
            .job_claim_many(claim(node, 1))
            .await
            .unwrap()
            .jobs;
        let end = AttemptOutcome {
            job_id: claimed[0].job.id,
            execution_id: claimed[0].execution_id,
            node,
            result: AttemptResult::Failed {
                error: "no use\nat all".to_owned(),
            },
            error_kind: None,
            deliveries: Vec::new(),
            log: Vec::new(),
            ended_at: at(130),
            duration: TimeDelta::seconds(30),
        };
        let settlement = repositories.jobs().job_settle_many(&[end]).await.unwrap();
        assert_eq!(settlement.paused, [schedule.id]);
        let schedules = repositories.schedules();
        let paused = schedules.schedule_find(schedule.id).await.unwrap().unwrap();
        let pause = paused.pause.clone().unwrap();
        assert_eq!((pause.since, pause.by.as_str()), (at(130), "ratchet"));
        assert_eq!(pause.note.as_deref(), Some("a job failed for good: no use"));
        assert_eq!((paused.version, paused.consecutive_failures), (2, 1));
        assert_eq!(schedules.schedule_find_timing(schedule.id).await.unwrap(), None);
        let (mut last, outcome) = fire(&*repositories, &schedule).await;
        assert_eq!(outcome, FiringOutcome::Stale);
        last.resumes = true;
        let outcomes = ticks.tick_fire_many(&[last]).await.unwrap().outcomes;
        assert_eq!(adjusted(outcomes[0].clone()), (TickOutcome::Buffered, false));
        let after = schedules.schedule_find(schedule.id).await.unwrap().unwrap();
        assert_eq!((after.pause, after.version, after.next_run), (None, 3, None));
        assert_eq!(after.consecutive_failures, 0);
        assert_eq!(
            after.state_reason.as_deref(),
            Some("it has run 2 times, which is its maxRuns")
        );
        assert_eq!(ticks.tick_prune(&[schedule.id], at(100), 1).await.unwrap(), 1);
        assert_eq!(ticks.tick_prune(&[schedule.id], at(100), 10).await.unwrap(), 1);
        assert_eq!(ticks.tick_prune(&[schedule.id], at(100), 10).await.unwrap(), 0);
    })
    .await;
}
