use chrono::TimeDelta;
use ratchet_interfaces::{
    Choice, FiringOutcome, JobCondition, JobFilter, JobSort, PageRequest, RepositoryFactory, ScheduleId,
    SortOrder, Tick, TickCondition, TickFilter, TickFiring, TickOutcome, TickRecord, TickSort, UnifiedJob,
    UnifiedSchedule,
};
use ratchet_storage::test_support::TestDatabase;

use crate::sample::{at, firing, stored_schedules};

/// The schedule is due at second 60; the ticks from there through 600 were missed and merged into that of 660.
fn after_a_long_outage(schedule: &UnifiedSchedule) -> TickFiring {
    let mut firing = firing(&UnifiedSchedule {
        next_run: Some(at(660)),
        ..schedule.clone()
    });
    firing.expected_next_run = at(60);
    firing.records.insert(
        0,
        TickRecord {
            scheduled_for: at(60),
            through: at(600),
            count: 10,
            outcome: TickOutcome::Coalesced,
            ..firing.records[0].clone()
        },
    );
    firing
}

/// What an operator does with a schedule after the clock was set back.
async fn set_back(
    repositories: &dyn RepositoryFactory,
    schedule: ScheduleId,
    next_run: i64,
) -> UnifiedSchedule {
    let schedules = repositories.schedules();
    let stored = schedules.schedule_find(schedule).await.unwrap().unwrap();
    let edited = UnifiedSchedule {
        next_run: Some(at(next_run)),
        ..stored
    };
    schedules.schedule_update(&edited).await.unwrap()
}

async fn ledger(repositories: &dyn RepositoryFactory, schedule: ScheduleId) -> Vec<Tick> {
    let filter = TickFilter::of([TickCondition::ScheduleId(Choice::Is(schedule))]);
    let page = PageRequest::new(0, 100).unwrap();
    repositories
        .ticks()
        .tick_list(&filter, TickSort::default(), page)
        .await
        .unwrap()
        .items
}

async fn jobs(repositories: &dyn RepositoryFactory, schedule: ScheduleId) -> Vec<UnifiedJob> {
    let filter = JobFilter::of([JobCondition::ScheduleId(Choice::Is(schedule))]);
    let sort = JobSort::ScheduledFor(SortOrder::Ascending);
    let page = PageRequest::new(0, 100).unwrap();
    repositories
        .jobs()
        .job_list(&filter, sort, page)
        .await
        .unwrap()
        .items
}

#[tokio::test]
async fn a_tick_within_a_range_of_the_ledger_does_not_fire_again() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = stored_schedules(&*repositories, &["set back", "another"]).await;
        let id = schedules[0].id;
        let fired = after_a_long_outage(&schedules[0]);
        repositories.ticks().tick_fire_many(&[fired]).await.unwrap();
        let (ledger_before, jobs_before) = (ledger(&*repositories, id).await, jobs(&*repositories, id).await);
        assert_eq!((ledger_before.len(), jobs_before.len()), (2, 1));
        for second in [60, 120, 600, 660] {
            let again = set_back(&*repositories, id, second).await;
            let outcome = repositories
                .ticks()
                .tick_fire_many(&[firing(&again)])
                .await
                .unwrap()
                .outcomes;
            assert!(
                matches!(&outcome[..], [FiringOutcome::Adjusted(it)] if it.firing.records.is_empty()),
                "{outcome:?}"
            );
            assert_eq!(ledger(&*repositories, id).await, ledger_before, "at {second}");
            assert_eq!(jobs(&*repositories, id).await, jobs_before, "at {second}");
            let moved = repositories.schedules().schedule_find(id).await.unwrap().unwrap();
            assert_eq!(moved.next_run, Some(at(second) + TimeDelta::minutes(1)));
            assert_eq!((moved.run_count, moved.last_run), (1, Some(at(660))));
        }
        // What is new fires, and so does another schedule in the same call as a tick that is not.
        let again = set_back(&*repositories, id, 300).await;
        let both = [firing(&again), firing(&schedules[1])];
        repositories.ticks().tick_fire_many(&both).await.unwrap();
        assert_eq!(jobs(&*repositories, id).await, jobs_before);
        assert_eq!(jobs(&*repositories, schedules[1].id).await.len(), 1);
        let onward = set_back(&*repositories, id, 720).await;
        repositories
            .ticks()
            .tick_fire_many(&[firing(&onward)])
            .await
            .unwrap();
        assert_eq!(jobs(&*repositories, id).await.len(), 2);
        assert_eq!(ledger(&*repositories, id).await.len(), 3);
    }
}
