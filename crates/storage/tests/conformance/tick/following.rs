//! Schedules that follow others: their jobs are made with those of their leaders.

use ratchet_interfaces::{
    AttemptResult, DependencyCondition, FiringOutcome, Following, JobId, JobOrigin, JobStatus, ManualRun,
    ManualRuns, NodeId, OverlapPolicy, Pause, RepositoryFactory, ScheduleId, SchedulePolicies, TickFiring,
    TickOutcome, TickRecord, UnifiedJob, UnifiedSchedule,
};

use super::History;
use crate::harness::{at_once, on_each_database};
use crate::sample::{
    at, cancel, claim, failed, fired_job, firing, schedule, settle, status, stored_schedule, succeeded,
};

use DependencyCondition::{AllFinished, AllSucceeded, AnyFailed};

fn following(name: &str, leader: &UnifiedSchedule, condition: DependencyCondition) -> UnifiedSchedule {
    let following = Following {
        leader_id: leader.id,
        condition,
    };
    UnifiedSchedule {
        specification: following.to_string(),
        next_run: None,
        policies: SchedulePolicies::default(),
        ..schedule(name, leader.task_id)
    }
}

async fn stored_following(
    repositories: &dyn RepositoryFactory,
    name: &str,
    leader: &UnifiedSchedule,
    condition: DependencyCondition,
) -> UnifiedSchedule {
    let follower = following(name, leader, condition);
    repositories.schedules().schedule_create(&follower).await.unwrap();
    follower
}

async fn fire(repositories: &dyn RepositoryFactory, firing: &TickFiring) -> JobId {
    let outcomes = repositories
        .ticks()
        .tick_fire_many(std::slice::from_ref(firing))
        .await;
    assert_eq!(outcomes.unwrap().outcomes, [FiringOutcome::Committed]);
    fired_job(firing)
}

/// The one job of a schedule.
async fn only_job(repositories: &dyn RepositoryFactory, id: ScheduleId) -> UnifiedJob {
    let mut jobs = History::of(repositories, id).await.jobs;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    jobs.remove(0)
}

async fn after(repositories: &dyn RepositoryFactory, job: JobId) -> Vec<JobId> {
    repositories.jobs().job_dependencies(job).await.unwrap()
}

fn by_hand(schedule: &UnifiedSchedule, outcome: TickOutcome, seconds: &[i64]) -> ManualRuns {
    ManualRuns {
        schedule_id: schedule.id,
        outcome,
        reason: format!("{outcome} by ada").into(),
        input: Some(serde_json::json!({"for": "the leader alone"})),
        runs: seconds
            .iter()
            .map(|second| ManualRun {
                job_id: JobId::new(),
                instant: at(*second),
                run_after: at(200),
            })
            .collect(),
        decided_at: at(200),
    }
}

#[tokio::test]
async fn a_job_of_a_leader_brings_one_of_its_follower_that_waits_for_it() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let mut follower = following("follower", &leader, AllSucceeded);
        follower.priority = ratchet_interfaces::JobPriority::High;
        follower.max_retries = Some(4);
        follower.timeout_seconds = Some(17);
        follower.input = serde_json::json!({"from": "the follower"});
        repositories.schedules().schedule_create(&follower).await.unwrap();
        let other = stored_schedule(&*repositories, "other").await;
        let firing_of_leader = firing(&leader);
        let firings = [firing_of_leader.clone(), firing(&other)];
        repositories.ticks().tick_fire_many(&firings).await.unwrap();

        let job = only_job(&*repositories, follower.id).await;
        assert_eq!(job.status, JobStatus::Blocked);
        assert_eq!(job.after, Some(AllSucceeded));
        assert_eq!((job.origin, job.request), (JobOrigin::Tick, 0));
        assert_eq!(job.scheduled_for, leader.next_run);
        assert_eq!(job.input, follower.input);
        assert_eq!(job.priority, follower.priority);
        assert_eq!((job.max_retries, job.timeout_seconds), (Some(4), Some(17)));
        assert_eq!(
            after(&*repositories, job.id).await,
            [fired_job(&firing_of_leader)]
        );
        let history = History::of(&*repositories, follower.id).await;
        let [tick] = &history.ledger[..] else {
            panic!("{:#?}", history.ledger);
        };
        assert_eq!(tick.record.outcome, TickOutcome::Fired);
        assert_eq!(tick.record.job_id, Some(job.id));
        assert_eq!(tick.record.scheduled_for, leader.next_run.unwrap());
        assert_eq!(tick.record.reason.as_deref(), Some("after \"leader\""));
        let stored = history.schedule.unwrap();
        assert_eq!((stored.run_count, stored.last_run), (1, leader.next_run));
        assert_eq!((stored.next_run, stored.version), (None, 1));
    })
    .await;
}

#[tokio::test]
async fn how_the_leaders_job_ends_decides_about_the_followers() {
    let ends: [(AttemptResult, [JobStatus; 3]); 2] = [
        (
            succeeded(),
            [JobStatus::Queued, JobStatus::Queued, JobStatus::Cancelled],
        ),
        (
            failed(),
            [JobStatus::Cancelled, JobStatus::Queued, JobStatus::Queued],
        ),
    ];
    on_each_database(async |repositories| {
        for (round, (result, expected)) in ends.iter().enumerate() {
            let leader = stored_schedule(&*repositories, &format!("leader {round}")).await;
            let mut followers = Vec::new();
            for condition in [AllSucceeded, AllFinished, AnyFailed] {
                let name = format!("{condition} {round}");
                followers.push(stored_following(&*repositories, &name, &leader, condition).await);
            }
            fire(&*repositories, &firing(&leader)).await;
            let node = NodeId::new();
            let mut claimed = repositories
                .jobs()
                .job_claim_many(claim(node, 10))
                .await
                .unwrap()
                .jobs;
            claimed.retain(|claimed| claimed.job.schedule_id == Some(leader.id));
            settle(&*repositories, &claimed[0], result.clone()).await;
            for (follower, expected) in followers.iter().zip(expected) {
                let job = only_job(&*repositories, follower.id).await;
                assert_eq!(job.status, *expected, "{}", follower.name);
                if job.status == JobStatus::Queued {
                    repositories
                        .jobs()
                        .job_cancel(&cancel(job.id, false))
                        .await
                        .unwrap();
                } else {
                    assert!(job.error.is_some());
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_chain_is_made_in_one_transaction_and_released_or_cancelled_one_after_the_other() {
    on_each_database(async |repositories| {
        let first = stored_schedule(&*repositories, "first").await;
        let second = stored_following(&*repositories, "second", &first, AllSucceeded).await;
        let third = stored_following(&*repositories, "third", &second, AllSucceeded).await;
        let beside = stored_following(&*repositories, "beside", &second, AnyFailed).await;
        let leading = fire(&*repositories, &firing(&first)).await;
        let middle = only_job(&*repositories, second.id).await.id;
        let last = only_job(&*repositories, third.id).await.id;
        assert_eq!(after(&*repositories, middle).await, [leading]);
        assert_eq!(after(&*repositories, last).await, [middle]);

        let cancelled = cancel(leading, false);
        repositories.jobs().job_cancel(&cancelled).await.unwrap();
        assert_eq!(status(&*repositories, middle).await, JobStatus::Cancelled);
        assert_eq!(status(&*repositories, last).await, JobStatus::Cancelled);
        let beside = only_job(&*repositories, beside.id).await;
        assert_eq!(beside.status, JobStatus::Queued);
    })
    .await;
}

#[tokio::test]
async fn a_paused_follower_has_a_reason_and_a_disabled_one_nothing() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let pause = |resume_at| {
            Some(Pause {
                since: at(1),
                by: "ada".to_owned(),
                note: None,
                resume_at,
            })
        };
        let mut stored = Vec::new();
        for (name, enabled, pause) in [
            ("disabled", false, None),
            ("paused", true, pause(None)),
            ("paused until later", true, pause(Some(at(3_600)))),
            ("paused until now", true, pause(Some(at(60)))),
        ] {
            let follower = UnifiedSchedule {
                enabled,
                pause,
                consecutive_failures: 3,
                ..following(name, &leader, AllFinished)
            };
            repositories.schedules().schedule_create(&follower).await.unwrap();
            stored.push(follower);
        }
        let behind = stored_following(&*repositories, "behind", &stored[1], AllFinished).await;
        fire(&*repositories, &firing(&leader)).await;

        let outcomes = async |id| {
            let history = History::of(&*repositories, id).await;
            let outcomes: Vec<_> = history.ledger.iter().map(|tick| tick.record.outcome).collect();
            (outcomes, history.jobs.len())
        };
        assert_eq!(outcomes(stored[0].id).await, (vec![], 0));
        assert_eq!(
            outcomes(stored[1].id).await,
            (vec![TickOutcome::SkippedPaused], 0)
        );
        assert_eq!(
            outcomes(stored[2].id).await,
            (vec![TickOutcome::SkippedPaused], 0)
        );
        assert_eq!(outcomes(stored[3].id).await, (vec![TickOutcome::Fired], 1));
        assert_eq!(outcomes(behind.id).await, (vec![], 0));
        let resumed = History::of(&*repositories, stored[3].id).await.schedule.unwrap();
        assert_eq!((resumed.pause, resumed.version), (None, 2));
        assert_eq!(resumed.consecutive_failures, 0);
    })
    .await;
}

#[tokio::test]
async fn runs_by_hand_bring_those_of_followers_under_requests_of_their_own() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let follower = stored_following(&*repositories, "follower", &leader, AllSucceeded).await;
        let last = stored_following(&*repositories, "last", &follower, AllSucceeded).await;
        let ticks = repositories.ticks();
        let direct = by_hand(&follower, TickOutcome::Triggered, &[30]);
        assert_eq!(ticks.tick_add_manual(&direct).await.unwrap().request, 1);
        let runs = by_hand(&leader, TickOutcome::Backfilled, &[10, 20]);
        assert_eq!(ticks.tick_add_manual(&runs).await.unwrap().request, 1);

        let History {
            schedule,
            ledger,
            jobs,
        } = History::of(&*repositories, follower.id).await;
        let schedule = schedule.unwrap();
        assert_eq!((schedule.requests, schedule.run_count), (2, 0));
        assert_eq!(ledger.len(), 3);
        for (tick, run) in ledger.iter().skip(1).zip(runs.runs.iter().rev()) {
            assert_eq!((tick.request, tick.record.outcome), (2, TickOutcome::Backfilled));
            assert_eq!(tick.record.scheduled_for, run.instant);
            let reason = tick.record.reason.as_deref();
            assert_eq!(reason, Some("after \"leader\", which was backfilled by ada"));
            let job = jobs
                .iter()
                .find(|job| Some(job.id) == tick.record.job_id)
                .unwrap();
            assert_eq!((job.status, job.request), (JobStatus::Blocked, 2));
            assert_eq!((job.origin, &job.input), (JobOrigin::Backfill, &follower.input));
            assert_eq!(after(&*repositories, job.id).await, [run.job_id]);
        }
        let triggered = jobs.iter().find(|job| job.origin == JobOrigin::Trigger).unwrap();
        assert_eq!((triggered.status, triggered.request), (JobStatus::Queued, 1));
        let last = History::of(&*repositories, last.id).await;
        assert_eq!((last.ledger.len(), last.jobs.len()), (3, 3));
        assert_eq!(last.schedule.unwrap().requests, 2);
    })
    .await;
}

#[tokio::test]
async fn a_tick_that_makes_no_job_brings_none_and_one_that_must_wait_brings_one() {
    on_each_database(async |repositories| {
        let leader = UnifiedSchedule {
            policies: SchedulePolicies {
                overlap: OverlapPolicy::BufferOne,
                ..SchedulePolicies::default()
            },
            ..stored_schedule(&*repositories, "leader").await
        };
        let follower = stored_following(&*repositories, "follower", &leader, AllSucceeded).await;
        let mut buffered = None;
        for round in 0..3 {
            let stored = repositories
                .schedules()
                .schedule_find(leader.id)
                .await
                .unwrap()
                .unwrap();
            let next = TickFiring {
                policies: leader.policies,
                ..firing(&stored)
            };
            repositories
                .ticks()
                .tick_fire_many(std::slice::from_ref(&next))
                .await
                .unwrap();
            if round == 1 {
                buffered = Some(fired_job(&next));
            }
        }
        let buffered = buffered.unwrap();
        assert_eq!(status(&*repositories, buffered).await, JobStatus::Buffered);
        let jobs = History::of(&*repositories, follower.id).await.jobs;
        assert_eq!(jobs.len(), 2, "the third tick was skipped");
        let mut waiting = None;
        for job in &jobs {
            if after(&*repositories, job.id).await == [buffered] {
                waiting = Some(job.id);
            }
        }
        let waiting = waiting.unwrap();
        assert_eq!(status(&*repositories, waiting).await, JobStatus::Blocked);
        let cancelled = cancel(buffered, false);
        repositories.jobs().job_cancel(&cancelled).await.unwrap();
        assert_eq!(status(&*repositories, waiting).await, JobStatus::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn each_job_of_a_firing_brings_one_also_where_another_firing_is_stale() {
    on_each_database(async |repositories| {
        let stale = stored_schedule(&*repositories, "stale").await;
        let leader = stored_schedule(&*repositories, "leader").await;
        let of_stale = stored_following(&*repositories, "of stale", &stale, AllSucceeded).await;
        let of_leader = stored_following(&*repositories, "of leader", &leader, AllSucceeded).await;
        let mut caught_up = firing(&leader);
        let skipped = TickRecord {
            scheduled_for: at(90),
            through: at(90),
            outcome: TickOutcome::SkippedMisfire,
            job_id: None,
            ..caught_up.records[0].clone()
        };
        let second = TickRecord {
            scheduled_for: at(120),
            through: at(120),
            job_id: Some(JobId::new()),
            ..caught_up.records[0].clone()
        };
        caught_up.records.extend([skipped, second]);
        let other_version = TickFiring {
            expected_timing_version: 7,
            ..firing(&stale)
        };
        let firings = [other_version, caught_up.clone()];
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&firings)
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Stale, FiringOutcome::Committed]);

        let History {
            schedule,
            ledger,
            jobs,
        } = History::of(&*repositories, of_leader.id).await;
        let instants: Vec<_> = ledger.iter().map(|tick| tick.record.scheduled_for).collect();
        assert_eq!(instants, [at(120), at(60)]);
        let schedule = schedule.unwrap();
        assert_eq!((schedule.run_count, schedule.last_run), (2, Some(at(120))));
        let mut awaited = Vec::new();
        for job in &jobs {
            awaited.extend(after(&*repositories, job.id).await);
        }
        awaited.sort_unstable();
        let mut made: Vec<_> = caught_up.jobs().filter_map(|record| record.job_id).collect();
        made.sort_unstable();
        assert_eq!(awaited, made);
        let untouched = History::of(&*repositories, of_stale.id).await;
        assert_eq!((untouched.ledger, untouched.jobs), (vec![], vec![]));
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_is_fired_in_vain_leaves_its_followers_alone() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let follower = stored_following(&*repositories, "follower", &leader, AllSucceeded).await;
        fire(&*repositories, &firing(&leader)).await;
        let before = History::of(&*repositories, follower.id).await;
        let again = firing(&leader);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&[again])
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Stale]);
        assert_eq!(History::of(&*repositories, follower.id).await, before);
    })
    .await;
}

#[tokio::test]
async fn what_a_follower_has_decided_on_already_stays() {
    on_each_database(async |repositories| {
        let (one, other) = (
            stored_schedule(&*repositories, "one").await,
            stored_schedule(&*repositories, "other").await,
        );
        let follower = stored_following(&*repositories, "follower", &one, AllSucceeded).await;
        fire(&*repositories, &firing(&one)).await;
        let before = History::of(&*repositories, follower.id).await;
        let moved = UnifiedSchedule {
            specification: following("", &other, AllSucceeded).specification,
            ..before.schedule.clone().unwrap()
        };
        let moved = repositories.schedules().schedule_update(&moved).await.unwrap();

        fire(&*repositories, &firing(&other)).await;
        let after = History::of(&*repositories, follower.id).await;
        assert_eq!((after.ledger, after.jobs), (before.ledger, before.jobs));
        assert_eq!(after.schedule, Some(moved));
        // The leader that is not followed any more brings nothing, and the new one does.
        for (leader, jobs) in [(one.id, 1), (other.id, 2)] {
            let stored = repositories
                .schedules()
                .schedule_find(leader)
                .await
                .unwrap()
                .unwrap();
            fire(&*repositories, &firing(&stored)).await;
            let history = History::of(&*repositories, follower.id).await;
            assert_eq!(history.jobs.len(), jobs);
        }
    })
    .await;
}

#[tokio::test]
async fn a_follower_is_not_among_what_the_tick_index_needs() {
    on_each_database(async |repositories| {
        let leader = stored_schedule(&*repositories, "leader").await;
        let follower = UnifiedSchedule {
            pause: Some(Pause {
                since: at(1),
                by: "ada".to_owned(),
                note: None,
                resume_at: Some(at(2)),
            }),
            ..following("follower", &leader, AllSucceeded)
        };
        let schedules = repositories.schedules();
        schedules.schedule_create(&follower).await.unwrap();
        let timings = schedules.schedule_list_timings(None, 10).await.unwrap();
        let ids: Vec<_> = timings.iter().map(|timing| timing.id).collect();
        assert_eq!(ids, [leader.id]);
        assert_eq!(schedules.schedule_find_timing(follower.id).await.unwrap(), None);
    })
    .await;
}

/// Two leaders that fire while jobs of their followers end: all of them want to lock the same schedules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaders_fire_beside_the_ends_of_their_followers_jobs() {
    on_each_database(async |repositories| {
        let mut schedules = Vec::new();
        for number in 0..4 {
            let leader = stored_schedule(&*repositories, &format!("leader {number}")).await;
            let name = format!("follower {number}");
            let follower = stored_following(&*repositories, &name, &leader, AllFinished).await;
            let name = format!("last {number}");
            let last = stored_following(&*repositories, &name, &follower, AllFinished).await;
            schedules.push((leader.id, last.id));
        }
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            let node = NodeId::new();
            let claimed = repositories
                .jobs()
                .job_claim_many(claim(node, 100))
                .await
                .unwrap()
                .jobs;
            let ends: Vec<_> = claimed
                .iter()
                .map(|claimed| crate::sample::outcome(claimed, succeeded()))
                .collect();
            let mut firings = Vec::new();
            for (leader, _) in &schedules {
                let leader = repositories
                    .schedules()
                    .schedule_find(*leader)
                    .await
                    .unwrap()
                    .unwrap();
                firings.push(vec![firing(&leader)]);
            }
            let calls = firings.into_iter().map(Some).chain([None]);
            at_once(calls, |firings| {
                let (ticks, jobs) = (repositories.ticks(), repositories.jobs());
                let ends = ends.clone();
                async move {
                    match firings {
                        Some(firings) => {
                            let outcomes = ticks.tick_fire_many(&firings).await.unwrap().outcomes;
                            assert_eq!(outcomes, [FiringOutcome::Committed]);
                        }
                        None => drop(jobs.job_settle_many(&ends).await.unwrap()),
                    }
                }
            })
            .await;
        }
        for (leader, last) in schedules {
            assert_eq!(History::of(&*repositories, leader).await.jobs.len(), ROUNDS);
            let last = History::of(&*repositories, last).await;
            assert_eq!((last.jobs.len(), last.ledger.len()), (ROUNDS, ROUNDS));
            assert_eq!(last.schedule.unwrap().run_count, ROUNDS as u64);
        }
    })
    .await;
}
