//! What a synchronization makes of the stored tasks.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    Clock, ManualClock, MockTaskRegistry, Page, PageRequest, RegistryError, RegistryManager, RepositoryError,
    SyncReport, Task, TaskDefinition, TaskFilter, TaskId, TaskRepository, TaskSort,
};
use ratchet_registry::{EmbeddedRegistry, SchemaValidator, TaskRegistryManager};
use serde_json::json;

/// The table `tasks` in memory.
#[derive(Default)]
struct FakeTasks {
    rows: Mutex<Vec<Task>>,
    /// The sizes of the writes that were tried.
    writes: Mutex<Vec<usize>>,
    /// A description that the database will not have.
    poison: Option<&'static str>,
    away: bool,
    /// The tasks whose rows cannot be read.
    corrupt: Mutex<Vec<TaskId>>,
}

#[async_trait]
impl TaskRepository for FakeTasks {
    async fn task_upsert_many(&self, tasks: &[Task]) -> Result<(), RepositoryError> {
        self.writes.lock().unwrap().push(tasks.len());
        if self.away {
            return Err(RepositoryError::Unavailable {
                during: "storing tasks",
                source: "it is away".into(),
            });
        }
        if tasks
            .iter()
            .any(|task| self.poison.is_some() && task.definition.description.as_deref() == self.poison)
        {
            return Err(RepositoryError::Refused {
                during: "storing tasks",
                source: "a value cannot be stored".into(),
            });
        }
        let mut rows = self.rows.lock().unwrap();
        for task in tasks {
            self.corrupt
                .lock()
                .unwrap()
                .retain(|id| *id != task.definition.id);
            rows.retain(|row| row.definition.id != task.definition.id);
            rows.push(task.clone());
        }
        Ok(())
    }

    async fn task_find(&self, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let rows = self.rows.lock().unwrap();
        Ok(rows.iter().find(|row| row.definition.id == id).cloned())
    }

    async fn task_list(
        &self,
        _: &TaskFilter,
        _: TaskSort,
        page: PageRequest,
    ) -> Result<Page<Task>, RepositoryError> {
        let rows = self.rows.lock().unwrap();
        let items = rows
            .iter()
            .skip(page.offset() as usize)
            .take(page.limit() as usize);
        let items: Vec<Task> = items.cloned().collect();
        let corrupt = self.corrupt.lock().unwrap();
        if let Some(row) = items.iter().find(|row| corrupt.contains(&row.definition.id)) {
            return Err(RepositoryError::CorruptRow {
                what: "task",
                id: row.definition.id.to_string(),
                column: "metadata",
                source: "expected value".into(),
            });
        }
        Ok(Page {
            items,
            total: rows.len() as u64,
        })
    }

    async fn task_set_enabled(&self, id: TaskId, enabled: bool) -> Result<(), RepositoryError> {
        let mut rows = self.rows.lock().unwrap();
        rows.iter_mut()
            .find(|row| row.definition.id == id)
            .unwrap()
            .enabled = enabled;
        Ok(())
    }

    async fn task_delete(&self, _: TaskId) -> Result<bool, RepositoryError> {
        unreachable!("a synchronization deletes nothing")
    }
}

fn midnight() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

fn definition(name: &str) -> TaskDefinition {
    TaskDefinition::new(TaskId::new(), name, "1", "builtin")
}

fn registry(name: &str, tasks: Vec<TaskDefinition>) -> Arc<MockTaskRegistry> {
    let mut registry = MockTaskRegistry::new();
    registry.expect_name().return_const(name.to_owned());
    registry.expect_list_tasks().returning(move || Ok(tasks.clone()));
    Arc::new(registry)
}

fn manager(tasks: &Arc<FakeTasks>, clock: &Arc<ManualClock>) -> TaskRegistryManager {
    TaskRegistryManager::new(tasks.clone(), Arc::new(SchemaValidator::default()), clock.clone())
}

fn report(added: u64, updated: u64, unchanged: u64) -> SyncReport {
    SyncReport {
        added,
        updated,
        unchanged,
        issues: Vec::new(),
    }
}

#[tokio::test]
async fn what_is_new_changed_and_unchanged_is_counted_and_only_differences_are_written() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    // More than a page of stored tasks, so that a comparison with the first page alone would show.
    let mut offered: Vec<_> = (0..250).map(|n| definition(&format!("task{n}"))).collect();
    let first = manager(&tasks, &clock).with_registry(registry("files", offered.clone()));
    assert_eq!(first.sync().await.unwrap(), report(250, 0, 0));
    assert_eq!(first.sync().await.unwrap(), report(0, 0, 250));
    assert_eq!(*tasks.writes.lock().unwrap(), [250]);

    tasks.task_set_enabled(offered[220].id, false).await.unwrap();
    offered[220].description = Some("better".to_owned());
    offered.push(definition("another"));
    clock.advance(TimeDelta::hours(1));
    let second = manager(&tasks, &clock).with_registry(registry("files", offered.clone()));
    assert_eq!(second.sync().await.unwrap(), report(1, 1, 249));
    assert_eq!(*tasks.writes.lock().unwrap(), [250, 2]);

    let row = tasks.task_find(offered[220].id).await.unwrap().unwrap();
    assert_eq!(row.definition, offered[220]);
    assert_eq!((row.enabled, row.created_at), (false, midnight()));
    assert_eq!(
        (row.updated_at, row.validated_at),
        (clock.now(), Some(clock.now()))
    );
}

#[tokio::test]
async fn an_invalid_task_is_an_issue_and_the_others_are_stored() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let mut broken = definition("broken");
    broken.input_schema = Some(json!({"type": "sting"}));
    let sync = manager(&tasks, &clock)
        .with_registry(registry("files", vec![broken, definition("fine")]))
        .with_registry(Arc::new(EmbeddedRegistry::new().unwrap()));
    let report = sync.sync().await.unwrap();
    assert_eq!((report.added, report.issues.len()), (3, 1));
    assert_eq!(
        (report.issues[0].task.as_str(), report.issues[0].field.as_str()),
        ("broken", "inputSchema")
    );
}

#[tokio::test]
async fn a_task_that_stands_in_another_s_way_is_an_issue() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let original = definition("report");
    let same_name = definition("report");
    let mut same_id = definition("other");
    same_id.id = original.id;
    let sync = manager(&tasks, &clock)
        .with_registry(registry("first", vec![original.clone()]))
        .with_registry(registry("second", vec![same_name, same_id]));
    let report = sync.sync().await.unwrap();
    let fields: Vec<&str> = report.issues.iter().map(|issue| issue.field.as_str()).collect();
    assert_eq!((report.added, fields), (1, vec!["version", "id"]));
    let row = tasks.task_find(original.id).await.unwrap().unwrap();
    assert_eq!(row.registry, "first");
}

#[tokio::test]
async fn a_task_that_the_database_will_not_have_is_an_issue_and_the_others_are_stored() {
    let tasks = Arc::new(FakeTasks {
        poison: Some("venom"),
        ..FakeTasks::default()
    });
    let clock = Arc::new(ManualClock::at(midnight()));
    let mut poisonous = definition("poisonous");
    poisonous.description = Some("venom".to_owned());
    let offered = vec![definition("a"), poisonous, definition("b")];
    let report = manager(&tasks, &clock)
        .with_registry(registry("files", offered))
        .sync()
        .await
        .unwrap();
    assert_eq!(report.added, 2);
    assert_eq!(
        report.issues[0].message,
        "the database refused storing tasks: a value cannot be stored"
    );
}

#[tokio::test]
async fn a_stored_row_that_cannot_be_read_is_an_issue_and_is_written_anew_if_it_is_offered() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    // More than a page, with an unreadable row on each.
    let offered: Vec<_> = (0..150).map(|n| definition(&format!("task{n}"))).collect();
    let all = manager(&tasks, &clock).with_registry(registry("files", offered.clone()));
    assert_eq!(all.sync().await.unwrap(), report(150, 0, 0));

    let (kept, forgotten) = (offered[3].id, offered[140].id);
    *tasks.corrupt.lock().unwrap() = vec![kept, forgotten];
    let remembered = offered.into_iter().filter(|task| task.id != forgotten).collect();
    let sync = manager(&tasks, &clock).with_registry(registry("files", remembered));
    let found = sync.sync().await.unwrap();
    assert_eq!((found.added, found.updated, found.unchanged), (0, 1, 148));
    let named: Vec<_> = found.issues.iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [kept, forgotten]
            .map(|id| format!("task {id}: metadata: the stored value cannot be read: expected value"))
    );
    assert_eq!(*tasks.corrupt.lock().unwrap(), [forgotten]);
}

#[tokio::test]
async fn a_registry_that_cannot_be_read_is_an_error_after_the_others_were_stored() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let mut unreadable = MockTaskRegistry::new();
    unreadable.expect_name().return_const("files".to_owned());
    unreadable.expect_list_tasks().returning(|| {
        Err(RegistryError::Read {
            registry: "files".to_owned(),
            source: "no such folder".into(),
        })
    });
    let sync = manager(&tasks, &clock)
        .with_registry(Arc::new(unreadable))
        .with_registry(Arc::new(EmbeddedRegistry::new().unwrap()));
    let failure = sync.sync().await.unwrap_err();
    assert_eq!(failure.to_string(), "registry files cannot be read");
    assert_eq!(tasks.rows.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_and_not_a_list_of_issues() {
    let tasks = Arc::new(FakeTasks {
        away: true,
        ..FakeTasks::default()
    });
    let clock = Arc::new(ManualClock::at(midnight()));
    let sync =
        manager(&tasks, &clock).with_registry(registry("files", vec![definition("a"), definition("b")]));
    let failure = sync.sync().await.unwrap_err();
    assert!(matches!(failure, RegistryError::Store { .. }));
    assert_eq!(*tasks.writes.lock().unwrap(), [2]);
}

#[tokio::test]
async fn a_manager_without_registries_reads_nothing() {
    let tasks = ratchet_interfaces::MockTaskRepository::new();
    let clock = Arc::new(ManualClock::at(midnight()));
    let manager = TaskRegistryManager::new(Arc::new(tasks), Arc::new(SchemaValidator::default()), clock);
    assert_eq!(manager.sync().await.unwrap(), report(0, 0, 0));
}
