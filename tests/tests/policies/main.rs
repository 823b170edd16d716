//! Every misfire policy with every overlap policy, on both databases, through all that can happen to a schedule. After
//! each event the auditor recomputes every nominal tick and compares.

mod world;

use chrono::TimeDelta;
use ratchet_interfaces::{
    MisfirePolicy, OverlapPolicy, ScheduleState, SchedulerError, SchedulerService, TickOutcome,
    UnifiedSchedule,
};
use world::World;

#[tokio::test(flavor = "multi_thread")]
async fn no_event_leaves_a_tick_unaccounted_for_under_any_policy() {
    World::on_each_database(async |world| {
        // Ticks in time, whose jobs end before the next.
        for _ in 0..6 {
            world.passes(TimeDelta::seconds(10)).await;
            world.jobs_end().await;
        }
        world.audited("ticks in time").await;

        // Jobs that run on while others become due.
        world.jobs_begin().await;
        for _ in 0..6 {
            world.passes(TimeDelta::seconds(10)).await;
        }
        world.audited("jobs that do not end").await;
        world.jobs_end().await;
        world.passes(TimeDelta::seconds(10)).await;
        world.audited("jobs that ended late").await;

        // The engine is too busy to look for longer than the interval, and for longer than a grace.
        world.passes(TimeDelta::seconds(45)).await;
        world.audited("an overload").await;
        world.passes(TimeDelta::minutes(7)).await;
        world.audited("a long overload").await;
        world.jobs_end().await;

        world.is_down_for(TimeDelta::minutes(30)).await;
        world.audited("an outage").await;
        world.jobs_end().await;

        world.paused(None).await;
        world.passes(TimeDelta::minutes(5)).await;
        world.audited("a pause").await;
        world.resumed(false).await;
        world.passes(TimeDelta::seconds(10)).await;
        world.audited("resumption").await;
        world.jobs_end().await;

        world.paused(Some(world.now() + TimeDelta::minutes(3))).await;
        world.passes(TimeDelta::minutes(2)).await;
        world.audited("a pause that will end by itself").await;
        world.passes(TimeDelta::minutes(2)).await;
        world.audited("a pause that ended by itself").await;
        world.jobs_end().await;

        // A clock that is set back decides on nothing twice, and goes on when it has caught up.
        world.clock_is_set_by(-TimeDelta::hours(1));
        world.passes(TimeDelta::minutes(10)).await;
        world.audited("a clock set back an hour").await;
        world.is_down_for(TimeDelta::seconds(1)).await;
        world.passes(TimeDelta::minutes(55)).await;
        world.audited("a clock that has caught up").await;
        world.jobs_end().await;

        world.clock_is_set_by(TimeDelta::days(1));
        world.settled().await;
        world.audited("a clock set forward a day").await;
        world.jobs_end().await;

        world.paused(None).await;
        world.passes(TimeDelta::minutes(5)).await;
        world.resumed(true).await;
        world.audited("a pause whose ticks were skipped").await;
        world.edited().await;
        world.passes(TimeDelta::minutes(2)).await;
        world.audited("an edit of the specification").await;
        world.jobs_end().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_misfire_policy_treats_an_outage_as_it_says() {
    World::on_each_database(async |world| {
        world.passes(TimeDelta::seconds(10)).await;
        world.jobs_end().await;
        let before = world.now();
        world.is_down_for(TimeDelta::minutes(30)).await;
        for (policies, outcomes) in world.outcomes_since(before, OverlapPolicy::Allow).await {
            let count = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
            let total: u64 = outcomes.values().sum();
            assert_eq!(total, 180, "{policies:?}: {outcomes:?}");
            match policies.misfire {
                MisfirePolicy::Coalesce => {
                    assert_eq!(
                        (count(TickOutcome::Fired), count(TickOutcome::Coalesced)),
                        (1, 179)
                    );
                }
                MisfirePolicy::Skip => {
                    // A minute of grace.
                    assert_eq!(
                        (count(TickOutcome::Fired), count(TickOutcome::SkippedMisfire)),
                        (6, 174)
                    );
                }
                MisfirePolicy::CatchUp => {
                    // Five missed ones, and those of a minute of grace.
                    assert_eq!(
                        (count(TickOutcome::Fired), count(TickOutcome::SkippedMisfire)),
                        (11, 169)
                    );
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_overlap_policy_treats_a_job_that_does_not_end_as_it_says() {
    World::on_each_database(async |world| {
        world.passes(TimeDelta::seconds(10)).await;
        let before = world.now();
        world.jobs_begin().await;
        for _ in 0..6 {
            world.passes(TimeDelta::seconds(10)).await;
        }
        for overlap in OverlapPolicy::ALL {
            for (policies, outcomes) in world.outcomes_since(before, *overlap).await {
                let count = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
                let counts = (
                    count(TickOutcome::Fired),
                    count(TickOutcome::Buffered),
                    count(TickOutcome::SkippedOverlap),
                );
                let expected = match overlap {
                    OverlapPolicy::Allow | OverlapPolicy::TerminateRunning => (6, 0, 0),
                    OverlapPolicy::Skip => (0, 0, 6),
                    OverlapPolicy::BufferOne => (0, 1, 5),
                    OverlapPolicy::BufferAll => (0, 3, 3),
                    OverlapPolicy::CancelRunning => (0, 6, 0),
                };
                assert_eq!(counts, expected, "{policies:?}: {outcomes:?}");
            }
        }
        world.jobs_end().await;
        world.audited("jobs that ended at last").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_schedule_stays_so_until_it_is_given_more_to_do() {
    World::on_each_database(async |world| {
        for _ in 0..30 {
            world.passes(TimeDelta::seconds(1)).await;
            world.jobs_end().await;
        }
        let completed = world.named("twenty times, coalesce").await;
        assert_eq!(
            (completed.state, completed.run_count),
            (ScheduleState::Completed, 20)
        );
        let reason = completed.state_reason.clone().unwrap();
        assert!(reason.contains("20 times"), "{reason}");

        let described = UnifiedSchedule {
            description: Some("for the record".to_owned()),
            ..completed.clone()
        };
        let described = world.service.update_schedule(described).await.unwrap();
        assert_eq!(
            (described.state, described.next_run),
            (ScheduleState::Completed, None)
        );

        let mut fewer = described.clone();
        fewer.policies.max_runs = Some(19);
        let refused = world.service.update_schedule(fewer).await.unwrap_err();
        assert!(
            matches!(refused, SchedulerError::InvalidSchedule { field: "maxRuns", .. }),
            "{refused}"
        );
        let mut more = described;
        more.policies.max_runs = Some(21);
        let more = world.service.update_schedule(more).await.unwrap();
        assert_eq!(more.state, ScheduleState::Active);
        world.passes(TimeDelta::seconds(3)).await;
        world.audited("more runs were allowed").await;
        let again = world.named("twenty times, coalesce").await;
        assert_eq!((again.state, again.run_count), (ScheduleState::Completed, 21));
    })
    .await;
}
