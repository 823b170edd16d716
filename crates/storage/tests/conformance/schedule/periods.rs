//! What a schedule said before, and what is known of the whole database.

use ratchet_interfaces::{
    Fact, RepositoryFactory, ScheduleId, SchedulePeriod, ScheduleState, UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::sample::{at, schedule, stored_task};

async fn stored(repositories: &dyn RepositoryFactory) -> UnifiedSchedule {
    let task = stored_task(repositories, "task").await;
    let schedule = UnifiedSchedule {
        effective_from: at(0),
        enabled: true,
        ..schedule("edited", task)
    };
    repositories.schedules().schedule_create(&schedule).await.unwrap();
    schedule
}

async fn update(repositories: &dyn RepositoryFactory, schedule: UnifiedSchedule) -> UnifiedSchedule {
    repositories.schedules().schedule_update(&schedule).await.unwrap()
}

async fn periods(repositories: &dyn RepositoryFactory, id: ScheduleId) -> Vec<SchedulePeriod> {
    repositories.schedules().schedule_list_periods(id).await.unwrap()
}

#[tokio::test]
async fn an_edit_of_what_an_enabled_schedule_says_keeps_what_it_said_before() {
    on_each_database(async |repositories| {
        let first = stored(&*repositories).await;
        let renamed = UnifiedSchedule {
            name: "renamed".to_owned(),
            ..first.clone()
        };
        let renamed = update(&*repositories, renamed).await;
        assert!(periods(&*repositories, first.id).await.is_empty());

        let second = UnifiedSchedule {
            specification: "every 7m".to_owned(),
            effective_from: at(100),
            ..renamed
        };
        let second = update(&*repositories, second).await;
        let disabled = UnifiedSchedule {
            enabled: false,
            effective_from: at(200),
            ..second.clone()
        };
        let disabled = update(&*repositories, disabled).await;
        let enabled = UnifiedSchedule {
            enabled: true,
            effective_from: at(300),
            ..disabled
        };
        update(&*repositories, enabled).await;
        let period = |schedule: &UnifiedSchedule, from, until| SchedulePeriod {
            schedule_id: first.id,
            effective_from: at(from),
            effective_until: at(until),
            specification: schedule.specification.clone(),
            timezone: schedule.timezone.clone(),
        };
        // None of the time in which it was disabled.
        assert_eq!(
            periods(&*repositories, first.id).await,
            [period(&first, 0, 100), period(&second, 100, 200)]
        );
    })
    .await;
}

#[tokio::test]
async fn the_period_of_a_completed_schedule_ends_with_its_last_run() {
    on_each_database(async |repositories| {
        let schedule = stored(&*repositories).await;
        repositories
            .schedules()
            .schedule_record_run(schedule.id, at(60), None)
            .await
            .unwrap();
        let completed = UnifiedSchedule {
            state: ScheduleState::Completed,
            ..schedule
        };
        let completed = update(&*repositories, completed).await;
        let again = UnifiedSchedule {
            state: ScheduleState::Active,
            effective_from: at(500),
            ..completed.clone()
        };
        update(&*repositories, again).await;
        let periods = periods(&*repositories, completed.id).await;
        assert_eq!(periods.len(), 1);
        assert_eq!(
            (periods[0].effective_from, periods[0].effective_until),
            (at(0), at(60))
        );
    })
    .await;
}

#[tokio::test]
async fn facts_are_kept_and_replaced() {
    on_each_database(async |repositories| {
        let facts = repositories.facts();
        assert_eq!(facts.fact_find(Fact::ZoneData).await.unwrap(), None);
        let store = |zone: &str, from: &str| {
            [
                (Fact::ZoneData, zone.to_owned()),
                (Fact::LedgerFrom, from.to_owned()),
            ]
        };
        facts.fact_store(&store("2025a", "then")).await.unwrap();
        facts.fact_store(&store("2026b", "now")).await.unwrap();
        assert_eq!(facts.fact_find(Fact::ZoneData).await.unwrap().unwrap(), "2026b");
        assert_eq!(facts.fact_find(Fact::LedgerFrom).await.unwrap().unwrap(), "now");
    })
    .await;
}

#[tokio::test]
async fn all_schedules_are_gone_through_in_the_order_of_their_ids_whatever_their_state() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "task").await;
        let mut all = Vec::new();
        for (name, enabled, state) in [
            ("a", true, ScheduleState::Active),
            ("b", false, ScheduleState::Invalid),
            ("c", true, ScheduleState::Completed),
        ] {
            all.push(UnifiedSchedule {
                enabled,
                state,
                ..schedule(name, task)
            });
        }
        let schedules = repositories.schedules();
        schedules.schedule_create_many(&all).await.unwrap();
        all.sort_by_key(|schedule| schedule.id);
        let ids = |page: Vec<UnifiedSchedule>| page.into_iter().map(|one| one.id).collect::<Vec<_>>();
        let first = ids(schedules.schedule_scan(None, 2).await.unwrap());
        assert_eq!(first, [all[0].id, all[1].id]);
        let rest = ids(schedules.schedule_scan(Some(first[1]), 2).await.unwrap());
        assert_eq!(rest, [all[2].id]);
    })
    .await;
}
