//! What a synchronization makes of the stored tasks.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratchet_interfaces::{
    Clock, ManualClock, MockTaskRegistry, Page, PageRequest, RegistryError, RegistryManager, RepositoryError,
    Signal, SyncReport, Task, TaskDefinition, TaskDeletion, TaskFilter, TaskId, TaskListing, TaskRepository,
    TaskSort, TaskStatistics,
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
    /// The tasks that have schedules or jobs.
    referred: Mutex<Vec<TaskId>>,
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

    async fn task_find_latest(&self, _: &str) -> Result<Option<Task>, RepositoryError> {
        unreachable!("a synchronization knows a task by its id")
    }

    async fn task_remove_many(&self, ids: &[TaskId], now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        let referred = self.referred.lock().unwrap();
        let mut removed = 0;
        self.rows.lock().unwrap().retain_mut(|row| {
            let id = row.definition.id;
            if !ids.contains(&id) || row.removed_at.is_some() {
                return true;
            }
            removed += 1;
            row.removed_at = Some(now);
            referred.contains(&id)
        });
        Ok(removed)
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

    async fn task_create(&self, _: &Task) -> Result<(), RepositoryError> {
        unreachable!("nobody here creates a task")
    }

    async fn task_update(&self, _: &Task) -> Result<Task, RepositoryError> {
        unreachable!("nobody here changes a task")
    }

    async fn task_delete_with_jobs(&self, _: TaskId, _: u32) -> Result<TaskDeletion, RepositoryError> {
        unreachable!("nobody here deletes jobs")
    }

    async fn task_versions(&self, _: &[String]) -> Result<Vec<(String, String)>, RepositoryError> {
        unreachable!("nobody here asks for versions")
    }

    async fn task_statistics(&self) -> Result<TaskStatistics, RepositoryError> {
        unreachable!("nobody here counts tasks")
    }

    async fn task_set_enabled(&self, id: TaskId, enabled: bool) -> Result<(), RepositoryError> {
        let mut rows = self.rows.lock().unwrap();
        rows.iter_mut()
            .find(|row| row.definition.id == id)
            .unwrap()
            .enabled = enabled;
        Ok(())
    }

    async fn task_delete(&self, id: TaskId) -> Result<bool, RepositoryError> {
        if self.referred.lock().unwrap().contains(&id) {
            return Err(RepositoryError::BrokenReference {
                what: "task",
                id: id.to_string(),
            });
        }
        let mut rows = self.rows.lock().unwrap();
        let before = rows.len();
        rows.retain(|row| row.definition.id != id);
        Ok(rows.len() < before)
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
    registry
        .expect_list_tasks()
        .returning(move || Ok(TaskListing::of(tasks.clone())));
    Arc::new(registry)
}

/// A registry whose tasks come from folders, some of which cannot be read now.
fn folders(tasks: Vec<TaskDefinition>, unreadable: &[&str]) -> Arc<MockTaskRegistry> {
    let listing = TaskListing {
        tasks,
        issues: Vec::new(),
        unreadable: unreadable.iter().map(ToString::to_string).collect(),
    };
    let mut registry = MockTaskRegistry::new();
    registry.expect_name().return_const("files".to_owned());
    registry
        .expect_list_tasks()
        .returning(move || Ok(listing.clone()));
    Arc::new(registry)
}

fn in_folder(folder: &str, version: &str) -> TaskDefinition {
    TaskDefinition {
        version: version.to_owned(),
        metadata: Some(json!({"folder": folder})),
        ..definition("hello")
    }
}

fn manager(tasks: &Arc<FakeTasks>, clock: &Arc<ManualClock>) -> TaskRegistryManager {
    TaskRegistryManager::new(tasks.clone(), Arc::new(SchemaValidator::default()), clock.clone())
}

fn report(added: u64, updated: u64, unchanged: u64) -> SyncReport {
    SyncReport {
        added,
        updated,
        removed: 0,
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
async fn only_a_changed_task_wakes_the_jobs_that_may_wait_for_its_limit() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let jobs_available = Signal::default();
    let mut task = definition("greet");
    let offering = |task: &TaskDefinition| {
        manager(&tasks, &clock)
            .with_jobs_available(jobs_available.clone())
            .with_registry(registry("files", vec![task.clone()]))
    };
    let is_raised = || async {
        tokio::select! {
            biased;
            () = jobs_available.arm() => true,
            () = std::future::ready(()) => false,
        }
    };
    offering(&task).sync().await.unwrap();
    assert!(!is_raised().await);
    task.limits.max_concurrent = Some(3);
    offering(&task).sync().await.unwrap();
    assert!(is_raised().await);
    offering(&task).sync().await.unwrap();
    assert!(!is_raised().await);
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
    assert_eq!((report.added, fields), (1, vec!["version", "uuid"]));
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

#[tokio::test]
async fn a_task_that_is_gone_is_removed_once_and_comes_back_as_it_was() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let (used, unused, other) = (definition("used"), definition("unused"), definition("other"));
    let all = manager(&tasks, &clock)
        .with_registry(registry("files", vec![used.clone(), unused.clone()]))
        .with_registry(registry("more", vec![other.clone()]));
    assert_eq!(all.sync().await.unwrap(), report(3, 0, 0));
    tasks.referred.lock().unwrap().push(used.id);
    tasks.task_set_enabled(used.id, false).await.unwrap();

    clock.advance(TimeDelta::hours(1));
    // Only one of the registries is asked: what is of another one stays.
    let empty = manager(&tasks, &clock).with_registry(registry("files", Vec::new()));
    assert_eq!(
        empty.sync().await.unwrap(),
        SyncReport {
            removed: 2,
            ..report(0, 0, 0)
        }
    );
    let row = tasks.task_find(used.id).await.unwrap().unwrap();
    assert_eq!(row.removed_at, Some(clock.now()));
    assert_eq!(tasks.task_find(unused.id).await.unwrap(), None);
    assert_eq!(tasks.task_find(other.id).await.unwrap().unwrap().removed_at, None);
    assert_eq!(empty.sync().await.unwrap(), report(0, 0, 0));

    assert_eq!(all.sync().await.unwrap(), report(1, 1, 1));
    let row = tasks.task_find(used.id).await.unwrap().unwrap();
    assert_eq!((row.removed_at, row.enabled), (None, false));
}

#[tokio::test]
async fn a_task_whose_folder_cannot_be_read_now_stays_as_it_was() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let (one, two) = (in_folder("tasks/a", "1"), in_folder("tasks/ab", "2"));
    let whole = manager(&tasks, &clock).with_registry(folders(vec![one.clone(), two.clone()], &[]));
    assert_eq!(whole.sync().await.unwrap(), report(2, 0, 0));
    for unreadable in ["tasks/a", "tasks", "tasks/"] {
        let broken = manager(&tasks, &clock).with_registry(folders(vec![two.clone()], &[unreadable]));
        assert_eq!(broken.sync().await.unwrap(), report(0, 0, 1), "{unreadable}");
    }
    // A folder whose name only begins alike is another one.
    let broken = manager(&tasks, &clock).with_registry(folders(vec![one], &["tasks/a"]));
    assert_eq!(broken.sync().await.unwrap().removed, 1);
    assert_eq!(tasks.task_find(two.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_task_that_is_not_valid_any_more_stays_as_it_was() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let mut task = definition("hello");
    let valid = manager(&tasks, &clock).with_registry(registry("files", vec![task.clone()]));
    assert_eq!(valid.sync().await.unwrap(), report(1, 0, 0));
    task.input_schema = Some(json!({"type": "sting"}));
    let invalid = manager(&tasks, &clock).with_registry(registry("files", vec![task.clone()]));
    let found = invalid.sync().await.unwrap();
    assert_eq!((found.removed, found.issues.len()), (0, 1));
    let row = tasks.task_find(task.id).await.unwrap().unwrap();
    assert_eq!((row.definition.input_schema, row.removed_at), (None, None));
}

#[tokio::test]
async fn a_uuid_goes_to_the_next_version_only_while_nothing_needs_the_one_before() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let first = in_folder("tasks/hello", "1.0.0");
    let second = TaskDefinition {
        version: "1.1.0".to_owned(),
        ..first.clone()
    };
    let third = TaskDefinition {
        version: "1.2.0".to_owned(),
        ..first.clone()
    };
    let sync = async |task: &TaskDefinition| {
        let manager = manager(&tasks, &clock).with_registry(folders(vec![task.clone()], &[]));
        manager.sync().await.unwrap()
    };
    assert_eq!(sync(&first).await, report(1, 0, 0));
    assert_eq!(sync(&second).await, report(1, 0, 0));
    tasks.referred.lock().unwrap().push(first.id);
    let refused = sync(&third).await;
    assert_eq!((refused.added, refused.updated, refused.removed), (0, 0, 0));
    assert_eq!(
        refused.issues[0].to_string(),
        format!(
            "task hello: uuid: is \"{}\": that is the uuid of hello 1.1.0, which has schedules or jobs; give version \
             1.2.0 another uuid, or none",
            first.id
        )
    );
    let row = tasks.task_find(first.id).await.unwrap().unwrap();
    assert_eq!(row.definition, second);
}

#[tokio::test]
async fn a_task_that_the_database_keeps_is_left_alone_and_what_is_as_offered_is_in_sync() {
    let (tasks, clock) = (
        Arc::new(FakeTasks::default()),
        Arc::new(ManualClock::at(midnight())),
    );
    let kept = Task::new(definition("kept"), Task::DATABASE, midnight());
    tasks.rows.lock().unwrap().push(kept.clone());
    let same_id = TaskDefinition {
        name: "thief".to_owned(),
        ..kept.definition.clone()
    };
    let (same_name, other) = (definition("kept"), definition("other"));
    let offered = vec![same_id.clone(), same_name, other.clone()];
    let manager = manager(&tasks, &clock).with_registry(registry("files", offered));
    assert_eq!(manager.last_sync(), None);
    for (added, unchanged) in [(1, 0), (0, 1)] {
        let found = manager.sync().await.unwrap();
        assert_eq!(
            (found.added, found.updated, found.removed, found.unchanged),
            (added, 0, 0, unchanged)
        );
        let fields: Vec<&str> = found.issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["uuid", "version"]);
        let last = manager.last_sync().unwrap();
        assert_eq!((last.at, &last.report), (clock.now(), &found));
        assert!(last.in_sync.contains(&other.id) && last.in_sync.len() == 1);
    }
    let row = tasks.task_find(kept.definition.id).await.unwrap();
    assert_eq!(row, Some(kept));
}
