//! What a transaction answers that it has done besides what it was asked for, for those who tell of it.

use ratchet_interfaces::{
    ClaimRequest, CommittedFirings, DependencyCondition, Following, JobEvent, JobId, JobStatus, ManualRun,
    ManualRuns, NodeId, OverlapPolicy, Pause, RepositoryFactory, ScheduleId, SchedulePolicies, TickOutcome,
    UnifiedSchedule,
};

use super::History;
use crate::harness::on_each_database;
use crate::sample::{
    at, claim, fired_job, firing, found, moves, schedule, settle, stored_after, stored_schedule, stored_task,
    succeeded,
};

async fn stored_following(
    repositories: &dyn RepositoryFactory,
    name: &str,
    leader: &UnifiedSchedule,
    resume_at: Option<i64>,
) -> UnifiedSchedule {
    let following = Following {
        leader_id: leader.id,
        condition: DependencyCondition::AllSucceeded,
    };
    let follower = UnifiedSchedule {
        specification: following.to_string(),
        next_run: None,
        pause: resume_at.map(|second| Pause {
            since: at(0),
            by: "ada".to_owned(),
            note: None,
            resume_at: Some(at(second)),
        }),
        ..schedule(name, leader.task_id)
    };
    repositories.schedules().schedule_create(&follower).await.unwrap();
    follower
}

/// Fires the next tick of the schedule.
async fn fire(repositories: &dyn RepositoryFactory, id: ScheduleId) -> (JobId, CommittedFirings) {
    let schedules = repositories.schedules();
    let firing = firing(&schedules.schedule_find(id).await.unwrap().unwrap());
    let ticks = repositories.ticks();
    let committed = ticks.tick_fire_many(std::slice::from_ref(&firing)).await;
    (fired_job(&firing), committed.unwrap())
}

#[tokio::test]
async fn what_followers_got_is_answered_as_their_ledgers_have_it() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let resumed = stored_following(&*repositories, "resumed", &leader, Some(1)).await;
        let paused = stored_following(&*repositories, "paused", &leader, Some(1_000_000)).await;
        let second = stored_following(&*repositories, "second", &resumed, None).await;
        let (job, committed) = fire(&*repositories, leader.id).await;
        assert_eq!(committed.followers.len(), 3);
        assert_eq!(committed.changed, []);
        let mut made = Vec::new();
        for (follower, resumes, outcome) in [
            (&resumed, true, TickOutcome::Fired),
            (&paused, false, TickOutcome::SkippedPaused),
            (&second, false, TickOutcome::Fired),
        ] {
            let told = committed
                .followers
                .iter()
                .find(|tick| tick.schedule_id == follower.id)
                .unwrap();
            let history = History::of(&*repositories, follower.id).await;
            assert_eq!(told.record, history.ledger[0].record, "{}", follower.name);
            assert_eq!(
                (told.resumes, told.record.outcome),
                (resumes, outcome),
                "{}",
                follower.name
            );
            assert_eq!(
                told.record.job_id,
                history.jobs.first().map(|job| job.id),
                "{}",
                follower.name
            );
            made.push((told.after, told.record.job_id));
        }
        assert_eq!((made[0].0, made[1].0), (job, job));
        assert_eq!(
            Some(made[2].0),
            made[0].1,
            "it is after the job of the schedule that it follows"
        );

        let runs = ManualRuns {
            schedule_id: leader.id,
            outcome: TickOutcome::Triggered,
            reason: "triggered by ada".into(),
            input: None,
            runs: vec![ManualRun {
                job_id: JobId::new(),
                instant: at(70),
                run_after: at(70),
            }],
            decided_at: at(70),
        };
        let by_hand = repositories.ticks().tick_add_manual(&runs).await.unwrap();
        assert_eq!((by_hand.request, by_hand.followers.len()), (1, 3));
        assert!(by_hand.followers.iter().all(|tick| !tick.resumes), "{by_hand:?}");
        assert_eq!(by_hand.followers[0].after, runs.runs[0].job_id);
    })
    .await;
}

#[tokio::test]
async fn jobs_that_wait_and_give_way_to_a_later_tick_are_answered_with_those_after_them() {
    on_each_database(async |repositories| {
        for overlap in [OverlapPolicy::CancelRunning, OverlapPolicy::TerminateRunning] {
            let task = stored_task(&*repositories, &format!("task of {overlap}")).await;
            let schedule = UnifiedSchedule {
                policies: SchedulePolicies {
                    overlap,
                    ..SchedulePolicies::default()
                },
                ..schedule(overlap.as_str(), task)
            };
            repositories.schedules().schedule_create(&schedule).await.unwrap();
            let (first, _) = fire(&*repositories, schedule.id).await;
            let heir = stored_after(&*repositories, task, DependencyCondition::AnyFailed, &[first]).await;
            let (second, committed) = fire(&*repositories, schedule.id).await;
            let decided_at = found(&*repositories, second).await.queued_at;
            let cancelled = found(&*repositories, first).await;
            assert_eq!(cancelled.status, JobStatus::Cancelled, "{overlap}");
            let heir = found(&*repositories, heir).await;
            assert_eq!(heir.status, JobStatus::Queued, "{overlap}");
            assert_eq!(
                committed.changed,
                [
                    JobEvent::of(&cancelled, None, decided_at),
                    JobEvent::of(&heir, Some(JobStatus::Blocked), decided_at)
                ],
                "{overlap}"
            );
            // Of one that runs, who runs it tells; of those after it, nobody else does.
            let jobs = repositories.jobs();
            let later = ClaimRequest {
                now: at(1_000),
                ..claim(NodeId::new(), 10)
            };
            let claimed = jobs.job_claim_many(later).await.unwrap().jobs;
            let heir = stored_after(&*repositories, task, DependencyCondition::AnyFailed, &[second]).await;
            let (third, committed) = fire(&*repositories, schedule.id).await;
            let told = moves(&committed.changed);
            if overlap == OverlapPolicy::TerminateRunning {
                assert_eq!(told, [(heir, Some(JobStatus::Blocked), JobStatus::Queued)]);
                continue;
            }
            assert_eq!(told, []);
            let runs = claimed.iter().find(|claimed| claimed.job.id == second).unwrap();
            let settlement = settle(&*repositories, runs, succeeded()).await;
            assert_eq!(settlement.released, 1);
            assert_eq!(
                moves(&settlement.changed),
                [
                    (third, Some(JobStatus::Buffered), JobStatus::Queued),
                    (heir, Some(JobStatus::Blocked), JobStatus::Cancelled)
                ]
            );
            let released = found(&*repositories, third).await;
            assert_eq!(
                settlement.changed[0],
                JobEvent::of(&released, Some(JobStatus::Buffered), at(105))
            );
        }
    })
    .await;
}
