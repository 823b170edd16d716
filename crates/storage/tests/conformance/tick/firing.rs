use chrono::TimeDelta;
use ratchet_interfaces::{
    CommittedFirings, FiringOutcome, JobFilter, JobOrigin, JobPriority, JobSort, JobStatus,
    OutputDestination, SchedulePolicies, ScheduleState, Tick, TickFilter, TickFiring, TickOutcome,
    TickRecord, TickSort, UnifiedJob, UnifiedSchedule,
};
use serde_json::json;

use super::History;
use crate::harness::on_each_database;
use crate::sample::{
    at, everything, fired_job, firing, schedule, stored_schedule, stored_schedules, stored_task,
};

#[tokio::test]
async fn a_tick_becomes_a_job_with_all_that_its_schedule_says() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let before = UnifiedSchedule {
            input: json!({"who": "🌍", "quote": "\"\\\u{1}"}),
            priority: JobPriority::High,
            max_retries: Some(3),
            timeout_seconds: Some(17),
            output_destinations: vec![OutputDestination::stdout_json()],
            run_count: 41,
            last_run: Some(at(0)),
            ..schedule("nightly", task)
        };
        repositories.schedules().schedule_create(&before).await.unwrap();
        let firing = firing(&before);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&firing))
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Committed]);

        let job = UnifiedJob {
            id: fired_job(&firing),
            schedule_id: Some(before.id),
            scheduled_for: Some(at(60)),
            origin: JobOrigin::Tick,
            request: 0,
            task_id: task,
            input: before.input.clone(),
            priority: JobPriority::High,
            status: JobStatus::Queued,
            attempts: 0,
            retry_count: 0,
            max_retries: Some(3),
            run_after: firing.decided_at,
            unique_key: None,
            concurrency_key: None,
            after: None,
            execution_id: None,
            lease_owner: None,
            lease_until: None,
            timeout_seconds: Some(17),
            stop_requested_at: None,
            error: None,
            error_kind: None,
            output_destinations: before.output_destinations.clone(),
            queued_at: firing.decided_at,
            started_at: None,
            completed_at: None,
        };
        let expected = History {
            ledger: vec![Tick {
                schedule_id: before.id,
                request: 0,
                record: firing.records[0].clone(),
            }],
            jobs: vec![job],
            schedule: Some(UnifiedSchedule {
                next_run: Some(at(120)),
                last_run: Some(at(60)),
                run_count: 42,
                ..before
            }),
        };
        assert_eq!(History::of(&*repositories, firing.schedule_id).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_schedule_without_a_further_tick_is_completed() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "once").await;
        let last = TickFiring {
            next_run: None,
            ..firing(&before)
        };
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&[last])
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Committed]);
        let after = repositories
            .schedules()
            .schedule_find(before.id)
            .await
            .unwrap()
            .unwrap();
        assert!(after.state_reason.is_some());
        let expected = UnifiedSchedule {
            next_run: None,
            last_run: Some(at(60)),
            run_count: 1,
            state: ScheduleState::Completed,
            state_reason: after.state_reason.clone(),
            ..before
        };
        assert_eq!(after, expected);
        // The engine does not see it any more.
        let schedules = repositories.schedules();
        assert_eq!(schedules.schedule_find_timing(after.id).await.unwrap(), None);
        assert_eq!(schedules.schedule_list_timings(None, 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn missed_ticks_are_recorded_beside_the_one_that_fires() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let mut fired = firing(&UnifiedSchedule {
            next_run: Some(at(600)),
            ..before.clone()
        });
        let job = fired_job(&fired);
        let merged = |from: i64, through: i64, count: u64| TickRecord {
            scheduled_for: at(from),
            through: at(through),
            count,
            outcome: TickOutcome::Coalesced,
            reason: Some("merged into \"600\"".into()),
            job_id: Some(job),
            lateness: TimeDelta::seconds(600 - from),
            decided_at: at(600),
        };
        fired.expected_next_run = at(60);
        fired.records.insert(0, merged(60, 60, 1));
        fired.records.insert(1, merged(120, 540, 8));
        let outcomes = repositories
            .ticks()
            .tick_fire_many(std::slice::from_ref(&fired))
            .await
            .unwrap()
            .outcomes;
        assert_eq!(outcomes, [FiringOutcome::Committed]);
        let history = History::of(&*repositories, before.id).await;
        let newest_first: Vec<_> = fired.records.iter().rev().cloned().collect();
        let recorded: Vec<_> = history.ledger.into_iter().map(|tick| tick.record).collect();
        assert_eq!(recorded, newest_first);
        assert_eq!(history.jobs.len(), 1);
        assert_eq!(history.schedule.unwrap().run_count, 1);
    })
    .await;
}

#[tokio::test]
async fn a_firing_without_a_job_moves_the_schedule_on_and_counts_no_run() {
    on_each_database(async |repositories| {
        let before = stored_schedule(&*repositories, "nightly").await;
        let mut skipped = firing(&before);
        skipped.records[0].job_id = None;
        skipped.records[0].outcome = TickOutcome::FailedToCreate;
        skipped.records[0].reason = Some("the task is gone".into());
        let nothing_to_record = TickFiring {
            expected_next_run: at(120),
            next_run: Some(at(180)),
            records: Vec::new(),
            ..skipped.clone()
        };
        for firing in [skipped, nothing_to_record] {
            let outcomes = repositories
                .ticks()
                .tick_fire_many(&[firing])
                .await
                .unwrap()
                .outcomes;
            assert_eq!(outcomes, [FiringOutcome::Committed]);
        }
        let history = History::of(&*repositories, before.id).await;
        assert_eq!(history.ledger.len(), 1);
        assert_eq!(history.jobs, []);
        let expected = UnifiedSchedule {
            next_run: Some(at(180)),
            ..before
        };
        assert_eq!(history.schedule, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn thousands_of_ticks_fire_in_one_call() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 4_500).await;
        // Not in the order of the ids, and two of them stale.
        let mut firings: Vec<_> = stored.iter().rev().map(firing).collect();
        firings[7].expected_timing_version = 2;
        firings[4_321].expected_next_run = at(61);
        let outcomes = repositories
            .ticks()
            .tick_fire_many(&firings)
            .await
            .unwrap()
            .outcomes;
        let stale: Vec<usize> = (0..outcomes.len())
            .filter(|place| outcomes[*place] == FiringOutcome::Stale)
            .collect();
        assert_eq!(stale, [7, 4_321]);
        let jobs = repositories
            .jobs()
            .job_list(&JobFilter::default(), JobSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(jobs.total, 4_498);
        let ledger = repositories
            .ticks()
            .tick_list(&TickFilter::default(), TickSort::default(), everything())
            .await
            .unwrap();
        assert_eq!(ledger.total, 4_498);
        for firing in [&firings[0], &firings[2_222], &firings[4_499]] {
            let history = History::of(&*repositories, firing.schedule_id).await;
            assert_eq!(history.jobs[0].id, fired_job(firing));
            assert_eq!(history.schedule.unwrap().next_run, firing.next_run);
        }
    })
    .await;
}

#[tokio::test]
async fn many_ticks_cost_a_few_statements() {
    on_each_database(async |repositories| {
        let stored = stored_schedules(&*repositories, 1_000).await;
        // One of them is a look at the unfinished jobs, and one asks whether any schedule follows another.
        let firings: Vec<_> = stored
            .iter()
            .map(|schedule| TickFiring {
                policies: SchedulePolicies::default(),
                ..firing(schedule)
            })
            .collect();
        let before = repositories.statements_executed();
        repositories.ticks().tick_fire_many(&firings).await.unwrap();
        let statements = repositories.statements_executed() - before;
        assert!((7..=8).contains(&statements), "{statements}");
    })
    .await;
}

#[tokio::test]
async fn nothing_fires_without_asking_the_database() {
    on_each_database(async |repositories| {
        let before = repositories.statements_executed();
        let committed = repositories.ticks().tick_fire_many(&[]).await.unwrap();
        assert_eq!(committed, CommittedFirings::default());
        assert_eq!(repositories.statements_executed(), before);
    })
    .await;
}
