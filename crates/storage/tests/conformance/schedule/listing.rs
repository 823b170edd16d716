use std::cmp::Ordering;
use std::sync::Arc;

use ratchet_interfaces::{
    JobPriority, Pause, RepositoryFactory, ScheduleCondition, ScheduleFilter, ScheduleId, ScheduleSort,
    ScheduleState, SortOrder, TaskId, TextMatch, UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::paging::{
    absent_last, assert_filters, assert_list, bounds, choices, directed, name_is_met, text_is_met, texts,
};
use crate::sample::{HOSTILE, at, everything, schedule, stored_task};

/// Seven schedules of two tasks that differ in all that a list can be filtered and sorted by. The first in the default
/// order comes first.
async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<UnifiedSchedule> {
    let one = stored_task(&**repositories, "one").await;
    let two = stored_task(&**repositories, "two").await;
    let rows = [
        ("delta", one, true, ScheduleState::Active, Some(60), 5),
        ("Alpha", one, true, ScheduleState::Active, Some(30), 1),
        ("alpha 2", two, false, ScheduleState::Active, Some(60), 2),
        ("beta", two, false, ScheduleState::Invalid, None, 3),
        ("gamma", two, true, ScheduleState::Completed, None, 5),
        ("Ärger", one, true, ScheduleState::Active, Some(90), 4),
        ("zeta", one, false, ScheduleState::Invalid, None, 0),
    ];
    let mut schedules: Vec<_> = rows
        .into_iter()
        .enumerate()
        .map(
            |(place, (name, task, enabled, state, next_run, created))| UnifiedSchedule {
                description: (place % 2 == 0).then(|| format!("Made_up {place}% Ä")),
                specification: format!("{place} * * * *"),
                timezone: if place < 3 { "UTC" } else { "Europe/Berlin" }.to_owned(),
                enabled,
                state,
                pause: (place == 4).then(|| Pause {
                    since: at(0),
                    by: "me".to_owned(),
                    note: None,
                    resume_at: None,
                }),
                priority: JobPriority::ALL[place % 4],
                next_run: next_run.map(at),
                last_run: (place > 2).then(|| at(place as i64)),
                run_count: place as u64 % 3,
                consecutive_failures: place as u32 % 2,
                created_at: at(created),
                updated_at: at(created + 1),
                ..schedule(name, task)
            },
        )
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    schedules.sort_by(|a, b| compare(ScheduleSort::default(), a, b));
    schedules
}

/// Conditions on every field, with values that some of the schedules have and values that none has.
pub(crate) fn conditions(schedules: &[UnifiedSchedule]) -> Vec<ScheduleCondition> {
    let ids = schedules.iter().map(|schedule| schedule.id);
    let ids: Vec<ScheduleId> = ids.take(2).chain([ScheduleId::new()]).collect();
    let mut tasks: Vec<TaskId> = schedules.iter().map(|schedule| schedule.task_id).collect();
    tasks.push(TaskId::new());
    tasks.sort();
    tasks.dedup();
    let mut all = Vec::new();
    all.extend(choices(&ids).into_iter().map(ScheduleCondition::Id));
    all.extend(choices(&tasks).into_iter().map(ScheduleCondition::TaskId));
    let names = texts(&["Alpha", "alpha", "Ärger"], &["", "ALPHA", "ärg", "2", "%"]);
    all.extend(names.into_iter().map(ScheduleCondition::Name));
    let words = texts(&["Made_up 0% Ä", "made_up"], &["", "MADE_", "%", "2%", "ä", "Ä"]);
    all.extend(words.into_iter().map(ScheduleCondition::Description));
    let specifications = texts(&["3 * * * *", "3"], &["3 *", "* * * *", "%"]);
    all.extend(specifications.into_iter().map(ScheduleCondition::Specification));
    let zones = texts(&["UTC", "utc", "Europe/Berlin"], &["utc", "BERLIN"]);
    all.extend(zones.into_iter().map(ScheduleCondition::Timezone));
    all.extend([true, false].map(ScheduleCondition::Enabled));
    all.extend(
        choices(ScheduleState::ALL)
            .into_iter()
            .map(ScheduleCondition::State),
    );
    all.extend([true, false].map(ScheduleCondition::Paused));
    all.extend(
        bounds(JobPriority::ALL)
            .into_iter()
            .map(ScheduleCondition::Priority),
    );
    let instants = |seconds: [i64; 3]| bounds(&seconds.map(at));
    all.extend(instants([30, 31, 60]).into_iter().map(ScheduleCondition::NextRun));
    all.extend(instants([3, 5, 90]).into_iter().map(ScheduleCondition::LastRun));
    all.extend(bounds(&[0, 1, 2, 3]).into_iter().map(ScheduleCondition::RunCount));
    all.extend(
        bounds(&[0, 1, 2])
            .into_iter()
            .map(ScheduleCondition::ConsecutiveFailures),
    );
    all.extend(instants([0, 3, 5]).into_iter().map(ScheduleCondition::CreatedAt));
    all.extend(instants([1, 3, 6]).into_iter().map(ScheduleCondition::UpdatedAt));
    all
}

/// What the documentation of the condition says.
pub(crate) fn matches(condition: &ScheduleCondition, schedule: &UnifiedSchedule) -> bool {
    match condition {
        ScheduleCondition::Id(choice) => choice.is_met_by(Some(&schedule.id)),
        ScheduleCondition::TaskId(choice) => choice.is_met_by(Some(&schedule.task_id)),
        ScheduleCondition::Name(text) => name_is_met(text, &schedule.name),
        ScheduleCondition::Description(text) => text_is_met(text, schedule.description.as_deref()),
        ScheduleCondition::Specification(text) => text_is_met(text, Some(&schedule.specification)),
        ScheduleCondition::Timezone(text) => text_is_met(text, Some(&schedule.timezone)),
        ScheduleCondition::Enabled(enabled) => *enabled == schedule.enabled,
        ScheduleCondition::State(choice) => choice.is_met_by(Some(&schedule.state)),
        ScheduleCondition::Paused(paused) => *paused == schedule.pause.is_some(),
        ScheduleCondition::Priority(bound) => bound.is_met_by(Some(&schedule.priority)),
        ScheduleCondition::NextRun(bound) => bound.is_met_by(schedule.next_run.as_ref()),
        ScheduleCondition::LastRun(bound) => bound.is_met_by(schedule.last_run.as_ref()),
        ScheduleCondition::RunCount(bound) => bound.is_met_by(Some(&schedule.run_count)),
        ScheduleCondition::ConsecutiveFailures(bound) => {
            bound.is_met_by(Some(&schedule.consecutive_failures.into()))
        }
        ScheduleCondition::CreatedAt(bound) => bound.is_met_by(Some(&schedule.created_at)),
        ScheduleCondition::UpdatedAt(bound) => bound.is_met_by(Some(&schedule.updated_at)),
    }
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
pub(crate) fn compare(sort: ScheduleSort, a: &UnifiedSchedule, b: &UnifiedSchedule) -> Ordering {
    let order = sort.order();
    let by_key = match sort {
        ScheduleSort::Name(_) => directed(order, a.name.cmp(&b.name)),
        ScheduleSort::NextRun(_) => absent_last(order, a.next_run, b.next_run),
        ScheduleSort::CreatedAt(_) => directed(order, a.created_at.cmp(&b.created_at)),
    };
    by_key.then(directed(order, a.id.cmp(&b.id)))
}

async fn names(
    repositories: &Arc<dyn RepositoryFactory>,
    filter: &ScheduleFilter,
    sort: ScheduleSort,
) -> Vec<String> {
    let page = repositories
        .schedules()
        .schedule_list(filter, sort, everything())
        .await
        .unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.into_iter().map(|schedule| schedule.name).collect()
}

#[tokio::test]
async fn each_condition_leaves_the_schedules_that_meet_it() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        assert_filters(
            ScheduleCondition::FIELDS,
            ScheduleCondition::field,
            &conditions(&stored),
            &stored,
            matches,
            async |filter| {
                let schedules = repositories.schedules();
                let sort = ScheduleSort::default();
                schedules.schedule_list(filter, sort, everything()).await.unwrap()
            },
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_the_schedules_in_both_directions_on_every_page() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let schedules = repositories.schedules();
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for key in ScheduleSort::KEYS {
                let sort = key(order);
                for condition in [None, Some(ScheduleCondition::Enabled(true))] {
                    let mut expected = stored.clone();
                    expected.retain(|schedule| condition.iter().all(|met| matches(met, schedule)));
                    expected.sort_by(|a, b| compare(sort, a, b));
                    let filter = ScheduleFilter::of(condition);
                    assert_list(&expected, async |page| {
                        schedules.schedule_list(&filter, sort, page).await.unwrap()
                    })
                    .await;
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_search_takes_every_character_for_itself() {
    on_each_database(async |repositories| {
        let task = stored_task(&*repositories, "greet").await;
        let stored: Vec<_> = HOSTILE
            .iter()
            .enumerate()
            .map(|(place, text)| schedule(&format!("{place} before {text} after"), task))
            .collect();
        repositories
            .schedules()
            .schedule_create_many(&stored)
            .await
            .unwrap();
        for text in HOSTILE {
            for asked in [(*text).to_owned(), text.to_uppercase(), text.to_lowercase()] {
                let filter =
                    ScheduleFilter::of([ScheduleCondition::Name(TextMatch::Contains(asked.clone()))]);
                let mut expected: Vec<&str> = stored
                    .iter()
                    .map(|schedule| schedule.name.as_str())
                    .filter(|name| name.to_lowercase().contains(&asked.to_lowercase()))
                    .collect();
                expected.sort_unstable();
                let found = names(&repositories, &filter, ScheduleSort::default()).await;
                assert_eq!(found, expected, "{asked:?}");
            }
        }
    })
    .await;
}
