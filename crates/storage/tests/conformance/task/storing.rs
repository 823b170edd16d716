use ratchet_interfaces::{
    RepositoryError, RetryPolicy, Task, TaskCondition, TaskDefinition, TaskErrorKind, TaskFilter, TaskId,
    TaskLimits, TaskSort, TextMatch,
};
use serde_json::json;

use crate::harness::{assert_refused, at_once, on_each_database};
use crate::sample::{at, everything, task};

#[tokio::test]
async fn a_stored_task_is_found_as_it_was() {
    on_each_database(async |repositories| {
        let full = Task {
            definition: TaskDefinition {
                id: TaskId::new(),
                name: "greet".to_owned(),
                version: "2.0.0-beta+7".to_owned(),
                label: Some("Greeting".to_owned()),
                tags: vec!["it's".to_owned(), "🌍".to_owned()],
                source: Some("() => `\n`".to_owned()),
                limits: TaskLimits {
                    timeout_seconds: Some(1),
                    memory_bytes: Some(1 << 40),
                    max_concurrent: Some(2),
                    max_per_key: Some(3),
                },
                retry: Some(RetryPolicy {
                    max_retries: 3,
                    never_on: vec![TaskErrorKind::Memory],
                    ..RetryPolicy::default()
                }),
                description: Some("it's a \"greeting\" 🌍".to_owned()),
                runtime: "builtin".to_owned(),
                input_schema: Some(json!({"type": "object", "properties": {"who": {"type": "string"}}})),
                output_schema: Some(json!(true)),
                metadata: Some(json!(null)),
            },
            registry: "files".to_owned(),
            enabled: false,
            removed_at: Some(at(4)),
            validated_at: Some(at(3)),
            created_at: at(1),
            updated_at: at(2),
            revision: 1,
        };
        let bare = task("bare");
        let tasks = repositories.tasks();
        tasks
            .task_upsert_many(&[full.clone(), bare.clone()])
            .await
            .unwrap();
        for stored in [full, bare] {
            assert_eq!(tasks.task_find(stored.definition.id).await.unwrap(), Some(stored));
        }
        assert_eq!(tasks.task_find(TaskId::new()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_changed_task_keeps_when_it_was_made_and_whether_it_is_enabled() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let before = task("greet");
        tasks
            .task_upsert_many(std::slice::from_ref(&before))
            .await
            .unwrap();
        tasks.task_set_enabled(before.definition.id, false).await.unwrap();
        let given = Task {
            definition: TaskDefinition {
                description: Some("new".to_owned()),
                input_schema: Some(json!({})),
                output_schema: Some(json!({})),
                metadata: Some(json!([])),
                ..TaskDefinition::new(before.definition.id, "Greet", "1.0.1", "another")
            },
            registry: "another".to_owned(),
            enabled: true,
            removed_at: None,
            validated_at: Some(at(9)),
            created_at: at(9),
            updated_at: at(9),
            revision: 1,
        };
        tasks
            .task_upsert_many(std::slice::from_ref(&given))
            .await
            .unwrap();
        let expected = Task {
            enabled: false,
            created_at: before.created_at,
            // It was disabled before it was stored anew.
            revision: 3,
            ..given
        };
        let found = tasks.task_find(before.definition.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&expected));
        // A search goes by the new name.
        for (part, total) in [("GREET", 1), ("greet", 1), ("gREET!", 0)] {
            let filter = TaskFilter::of([TaskCondition::Name(TextMatch::Contains(part.to_owned()))]);
            let list = tasks
                .task_list(&filter, TaskSort::default(), everything())
                .await
                .unwrap();
            assert_eq!(list.total, total, "{part}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_task_that_comes_twice_in_one_call_is_stored_as_it_came_last() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let first = task("greet");
        let mut second = first.clone();
        second.definition.description = Some("the second of the two".to_owned());
        tasks.task_upsert_many(&[first, second.clone()]).await.unwrap();
        let list = tasks
            .task_list(&TaskFilter::default(), TaskSort::default(), everything())
            .await
            .unwrap();
        second.revision = 2;
        assert_eq!(list.items, [second]);
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_and_version_keep_the_whole_call_out() {
    on_each_database(async |repositories| {
        let tasks = repositories.tasks();
        let taken = task("greet");
        tasks
            .task_upsert_many(std::slice::from_ref(&taken))
            .await
            .unwrap();
        let mut renamed = task("other");
        tasks
            .task_upsert_many(std::slice::from_ref(&renamed))
            .await
            .unwrap();
        renamed.definition.name = "greet".to_owned();
        let calls = [
            vec![task("new"), task("greet")],
            vec![task("new"), renamed],
            vec![task("new"), task("twin"), task("twin")],
        ];
        for call in calls {
            assert_refused!(
                tasks.task_upsert_many(&call).await,
                RepositoryError::AlreadyExists { what: "task", .. }
            );
            let list = tasks
                .task_list(&TaskFilter::default(), TaskSort::default(), everything())
                .await
                .unwrap();
            let names: Vec<_> = list
                .items
                .iter()
                .map(|task| task.definition.name.as_str())
                .collect();
            assert_eq!(names, ["greet", "other"]);
            assert_eq!(list.items[0], taken);
        }
        let mut next = task("greet");
        next.definition.version = "1.0.1".to_owned();
        tasks.task_upsert_many(&[next, task("Greet")]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_tasks_are_stored_without_asking_the_database() {
    on_each_database(async |repositories| {
        let before = repositories.statements_executed();
        repositories.tasks().task_upsert_many(&[]).await.unwrap();
        assert_eq!(repositories.statements_executed(), before);
    })
    .await;
}

/// Servers that start together bring their registries to the same state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_tasks_can_be_stored_by_several_at_the_same_time() {
    on_each_database(async |repositories| {
        let mut stored: Vec<Task> = (0..20).map(|number| task(&format!("task {number:02}"))).collect();
        let answers = at_once(0..6, |caller| {
            let tasks = repositories.tasks();
            let mut mine = stored.clone();
            mine.rotate_left(caller * 3);
            async move { tasks.task_upsert_many(&mine).await }
        })
        .await;
        for answer in answers {
            answer.unwrap();
        }
        let list = repositories
            .tasks()
            .task_list(&TaskFilter::default(), TaskSort::default(), everything())
            .await
            .unwrap();
        for task in &mut stored {
            task.revision = 6;
        }
        assert_eq!(list.items, stored);
    })
    .await;
}
