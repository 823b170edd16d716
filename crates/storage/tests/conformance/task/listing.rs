use std::cmp::Ordering;
use std::sync::Arc;

use ratchet_interfaces::{RepositoryFactory, SortOrder, Task, TaskFilter, TaskSort};

use crate::harness::on_each_database;
use crate::paging::assert_list;
use crate::sample::{HOSTILE, at, everything, task};

async fn stored(repositories: &Arc<dyn RepositoryFactory>) -> Vec<Task> {
    let rows = [
        ("greet", "1.0.0", true, "embedded", 5),
        ("greet", "2.0.0", false, "embedded", 1),
        ("greet", "10.0.0", true, "files", 5),
        ("Greeter", "1.0.0", true, "files", 2),
        ("add", "1.0.0", false, "embedded", 3),
        ("Ärger", "1.0.0", true, "Files", 0),
    ];
    let stored: Vec<Task> = rows
        .into_iter()
        .map(|(name, version, enabled, registry, created)| {
            let mut task = Task {
                registry: registry.to_owned(),
                enabled,
                removed_at: (created == 3).then(|| at(9)),
                created_at: at(created),
                ..task(name)
            };
            task.definition.version = version.to_owned();
            task
        })
        .collect();
    repositories.tasks().task_upsert_many(&stored).await.unwrap();
    stored
}

/// What the documentation of the filter says.
fn matches(filter: &TaskFilter, task: &Task) -> bool {
    let TaskFilter {
        name,
        version,
        name_contains,
        enabled,
        registry,
        removed,
    } = filter;
    let lower = task.definition.name.to_lowercase();
    name.as_ref().is_none_or(|name| *name == task.definition.name)
        && version
            .as_ref()
            .is_none_or(|version| *version == task.definition.version)
        && removed.is_none_or(|removed| removed == task.removed_at.is_some())
        && name_contains
            .as_ref()
            .is_none_or(|part| lower.contains(&part.to_lowercase()))
        && enabled.is_none_or(|enabled| enabled == task.enabled)
        && registry
            .as_ref()
            .is_none_or(|registry| *registry == task.registry)
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
fn compare(sort: TaskSort, a: &Task, b: &Task) -> Ordering {
    let (order, by_key) = match sort {
        TaskSort::Name(order) => (
            order,
            (&a.definition.name, &a.definition.version).cmp(&(&b.definition.name, &b.definition.version)),
        ),
        TaskSort::CreatedAt(order) => (order, a.created_at.cmp(&b.created_at)),
    };
    let ascending = by_key.then(a.definition.id.cmp(&b.definition.id));
    match order {
        SortOrder::Ascending => ascending,
        SortOrder::Descending => ascending.reverse(),
    }
}

#[tokio::test]
async fn each_field_of_a_filter_leaves_the_tasks_that_match() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let all = TaskFilter::default;
        let text = |text: &str| Some(text.to_owned());
        let mut filters = vec![
            all(),
            TaskFilter {
                name: text("greet"),
                ..all()
            },
            TaskFilter {
                name: text("GREET"),
                ..all()
            },
            TaskFilter {
                name_contains: text("GREET"),
                ..all()
            },
            TaskFilter {
                name_contains: text("äRG"),
                ..all()
            },
            TaskFilter {
                name_contains: text("%"),
                ..all()
            },
            TaskFilter {
                enabled: Some(true),
                ..all()
            },
            TaskFilter {
                enabled: Some(false),
                ..all()
            },
            TaskFilter {
                registry: text("files"),
                ..all()
            },
            TaskFilter {
                registry: text("file"),
                ..all()
            },
            TaskFilter {
                registry: text("fi\0les"),
                name: text("gr\0eet"),
                ..all()
            },
            TaskFilter {
                version: text("1.0.0"),
                ..all()
            },
            TaskFilter {
                version: text("1.0"),
                ..all()
            },
            TaskFilter {
                removed: Some(true),
                ..all()
            },
            TaskFilter {
                removed: Some(false),
                ..all()
            },
            TaskFilter {
                name: text("greet"),
                version: text("1.0.0"),
                name_contains: text("eet"),
                enabled: Some(true),
                registry: text("embedded"),
                removed: Some(false),
            },
        ];
        filters.push(TaskFilter {
            name_contains: text(""),
            ..all()
        });
        for filter in filters {
            let mut expected: Vec<Task> = stored
                .iter()
                .filter(|task| matches(&filter, task))
                .cloned()
                .collect();
            expected.sort_by(|a, b| compare(TaskSort::default(), a, b));
            let found = repositories
                .tasks()
                .task_list(&filter, TaskSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(found.items, expected, "{filter:?}");
            assert_eq!(found.total, expected.len() as u64, "{filter:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn each_sort_key_sorts_the_tasks_in_both_directions_on_every_page() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let tasks = repositories.tasks();
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            for sort in [TaskSort::Name(order), TaskSort::CreatedAt(order)] {
                let mut expected = stored.clone();
                expected.sort_by(|a, b| compare(sort, a, b));
                assert_list(&expected, async |page| {
                    tasks.task_list(&TaskFilter::default(), sort, page).await.unwrap()
                })
                .await;
                let greeting = TaskFilter {
                    name_contains: Some("greet".to_owned()),
                    ..TaskFilter::default()
                };
                expected.retain(|task| matches(&greeting, task));
                assert_list(&expected, async |page| {
                    tasks.task_list(&greeting, sort, page).await.unwrap()
                })
                .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_search_for_a_task_takes_every_character_for_itself() {
    on_each_database(async |repositories| {
        let stored: Vec<Task> = HOSTILE.iter().map(|text| task(&format!("<{text}>"))).collect();
        repositories.tasks().task_upsert_many(&stored).await.unwrap();
        for text in HOSTILE {
            let filter = TaskFilter {
                name_contains: Some(text.to_uppercase()),
                ..TaskFilter::default()
            };
            let mut expected: Vec<Task> = stored
                .iter()
                .filter(|task| matches(&filter, task))
                .cloned()
                .collect();
            expected.sort_by(|a, b| compare(TaskSort::default(), a, b));
            let found = repositories
                .tasks()
                .task_list(&filter, TaskSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(found.items, expected, "{text:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_latest_version_of_a_name_is_that_by_number_and_not_one_that_was_removed() {
    on_each_database(async |repositories| {
        let stored = stored(&repositories).await;
        let tasks = repositories.tasks();
        let latest = tasks.task_find_latest("greet").await.unwrap();
        assert_eq!(latest.as_ref(), Some(&stored[2]));
        assert_eq!(tasks.task_find_latest("add").await.unwrap(), None);
        assert_eq!(tasks.task_find_latest("gr\0eet!").await.unwrap(), None);
        let id = stored[2].definition.id;
        tasks.task_delete(id).await.unwrap();
        let latest = tasks.task_find_latest("greet").await.unwrap();
        assert_eq!(latest.as_ref(), Some(&stored[1]));
    })
    .await;
}
