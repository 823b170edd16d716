use std::cmp::Ordering;
use std::sync::Arc;

use ratchet_interfaces::{
    Bound, Choice, RepositoryFactory, SortOrder, Task, TaskCondition, TaskFilter, TaskSort, TextMatch,
};

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

/// What the documentation of the conditions says.
fn meets(condition: &TaskCondition, task: &Task) -> bool {
    let text = |expected: &TextMatch, found: &String| match expected {
        TextMatch::Choice(choice) => choice.is_met_by(Some(found)),
        TextMatch::Contains(part) => found.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
    };
    let definition = &task.definition;
    match condition {
        TaskCondition::Id(choice) => choice.is_met_by(Some(&definition.id)),
        TaskCondition::Name(TextMatch::Contains(part)) => {
            definition.name.to_lowercase().contains(&part.to_lowercase())
        }
        TaskCondition::Name(expected) => text(expected, &definition.name),
        TaskCondition::Version(expected) => text(expected, &definition.version),
        TaskCondition::Runtime(expected) => text(expected, &definition.runtime),
        TaskCondition::Registry(expected) => text(expected, &task.registry),
        TaskCondition::Enabled(enabled) => task.enabled == *enabled,
        TaskCondition::Removed(removed) => task.removed_at.is_some() == *removed,
        TaskCondition::CreatedAt(bound) => bound.is_met_by(Some(&task.created_at)),
        TaskCondition::UpdatedAt(bound) => bound.is_met_by(Some(&task.updated_at)),
    }
}

fn matches(filter: &TaskFilter, task: &Task) -> bool {
    filter.conditions().iter().all(|condition| meets(condition, task))
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
        let is = |text: &str| TextMatch::Choice(Choice::Is(text.to_owned()));
        let is_not = |text: &str| TextMatch::Choice(Choice::IsNot(text.to_owned()));
        let one_of = |texts: &[&str]| {
            TextMatch::Choice(Choice::IsOneOf(texts.iter().map(ToString::to_string).collect()))
        };
        let contains = |text: &str| TextMatch::Contains(text.to_owned());
        let id = stored[1].definition.id;
        let mut filters: Vec<TaskFilter> = [
            TaskCondition::Id(Choice::Is(id)),
            TaskCondition::Id(Choice::IsNot(id)),
            TaskCondition::Name(is("greet")),
            TaskCondition::Name(is("GREET")),
            TaskCondition::Name(is_not("greet")),
            TaskCondition::Name(one_of(&["greet", "add"])),
            TaskCondition::Name(one_of(&[])),
            TaskCondition::Name(contains("GREET")),
            TaskCondition::Name(contains("äRG")),
            TaskCondition::Name(contains("%")),
            TaskCondition::Name(contains("")),
            TaskCondition::Version(is("1.0.0")),
            TaskCondition::Version(is("1.0")),
            TaskCondition::Version(is_not("1.0.0")),
            TaskCondition::Version(contains("0.0")),
            TaskCondition::Runtime(is("builtin")),
            TaskCondition::Runtime(is_not("javascript")),
            TaskCondition::Runtime(one_of(&["javascript"])),
            TaskCondition::Registry(is("files")),
            TaskCondition::Registry(is("file")),
            TaskCondition::Registry(is("fi\0les")),
            TaskCondition::Registry(is_not("files")),
            TaskCondition::Registry(one_of(&["files", "Files"])),
            TaskCondition::Enabled(true),
            TaskCondition::Enabled(false),
            TaskCondition::Removed(true),
            TaskCondition::Removed(false),
            TaskCondition::CreatedAt(Bound::AtLeast(at(2))),
            TaskCondition::CreatedAt(Bound::AtMost(at(2))),
            TaskCondition::CreatedAt(Bound::Before(at(2))),
            TaskCondition::UpdatedAt(Bound::AtLeast(at(1))),
            TaskCondition::UpdatedAt(Bound::Before(at(9))),
        ]
        .map(|condition| TaskFilter::of([condition]))
        .to_vec();
        for field in TaskCondition::FIELDS {
            let tried = filters
                .iter()
                .any(|filter| filter.conditions()[0].field() == *field);
            assert!(tried, "{field} is not tried");
        }
        filters.push(TaskFilter::default());
        filters.push(TaskFilter::of([
            TaskCondition::Name(is("greet")),
            TaskCondition::Name(contains("eet")),
            TaskCondition::Version(is("1.0.0")),
            TaskCondition::Enabled(true),
            TaskCondition::Registry(is("embedded")),
            TaskCondition::Removed(false),
        ]));
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
                let greeting = TaskFilter::of([TaskCondition::Name(TextMatch::Contains("greet".to_owned()))]);
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
            let filter = TaskFilter::of([TaskCondition::Name(TextMatch::Contains(text.to_uppercase()))]);
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
