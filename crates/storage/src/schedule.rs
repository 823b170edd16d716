mod change;
mod details;
mod following;
mod invalid;
mod list;
mod next_run;
mod period;
mod selection;
mod statistics;
mod timing;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    ChangedSchedules, InvalidSchedules, JobStatus, Page, PageRequest, RepositoryError, ScheduleChange,
    ScheduleDeletion, ScheduleFilter, ScheduleId, SchedulePeriod, ScheduleRepository, ScheduleSelection,
    ScheduleSort, ScheduleStatistics, ScheduleTiming, TaskId, UnifiedSchedule,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};
use uuid::Uuid;

use crate::batch::Batch;
use crate::failure::{During, Violation, violation};
use crate::job::{ChangedJob, Ended, UNFINISHED, returned_job};
use crate::list::page;
use crate::row::schedule::{COLUMNS, Column, Entity, push, read};
use crate::row::{StoredId, found, micros, task, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// Why a schedule is completed, in words.
pub(crate) const NO_FURTHER_INSTANT: &str = "the specification has no further instant";

/// The table `schedules`.
pub(crate) struct Schedules {
    store: Arc<Store>,
}

impl Schedules {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Which of the refused schedules is to blame, and for what; the first `new` of them have no row yet. `None` if whatever
    /// it was is gone by now.
    async fn blame(
        &self,
        schedules: &[UnifiedSchedule],
        new: usize,
    ) -> Result<Option<RepositoryError>, RepositoryError> {
        const DURING: &str = "looking for what stands against a schedule";
        for (place, schedule) in schedules.iter().enumerate() {
            let twin = Entity::find()
                .filter(Column::Name.eq(text(&schedule.name)))
                .filter(Column::Id.ne(schedule.id.as_uuid()))
                .one(&self.store.reader)
                .await
                .during(DURING)?;
            let before = &schedules[..place];
            if twin.is_some() || before.iter().any(|other| other.name == schedule.name) {
                return Ok(Some(already_exists("name", &schedule.name)));
            }
            if place >= new {
                continue;
            }
            let same = Entity::find_by_id(schedule.id.as_uuid())
                .one(&self.store.reader)
                .await
                .during(DURING)?;
            if same.is_some() || before.iter().any(|other| other.id == schedule.id) {
                return Ok(Some(already_exists("id", &schedule.id.to_string())));
            }
        }
        Ok(None)
    }

    /// The first of the refused schedules whose task or leader does not exist.
    async fn without_task(&self, schedules: &[UnifiedSchedule]) -> Result<RepositoryError, RepositoryError> {
        let tasks: Vec<Uuid> = task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .into_tuple()
            .all(&self.store.reader)
            .await
            .during("looking for the task of a schedule")?;
        let mut blamed = schedules
            .iter()
            .find(|schedule| !tasks.contains(&schedule.task_id.as_uuid()));
        if blamed.is_none() {
            blamed = self.without_leader(schedules).await?;
        }
        Ok(RepositoryError::BrokenReference {
            what: "schedule",
            id: blamed.map_or_else(
                || "of a deleted task or leader".to_owned(),
                |schedule| schedule.id.to_string(),
            ),
        })
    }

    /// The first of the refused schedules that follows one that does not exist.
    async fn without_leader<'a>(
        &self,
        schedules: &'a [UnifiedSchedule],
    ) -> Result<Option<&'a UnifiedSchedule>, RepositoryError> {
        for schedule in schedules {
            let Some(following) = schedule.follows() else {
                continue;
            };
            let leader = Entity::find_by_id(following.leader_id.as_uuid())
                .one(&self.store.reader)
                .await
                .during("looking for the leader of a schedule")?;
            if leader.is_none() && schedules.iter().all(|other| other.id != following.leader_id) {
                return Ok(Some(schedule));
            }
        }
        Ok(None)
    }

    async fn refused(
        &self,
        schedules: &[UnifiedSchedule],
        new: usize,
        error: WriteError,
        during: &'static str,
    ) -> RepositoryError {
        let WriteError::Database(cause) = &error else {
            return error.during(during);
        };
        let blame = match violation(cause) {
            Some(Violation::Unique) => self.blame(schedules, new).await,
            Some(Violation::Reference) => self.without_task(schedules).await.map(Some),
            None => Ok(None),
        };
        match blame {
            Ok(Some(refusal)) => refusal,
            Ok(None) => error.during(during),
            Err(unknown) => unknown,
        }
    }
}

#[async_trait]
impl ScheduleRepository for Schedules {
    async fn schedule_create(&self, schedule: &UnifiedSchedule) -> Result<(), RepositoryError> {
        self.schedule_create_many(std::slice::from_ref(schedule)).await
    }

    async fn schedule_create_many(&self, schedules: &[UnifiedSchedule]) -> Result<(), RepositoryError> {
        if schedules.is_empty() {
            return Ok(());
        }
        let written = self
            .store
            .writer
            .write(
                Rows {
                    batches: Batch::all(self.store.backend(), COLUMNS, schedules, push),
                    following: following::of(schedules),
                },
                |rows, transaction| Box::pin(insert(rows, transaction)),
            )
            .await;
        match written {
            Ok(()) => Ok(()),
            Err(error) => Err(self
                .refused(schedules, schedules.len(), error, "storing schedules")
                .await),
        }
    }

    async fn schedule_find(&self, id: ScheduleId) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        let rows = Entity::find_by_id(id.as_uuid());
        found::one(&self.store.reader, rows, "looking for a schedule", read).await
    }

    async fn schedule_find_by_name(&self, name: &str) -> Result<Option<UnifiedSchedule>, RepositoryError> {
        let rows = Entity::find().filter(Column::Name.eq(text(name)));
        found::one(
            &self.store.reader,
            rows,
            "looking for a schedule by its name",
            read,
        )
        .await
    }

    async fn schedule_list(
        &self,
        filter: &ScheduleFilter,
        sort: ScheduleSort,
        request: PageRequest,
    ) -> Result<Page<UnifiedSchedule>, RepositoryError> {
        let parts = list::list(self.store.backend(), filter, sort).parts();
        page(&self.store, &parts, request, "listing schedules", read).await
    }

    async fn schedule_list_selected(
        &self,
        selection: &ScheduleSelection,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        selection::list(&self.store.reader, selection).await
    }

    async fn schedule_statistics(&self, now: DateTime<Utc>) -> Result<ScheduleStatistics, RepositoryError> {
        statistics::of_all(&self.store.reader, now).await
    }

    async fn schedule_exists_for_task(&self, task_id: TaskId) -> Result<bool, RepositoryError> {
        let found = self
            .store
            .reader
            .query_one_raw(Statement::from_sql_and_values(
                self.store.backend(),
                OF_TASK,
                [task_id.as_uuid().into()],
            ))
            .await
            .during("looking for a schedule of a task")?;
        Ok(found.is_some())
    }

    async fn schedule_list_invalid(&self, limit: u32) -> Result<InvalidSchedules, RepositoryError> {
        invalid::list(&self.store.reader, limit).await
    }

    async fn schedule_update(&self, schedule: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError> {
        let one = std::slice::from_ref(schedule);
        let rows = Rows {
            batches: Batch::all(self.store.backend(), COLUMNS, one, push),
            following: following::of(one),
        };
        let written = self
            .store
            .writer
            .write((schedule.id, rows), |(id, rows), transaction| {
                Box::pin(update(*id, rows, transaction))
            })
            .await;
        match written {
            Ok(schedule) => Ok(schedule),
            Err(error) => Err(self.refused(one, 0, error, "changing a schedule").await),
        }
    }

    async fn schedule_update_details(
        &self,
        schedule: &UnifiedSchedule,
    ) -> Result<UnifiedSchedule, RepositoryError> {
        let one = std::slice::from_ref(schedule);
        let rows = Batch::all(self.store.backend(), COLUMNS, one, push);
        let written = self
            .store
            .writer
            .write((schedule.id, rows), |(id, rows), transaction| {
                Box::pin(details::update(*id, rows, transaction))
            })
            .await;
        match written {
            Ok(schedule) => Ok(schedule),
            Err(error) => Err(self.refused(one, 0, error, "changing a schedule").await),
        }
    }

    async fn schedule_delete(&self, id: ScheduleId) -> Result<ScheduleDeletion, RepositoryError> {
        self.store
            .writer
            .write((id, None), |(id, version), transaction| {
                Box::pin(delete(*id, *version, transaction))
            })
            .await
            .map_err(|error| error.during("deleting a schedule"))
    }

    async fn schedule_delete_version(
        &self,
        id: ScheduleId,
        version: u32,
    ) -> Result<ScheduleDeletion, RepositoryError> {
        self.store
            .writer
            .write((id, Some(version)), |(id, version), transaction| {
                Box::pin(delete(*id, *version, transaction))
            })
            .await
            .map_err(|error| error.during("deleting a schedule"))
    }

    async fn schedule_change_many(
        &self,
        changes: &[ScheduleChange],
    ) -> Result<ChangedSchedules, RepositoryError> {
        if changes.is_empty() {
            return Ok(ChangedSchedules::default());
        }
        if let Some(twice) = change::twice(changes) {
            return Err(RepositoryError::VersionConflict {
                what: "schedule",
                id: twice.to_string(),
            });
        }
        let written = self
            .store
            .writer
            .write(
                change::Changes::of(self.store.backend(), changes),
                |changes, transaction| Box::pin(change::change_many(changes, transaction)),
            )
            .await;
        match written {
            Ok(stored) => Ok(stored),
            Err(error) => {
                let (schedules, new) = change::given(changes);
                Err(self.refused(&schedules, new, error, "changing schedules").await)
            }
        }
    }

    async fn schedule_list_timings(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<ScheduleTiming>, RepositoryError> {
        timing::list(&self.store, after, limit).await
    }

    async fn schedule_find_timing(&self, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError> {
        timing::find(&self.store, id).await
    }

    async fn schedule_set_first_runs(
        &self,
        runs: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError> {
        next_run::set_first(&self.store.writer, runs).await
    }

    async fn schedule_move_next_runs(
        &self,
        runs: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError> {
        next_run::correct(&self.store.writer, runs).await
    }

    async fn schedule_scan(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError> {
        let mut rows = Entity::find();
        if let Some(after) = after {
            rows = rows.filter(Column::Id.gt(after.as_uuid()));
        }
        let rows = rows.order_by_asc(Column::Id).limit(u64::from(limit));
        found::all(&self.store.reader, rows, "going through the schedules", read).await
    }

    async fn schedule_list_periods(&self, id: ScheduleId) -> Result<Vec<SchedulePeriod>, RepositoryError> {
        period::list(&self.store.reader, id).await
    }

    async fn schedule_record_run(
        &self,
        id: ScheduleId,
        last_run: DateTime<Utc>,
        next_run: Option<DateTime<Utc>>,
    ) -> Result<(), RepositoryError> {
        let found = self
            .store
            .writer
            .write((id, last_run, next_run), |run, transaction| {
                Box::pin(record_run(run, transaction))
            })
            .await
            .map_err(|error| error.during("recording a run of a schedule"))?;
        if found { Ok(()) } else { Err(not_found(id)) }
    }

    async fn schedule_invalidate(
        &self,
        id: ScheduleId,
        timing_version: u32,
        reason: &str,
    ) -> Result<(), RepositoryError> {
        let id = StoredId::Uuid(id.as_uuid());
        invalid::invalidate(&self.store.writer, id, timing_version.into(), reason).await
    }
}

const OF_TASK: &str = "SELECT 1 FROM schedules WHERE task_id = $1 LIMIT 1";

/// What an update leaves as it is in the database.
const NOT_UPDATED: [&str; 7] = [
    "id",
    "last_run",
    "run_count",
    "requests",
    "version",
    "timing_version",
    "created_at",
];

fn already_exists(field: &'static str, value: &str) -> RepositoryError {
    RepositoryError::AlreadyExists {
        what: "schedule",
        field,
        value: value.to_owned(),
    }
}

fn not_found(id: ScheduleId) -> RepositoryError {
    RepositoryError::NotFound {
        what: "schedule",
        id: id.to_string(),
    }
}

/// Schedules in the form in which they are written.
struct Rows {
    batches: Vec<Batch>,
    /// Those of them that follow another.
    following: Vec<ScheduleId>,
}

async fn insert(rows: &Rows, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    following::lock(&rows.following, transaction).await?;
    insert_rows(rows, transaction).await?;
    following::check(&rows.following, transaction).await
}

async fn insert_rows(rows: &Rows, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for batch in &rows.batches {
        transaction.execute_raw(batch.insert("schedules", "")).await?;
    }
    Ok(())
}

/// Replaces the rows whose version is the stored one, and says how many these were.
async fn update_rows(rows: &Rows, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let updates: Vec<String> = COLUMNS
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !NOT_UPDATED.contains(name))
        .map(|name| format!("{name} = b.{name}"))
        .collect();
    let sql = format!(
        "UPDATE schedules AS s SET version = s.version + 1, timing_version = s.timing_version + 1, {} FROM {{batch}} AS b
         WHERE s.id = b.id AND s.version = b.version",
        updates.join(", ")
    );
    let mut written = 0;
    for row in &rows.batches {
        period::close(row, transaction).await?;
        written += transaction
            .execute_raw(row.statement(&sql, []))
            .await?
            .rows_affected();
    }
    Ok(written)
}

async fn update(
    id: ScheduleId,
    rows: &Rows,
    transaction: &Transaction<'_>,
) -> Result<UnifiedSchedule, WriteError> {
    following::lock(&rows.following, transaction).await?;
    let written = update_rows(rows, transaction).await?;
    following::check(&rows.following, transaction).await?;
    written_as(id, written, transaction).await
}

/// The row of a schedule, if one was written.
async fn written_as(
    id: ScheduleId,
    written: u64,
    transaction: &Transaction<'_>,
) -> Result<UnifiedSchedule, WriteError> {
    let stored = Entity::find_by_id(id.as_uuid()).one(transaction).await?;
    match (stored, written) {
        (None, _) => Err(not_found(id).into()),
        (Some(_), 0) => Err(RepositoryError::VersionConflict {
            what: "schedule",
            id: id.to_string(),
        }
        .into()),
        (Some(stored), _) => Ok(read(stored)?),
    }
}

/// Jobs that wait for another of the schedule would wait for ever.
fn cancel_buffered(backend: DbBackend, id: ScheduleId) -> Statement {
    Statement::from_sql_and_values(
        backend,
        format!(
            "UPDATE jobs AS j SET status = 'cancelled', error = $2, completed_at = queued_at
             WHERE schedule_id = $1 AND {UNFINISHED} AND status = 'buffered'
             RETURNING {}",
            returned_job(backend)
        ),
        [
            id.as_uuid().into(),
            "its schedule was deleted while it waited for an earlier job".into(),
        ],
    )
}

/// Refuses a row of another version than is expected.
async fn check_version(
    id: ScheduleId,
    expected: u32,
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    let row = transaction
        .query_one_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "SELECT version FROM schedules WHERE id = $1",
            [id.as_uuid().into()],
        ))
        .await?;
    let version: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    if version.is_none_or(|version| version == i64::from(expected)) {
        return Ok(());
    }
    Err(RepositoryError::VersionConflict {
        what: "schedule",
        id: id.to_string(),
    }
    .into())
}

async fn delete(
    id: ScheduleId,
    version: Option<u32>,
    transaction: &Transaction<'_>,
) -> Result<ScheduleDeletion, WriteError> {
    let backend = transaction.get_database_backend();
    if backend == DbBackend::Postgres {
        // A firing that holds the row may have made a job that waits: it must be seen below, for once it has lost its
        // schedule nobody would release it.
        let lock = "SELECT 1 FROM schedules WHERE id = $1 FOR UPDATE";
        transaction
            .execute_raw(Statement::from_sql_and_values(
                backend,
                lock,
                [id.as_uuid().into()],
            ))
            .await?;
    }
    if let Some(expected) = version {
        check_version(id, expected, transaction).await?;
    }
    following::refuse_deletion(id, transaction).await?;
    let (mut ended, mut changed) = (Ended::default(), Vec::new());
    let cancelled = transaction.query_all_raw(cancel_buffered(backend, id)).await?;
    for job in ChangedJob::all(&cancelled)? {
        if let Some(at) = job.completed_at {
            job.cancelled(Some(JobStatus::Buffered), at, &mut ended, &mut changed);
        }
    }
    changed.extend(ended.release_locked(transaction).await?.events);
    let outcome = Entity::delete_by_id(id.as_uuid()).exec(transaction).await?;
    Ok(ScheduleDeletion {
        existed: outcome.rows_affected == 1,
        changed,
    })
}

async fn record_run(
    (id, last_run, next_run): &(ScheduleId, DateTime<Utc>, Option<DateTime<Utc>>),
    transaction: &Transaction<'_>,
) -> Result<bool, WriteError> {
    let outcome = transaction
        .execute_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "UPDATE schedules SET last_run = $2, next_run = $3, run_count = run_count + 1 WHERE id = $1",
            [
                id.as_uuid().into(),
                micros(*last_run).into(),
                next_run.map(micros).into(),
            ],
        ))
        .await?;
    Ok(outcome.rows_affected() == 1)
}
