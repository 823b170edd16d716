use std::sync::Arc;

use ratchet_interfaces::{
    PageRequest, RepositoryFactory, ScheduleFilter, ScheduleSort, ScheduleState, SortOrder, UnifiedSchedule,
};

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{HOSTILE, at, everything, schedule, stored_task};

/// Seven schedules of two tasks that differ in all that a list can be filtered and sorted by.
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
    let schedules: Vec<_> = rows
        .into_iter()
        .map(
            |(name, task, enabled, state, next_run, created)| UnifiedSchedule {
                enabled,
                state,
                next_run: next_run.map(at),
                created_at: at(created),
                ..schedule(name, task)
            },
        )
        .collect();
    repositories
        .schedules()
        .schedule_create_many(&schedules)
        .await
        .unwrap();
    schedules
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
async fn each_field_of_a_filter_leaves_what_matches() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let (one, two) = (stored[0].task_id, stored[2].task_id);
        let all = ScheduleFilter::default;
        let cases: Vec<(ScheduleFilter, &[&str])> = vec![
            (
                all(),
                &["Alpha", "alpha 2", "beta", "delta", "gamma", "zeta", "Ärger"],
            ),
            (
                ScheduleFilter {
                    task_id: Some(one),
                    ..all()
                },
                &["Alpha", "delta", "zeta", "Ärger"],
            ),
            (
                ScheduleFilter {
                    name: Some("Alpha".to_owned()),
                    ..all()
                },
                &["Alpha"],
            ),
            (
                ScheduleFilter {
                    name: Some("alpha".to_owned()),
                    ..all()
                },
                &[],
            ),
            (
                ScheduleFilter {
                    name_contains: Some("ALPHA".to_owned()),
                    ..all()
                },
                &["Alpha", "alpha 2"],
            ),
            (
                ScheduleFilter {
                    name_contains: Some("ärg".to_owned()),
                    ..all()
                },
                &["Ärger"],
            ),
            (
                ScheduleFilter {
                    enabled: Some(false),
                    ..all()
                },
                &["alpha 2", "beta", "zeta"],
            ),
            (
                ScheduleFilter {
                    enabled: Some(true),
                    ..all()
                },
                &["Alpha", "delta", "gamma", "Ärger"],
            ),
            (
                ScheduleFilter {
                    state: Some(ScheduleState::Invalid),
                    ..all()
                },
                &["beta", "zeta"],
            ),
            (
                ScheduleFilter {
                    next_run_from: Some(at(60)),
                    ..all()
                },
                &["alpha 2", "delta", "Ärger"],
            ),
            (
                ScheduleFilter {
                    next_run_before: Some(at(60)),
                    ..all()
                },
                &["Alpha"],
            ),
            (
                ScheduleFilter {
                    next_run_from: Some(at(31)),
                    next_run_before: Some(at(90)),
                    ..all()
                },
                &["alpha 2", "delta"],
            ),
            (
                ScheduleFilter {
                    task_id: Some(two),
                    enabled: Some(false),
                    state: Some(ScheduleState::Active),
                    name_contains: Some("2".to_owned()),
                    ..all()
                },
                &["alpha 2"],
            ),
        ];
        for (filter, mut expected) in cases.iter().map(|(filter, names)| (filter, names.to_vec())) {
            let mut found = names(&repositories, filter, ScheduleSort::default()).await;
            found.sort();
            expected.sort_unstable();
            assert_eq!(found, expected, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_in_both_directions() {
    on_each_database(async |repositories| {
        stored(&repositories).await;
        let (up, down) = (SortOrder::Ascending, SortOrder::Descending);
        let cases: [(ScheduleSort, [&str; 7]); 6] = [
            (
                ScheduleSort::Name(up),
                ["Alpha", "alpha 2", "beta", "delta", "gamma", "zeta", "Ärger"],
            ),
            (
                ScheduleSort::Name(down),
                ["Ärger", "zeta", "gamma", "delta", "beta", "alpha 2", "Alpha"],
            ),
            (
                ScheduleSort::CreatedAt(up),
                ["zeta", "Alpha", "alpha 2", "beta", "Ärger", "delta", "gamma"],
            ),
            (
                ScheduleSort::CreatedAt(down),
                ["gamma", "delta", "Ärger", "beta", "alpha 2", "Alpha", "zeta"],
            ),
            // Without a next tick last, whichever way the others go.
            (
                ScheduleSort::NextRun(up),
                ["Alpha", "delta", "alpha 2", "Ärger", "beta", "gamma", "zeta"],
            ),
            (
                ScheduleSort::NextRun(down),
                ["Ärger", "alpha 2", "delta", "Alpha", "zeta", "gamma", "beta"],
            ),
        ];
        for (sort, expected) in cases {
            assert_eq!(
                names(&repositories, &ScheduleFilter::default(), sort).await,
                expected,
                "{sort:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_a_list_have_every_schedule_once_and_the_total_of_all() {
    on_each_database(async |repositories| {
        let mut expected = stored(&repositories).await;
        expected.sort_by(|a, b| a.name.cmp(&b.name));
        let list = async |filter: &ScheduleFilter, page: PageRequest| {
            repositories
                .schedules()
                .schedule_list(filter, ScheduleSort::default(), page)
                .await
                .unwrap()
        };
        assert_list(&expected, async |page| {
            list(&ScheduleFilter::default(), page).await
        })
        .await;
        let enabled = ScheduleFilter {
            enabled: Some(true),
            ..ScheduleFilter::default()
        };
        expected.retain(|schedule| schedule.enabled);
        assert_list(&expected, async |page| list(&enabled, page).await).await;
        let nothing = ScheduleFilter {
            name: Some("nobody".to_owned()),
            ..ScheduleFilter::default()
        };
        assert_list(&[], async |page| list(&nothing, page).await).await;
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
                let filter = ScheduleFilter {
                    name_contains: Some(asked.clone()),
                    ..ScheduleFilter::default()
                };
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
