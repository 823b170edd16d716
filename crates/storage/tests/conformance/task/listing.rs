use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, Utc};
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
        names,
        name_not,
        versions,
        version_not,
        registries,
        registry_not,
        runtime,
        runtimes,
        runtime_not,
        created_from,
        created_before,
        updated_from,
        updated_before,
    } = filter;
    let text = |is: &Option<String>, one_of: &[String], not: &Option<String>, text: &String| {
        is.as_ref().is_none_or(|is| is == text)
            && (one_of.is_empty() || one_of.contains(text))
            && not.as_ref().is_none_or(|not| not != text)
    };
    let time = |from: Option<DateTime<Utc>>, before: Option<DateTime<Utc>>, at: DateTime<Utc>| {
        from.is_none_or(|from| at >= from) && before.is_none_or(|before| at < before)
    };
    let definition = &task.definition;
    let lower = task.definition.name.to_lowercase();
    text(name, names, name_not, &definition.name)
        && text(version, versions, version_not, &definition.version)
        && text(registry, registries, registry_not, &task.registry)
        && text(runtime, runtimes, runtime_not, &definition.runtime)
        && time(*created_from, *created_before, task.created_at)
        && time(*updated_from, *updated_before, task.updated_at)
        && removed.is_none_or(|removed| removed == task.removed_at.is_some())
        && name_contains
            .as_ref()
            .is_none_or(|part| lower.contains(&part.to_lowercase()))
        && enabled.is_none_or(|enabled| enabled == task.enabled)
}

/// What the documentation of the sort says: ties are broken by id, in the same direction.
fn compare(sort: TaskSort, a: &Task, b: &Task) -> Ordering {
    let (order, by_key) = match sort {
        TaskSort::Name(order) => (
            order,
            (&a.definition.name, &a.definition.version).cmp(&(&b.definition.name, &b.definition.version)),
        ),
        TaskSort::CreatedAt(order) => (order, a.created_at.cmp(&b.created_at)),
        TaskSort::Version(order) => (order, a.definition.version.cmp(&b.definition.version)),
        TaskSort::Enabled(order) => (order, a.enabled.cmp(&b.enabled)),
        TaskSort::Registry(order) => (order, a.registry.cmp(&b.registry)),
        TaskSort::Runtime(order) => (order, a.definition.runtime.cmp(&b.definition.runtime)),
        TaskSort::UpdatedAt(order) => (order, a.updated_at.cmp(&b.updated_at)),
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
                ..all()
            },
            TaskFilter {
                names: vec!["greet".to_owned(), "add".to_owned()],
                ..all()
            },
            TaskFilter {
                name_not: text("greet"),
                versions: vec!["1.0.0".to_owned(), "9".to_owned()],
                ..all()
            },
            TaskFilter {
                version_not: text("1.0.0"),
                ..all()
            },
            TaskFilter {
                registries: vec!["files".to_owned(), "Files".to_owned()],
                ..all()
            },
            TaskFilter {
                registry_not: text("files"),
                ..all()
            },
            TaskFilter {
                runtime: text("builtin"),
                ..all()
            },
            TaskFilter {
                runtimes: vec!["javascript".to_owned()],
                ..all()
            },
            TaskFilter {
                runtime_not: text("javascript"),
                ..all()
            },
            TaskFilter {
                created_from: Some(at(1)),
                created_before: Some(at(3)),
                ..all()
            },
            TaskFilter {
                updated_from: Some(at(1)),
                updated_before: Some(at(9)),
                ..all()
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
            for sort in [
                TaskSort::Name(order),
                TaskSort::CreatedAt(order),
                TaskSort::Version(order),
                TaskSort::Enabled(order),
                TaskSort::Registry(order),
                TaskSort::Runtime(order),
                TaskSort::UpdatedAt(order),
            ] {
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
