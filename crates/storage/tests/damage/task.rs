use ratchet_interfaces::{
    Page, PageRequest, RepositoryError, Task, TaskDefinition, TaskFilter, TaskId, TaskSort,
};
use ratchet_storage::test_support::TestDatabase;

use crate::raw::damage;
use crate::sample::at;

#[tokio::test]
async fn a_damaged_task_is_named_and_keeps_no_other_out_of_a_list() {
    let of_both = [
        "input_schema = 'not json'",
        "tags = '{}'",
        "retry = '{\"backoff\": 7}'",
        "timeout_seconds = -1",
        "created_at = 9223372036854775807",
    ];
    let of_sqlite = ["id = X'01'", "runtime = CAST(X'FF' AS TEXT)"];
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let tasks = repositories.tasks();
        let of_sqlite: &[&str] = if database.file().is_some() {
            &of_sqlite
        } else {
            &[]
        };
        let damages: Vec<&str> = of_both.iter().chain(of_sqlite).copied().collect();
        let mut names = vec!["a sound".to_owned()];
        for place in 0..damages.len() {
            names.extend([format!("b{place} broken"), format!("b{place} sound")]);
        }
        let stored: Vec<Task> = names
            .iter()
            .map(|name| {
                let definition = TaskDefinition::new(TaskId::new(), name, "1.0.0", "builtin");
                Task::new(definition, "embedded", at(0))
            })
            .collect();
        tasks.task_upsert_many(&stored).await.unwrap();
        for (place, change) in damages.iter().enumerate() {
            let sql = format!("UPDATE tasks SET {change} WHERE name = 'b{place} broken'");
            damage(&database, &[&sql]).await;
        }
        let (filter, sort) = (TaskFilter::default(), TaskSort::default());
        for (offset, limit) in [(0, 100), (0, 3), (1, 1), (2, 100)] {
            let request = PageRequest::new(offset, limit).unwrap();
            let list = |request| tasks.task_list(&filter, sort, request);
            let (page, damaged) = Page::readable(request, list).await.unwrap();
            assert_eq!(page.total, names.len() as u64);
            let of_page = names.iter().skip(offset as usize).take(limit as usize);
            let sound: Vec<&String> = of_page.clone().filter(|name| name.ends_with("sound")).collect();
            let listed: Vec<&String> = page.items.iter().map(|task| &task.definition.name).collect();
            assert_eq!(listed, sound, "{offset} {limit}");
            assert_eq!(damaged.len(), of_page.count() - sound.len());
            for row in damaged {
                let RepositoryError::CorruptRow { what, id, .. } = row else {
                    panic!("{row}");
                };
                assert!(what == "task" && !id.is_empty());
            }
        }
    }
}
