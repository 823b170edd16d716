mod change;
mod delete;
mod list;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Page, PageRequest, RepositoryError, Task, TaskDeletion, TaskFilter, TaskId, TaskRepository, TaskSort,
    TaskStatistics, compare_versions,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement};
use uuid::Uuid;

use crate::batch::Batch;
use crate::failure::{During, Violation, violation};
use crate::list::page;
use crate::row::task::{COLUMNS, Column, Entity, push, read};
use crate::row::{found, micros, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The table `tasks`.
pub(crate) struct Tasks {
    store: Arc<Store>,
}

impl Tasks {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Which of the refused tasks has the name and version of another.
    async fn already_exists(&self, tasks: &[Task]) -> Result<Option<RepositoryError>, RepositoryError> {
        for (place, Task { definition, .. }) in tasks.iter().enumerate() {
            let twin = Entity::find()
                .filter(Column::Name.eq(text(&definition.name)))
                .filter(Column::Version.eq(text(&definition.version)))
                .filter(Column::Id.ne(definition.id.as_uuid()))
                .one(&self.store.reader)
                .await
                .during("looking for a task of the same name")?;
            let twin_in_call = tasks[..place].iter().any(|other| {
                other.definition.id != definition.id
                    && other.definition.name == definition.name
                    && other.definition.version == definition.version
            });
            if twin.is_some() || twin_in_call {
                return Ok(Some(RepositoryError::AlreadyExists {
                    what: "task",
                    field: "name and version",
                    value: format!("{} {}", definition.name, definition.version),
                }));
            }
        }
        Ok(None)
    }

    /// Why a single task was not stored.
    async fn refused(&self, task: &Task, error: WriteError, during: &'static str) -> RepositoryError {
        match &error {
            WriteError::Database(cause) if violation(cause) == Some(Violation::Unique) => {
                match self.already_exists(std::slice::from_ref(task)).await {
                    Ok(Some(twin)) => twin,
                    Ok(None) => RepositoryError::AlreadyExists {
                        what: "task",
                        field: "id",
                        value: task.definition.id.to_string(),
                    },
                    Err(unknown) => unknown,
                }
            }
            _ => error.during(during),
        }
    }
}

#[async_trait]
impl TaskRepository for Tasks {
    async fn task_upsert_many(&self, tasks: &[Task]) -> Result<(), RepositoryError> {
        const DURING: &str = "storing tasks";
        // One by one: PostgreSQL does not update a row twice in one statement, and tasks are few.
        let rows: Vec<(TaskId, Batch)> = tasks
            .iter()
            .map(|task| {
                let mut batch = Batch::new(self.store.backend(), COLUMNS);
                push(&mut batch, task);
                (task.definition.id, batch)
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let refused = match self
            .store
            .writer
            .write(rows, |rows, transaction| Box::pin(upsert(rows, transaction)))
            .await
        {
            Ok(()) => return Ok(()),
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Unique) => {
                WriteError::Database(error)
            }
            Err(error) => return Err(error.during(DURING)),
        };
        Err(self
            .already_exists(tasks)
            .await?
            .unwrap_or_else(|| refused.during(DURING)))
    }

    async fn task_find(&self, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let rows = Entity::find_by_id(id.as_uuid());
        found::one(&self.store.reader, rows, "looking for a task", read).await
    }

    async fn task_find_latest(&self, name: &str) -> Result<Option<Task>, RepositoryError> {
        const DURING: &str = "looking for the latest version of a task";
        // The order of versions is none that a database knows, and a task has few.
        let versions: Vec<(Uuid, String)> = Entity::find()
            .select_only()
            .column(Column::Id)
            .column(Column::Version)
            .filter(Column::Name.eq(text(name)))
            .filter(Column::RemovedAt.is_null())
            .into_tuple()
            .all(&self.store.reader)
            .await
            .during(DURING)?;
        let latest = versions.iter().max_by(|(_, a), (_, b)| compare_versions(a, b));
        match latest {
            Some((id, _)) => self.task_find(TaskId::from_uuid(*id)).await,
            None => Ok(None),
        }
    }

    async fn task_list(
        &self,
        filter: &TaskFilter,
        sort: TaskSort,
        request: PageRequest,
    ) -> Result<Page<Task>, RepositoryError> {
        let parts = list::list(self.store.backend(), filter, sort).parts();
        page(&self.store, &parts, request, "listing tasks", read).await
    }

    async fn task_create(&self, task: &Task) -> Result<(), RepositoryError> {
        let change = change::Change::of(&self.store, task);
        let created = self
            .store
            .writer
            .write(change, |change, transaction| {
                Box::pin(change::create(change, transaction))
            })
            .await;
        match created {
            Ok(()) => Ok(()),
            Err(error) => Err(self.refused(task, error, "creating a task").await),
        }
    }

    async fn task_update(&self, task: &Task) -> Result<Task, RepositoryError> {
        let change = change::Change::of(&self.store, task);
        let updated = self
            .store
            .writer
            .write(change, |change, transaction| {
                Box::pin(change::update(change, transaction))
            })
            .await;
        match updated {
            Ok(task) => Ok(task),
            Err(error) => Err(self.refused(task, error, "changing a task").await),
        }
    }

    async fn task_delete_with_jobs(
        &self,
        id: TaskId,
        revision: u32,
    ) -> Result<TaskDeletion, RepositoryError> {
        delete::delete_with_jobs(&self.store, id, revision).await
    }

    async fn task_versions(&self, names: &[String]) -> Result<Vec<(String, String)>, RepositoryError> {
        Entity::find()
            .select_only()
            .column(Column::Name)
            .column(Column::Version)
            .filter(Column::Name.is_in(names.iter().map(|name| text(name))))
            .filter(Column::RemovedAt.is_null())
            .into_tuple()
            .all(&self.store.reader)
            .await
            .during("looking for the versions of tasks")
    }

    async fn task_statistics(&self) -> Result<TaskStatistics, RepositoryError> {
        const DURING: &str = "counting tasks";
        let statement = Statement::from_sql_and_values(
            self.store.backend(),
            "SELECT COUNT(*), COUNT(CASE WHEN enabled THEN 1 END), COUNT(CASE WHEN registry = $1 THEN 1 END)
             FROM tasks",
            [Task::DATABASE.into()],
        );
        let row = self.store.reader.query_one_raw(statement).await.during(DURING)?;
        let Some(row) = row else {
            return Ok(TaskStatistics::default());
        };
        let count = |place| row.try_get_by_index::<i64>(place).during(DURING);
        Ok(TaskStatistics {
            total: count(0)?.unsigned_abs(),
            enabled: count(1)?.unsigned_abs(),
            of_database: count(2)?.unsigned_abs(),
        })
    }

    async fn task_set_enabled(&self, id: TaskId, enabled: bool) -> Result<(), RepositoryError> {
        let found = self
            .store
            .writer
            .write((id, enabled), |(id, enabled), transaction| {
                Box::pin(set_enabled(*id, *enabled, transaction))
            })
            .await
            .map_err(|error| error.during("enabling or disabling a task"))?;
        if found {
            Ok(())
        } else {
            Err(RepositoryError::NotFound {
                what: "task",
                id: id.to_string(),
            })
        }
    }

    async fn task_remove_many(&self, ids: &[TaskId], now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        const DURING: &str = "taking away tasks";
        if ids.is_empty() {
            return Ok(0);
        }
        let removal = Removal {
            ids: ids.to_vec(),
            now,
            deletes: true,
        };
        let outcome = self
            .store
            .writer
            .write(removal.clone(), |removal, transaction| {
                Box::pin(remove(removal, transaction))
            })
            .await;
        match outcome {
            // On PostgreSQL a schedule or job may refer to one of them since it was looked for.
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Reference) => self
                .store
                .writer
                .write(
                    Removal {
                        deletes: false,
                        ..removal
                    },
                    |removal, transaction| Box::pin(remove(removal, transaction)),
                )
                .await
                .map_err(|error| error.during(DURING)),
            outcome => outcome.map_err(|error| error.during(DURING)),
        }
    }

    async fn task_delete(&self, id: TaskId) -> Result<bool, RepositoryError> {
        match self
            .store
            .writer
            .write(id, |id, transaction| Box::pin(delete(*id, transaction)))
            .await
        {
            Ok(existed) => Ok(existed),
            Err(WriteError::Database(error)) if violation(&error) == Some(Violation::Reference) => {
                Err(RepositoryError::BrokenReference {
                    what: "task",
                    id: id.to_string(),
                })
            }
            Err(error) => Err(error.during("deleting a task")),
        }
    }
}

async fn upsert(rows: &[(TaskId, Batch)], transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let kept = ["id", "enabled", "created_at", "revision"];
    let updates: Vec<String> = COLUMNS
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !kept.contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let end = format!(
        "ON CONFLICT (id) DO UPDATE SET {}, revision = tasks.revision + 1",
        updates.join(", ")
    );
    if transaction.get_database_backend() == DbBackend::Postgres {
        // Two that store the same new task would find each other by its name, for which there is no ON CONFLICT
        // beside that for the id. Who reads a task or refers to one does not wait for this lock.
        transaction
            .execute_raw(Statement::from_string(
                DbBackend::Postgres,
                "LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE",
            ))
            .await?;
    }
    for (id, row) in rows {
        let before = gate(*id, transaction).await?;
        transaction.execute_raw(row.insert("tasks", &end)).await?;
        if before.is_some() && before != gate(*id, transaction).await? {
            move_jobs(*id, transaction).await?;
        }
    }
    Ok(())
}

/// The gate of a task's jobs, if there is such a task.
async fn gate(id: TaskId, transaction: &Transaction<'_>) -> Result<Option<Option<String>>, WriteError> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT gate FROM tasks WHERE id = $1",
            [id.as_uuid().into()],
        ))
        .await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Puts the unfinished jobs of a task behind its new gate. One that runs may wait again, and its end must tell those who
/// wait; one with a concurrency key stays behind that.
async fn move_jobs(id: TaskId, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        // Jobs that are being stored have the old gate, and are not seen here before they are committed. Those that are
        // stored later get the new one.
        transaction
            .execute_raw(Statement::from_string(
                backend,
                "LOCK TABLE jobs IN SHARE ROW EXCLUSIVE MODE",
            ))
            .await?;
    }
    transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            "UPDATE jobs SET gate = (SELECT t.gate FROM tasks AS t WHERE t.id = jobs.task_id)
             WHERE task_id = $1 AND concurrency_key IS NULL
                 AND status NOT IN ('completed', 'failed', 'cancelled')",
            [id.as_uuid().into()],
        ))
        .await?;
    Ok(())
}

async fn set_enabled(id: TaskId, enabled: bool, transaction: &Transaction<'_>) -> Result<bool, WriteError> {
    let outcome = transaction
        .execute_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "UPDATE tasks SET enabled = $2, revision = revision + 1 WHERE id = $1",
            [id.as_uuid().into(), enabled.into()],
        ))
        .await?;
    Ok(outcome.rows_affected() == 1)
}

/// Which tasks are to be taken away.
#[derive(Clone)]
struct Removal {
    ids: Vec<TaskId>,
    now: DateTime<Utc>,
    /// Whether those that nothing refers to are deleted, or marked like the others.
    deletes: bool,
}

async fn remove(removal: &Removal, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let Removal { ids, now, deletes } = removal;
    let backend = transaction.get_database_backend();
    let mut taken_away = 0;
    for id in ids {
        if *deletes {
            let deleted = transaction
                .execute_raw(Statement::from_sql_and_values(
                    backend,
                    "DELETE FROM tasks WHERE id = $1 AND enabled \
                     AND NOT EXISTS (SELECT 1 FROM jobs WHERE task_id = $1) \
                     AND NOT EXISTS (SELECT 1 FROM schedules WHERE task_id = $1)",
                    [id.as_uuid().into()],
                ))
                .await?;
            if deleted.rows_affected() == 1 {
                taken_away += 1;
                continue;
            }
        }
        let marked = transaction
            .execute_raw(Statement::from_sql_and_values(
                backend,
                "UPDATE tasks SET removed_at = $2, updated_at = $2, revision = revision + 1
                 WHERE id = $1 AND removed_at IS NULL",
                [id.as_uuid().into(), micros(*now).into()],
            ))
            .await?;
        taken_away += marked.rows_affected();
    }
    Ok(taken_away)
}

async fn delete(id: TaskId, transaction: &Transaction<'_>) -> Result<bool, WriteError> {
    let outcome = Entity::delete_by_id(id.as_uuid()).exec(transaction).await?;
    Ok(outcome.rows_affected == 1)
}
