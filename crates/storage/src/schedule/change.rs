//! Many changes of schedules in one transaction.

use std::collections::{HashMap, HashSet};

use ratchet_interfaces::{ChangedSchedules, RepositoryError, ScheduleChange, ScheduleId, UnifiedSchedule};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{Rows, delete, details, following, insert_rows, update_rows};
use crate::batch::{Batch, Cell, Column as BatchColumn, Kind};
use crate::row::schedule::{COLUMNS, Column, Entity, push, read};
use crate::writer::{Transaction, WriteError};

/// As many rows are read back with one statement.
const READ_AT_ONCE: usize = 500;

const EXPECTED: &[BatchColumn] = &[("id", Kind::Id), ("version", Kind::Int)];

/// Of the rows that are to be replaced or deleted, the first that is not as it was read.
const STALE: &str = "SELECT b.id, s.version FROM {batch} AS b LEFT JOIN schedules AS s ON s.id = b.id
    WHERE s.id IS NULL OR s.version <> b.version ORDER BY b.id LIMIT 1";

/// Whoever fires or edits one of these meanwhile comes before or after all of it.
const LOCK: &str =
    "SELECT s.id FROM schedules AS s JOIN {batch} AS b ON s.id = b.id ORDER BY s.id FOR UPDATE OF s";

/// Changes in the form in which they are written.
pub(super) struct Changes {
    created: Rows,
    replaced: Rows,
    /// Of these, the details only.
    described: Vec<Batch>,
    deleted: Vec<ScheduleId>,
    /// Which versions are replaced and deleted.
    expected: Vec<Batch>,
    /// What is created and replaced, in the order in which it was given.
    written: Vec<ScheduleId>,
}

impl Changes {
    pub(super) fn of(backend: DbBackend, changes: &[ScheduleChange]) -> Self {
        let rows = |schedules: &[&UnifiedSchedule]| Rows {
            batches: Batch::all(backend, COLUMNS, schedules.iter().copied(), push),
            following: following::of(schedules.iter().copied()),
        };
        let (mut created, mut replaced, mut described) = (Vec::new(), Vec::new(), Vec::new());
        let (mut deleted, mut expected, mut written) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                ScheduleChange::Create(schedule) => {
                    created.push(schedule);
                    written.push(schedule.id);
                }
                ScheduleChange::Replace(schedule) => {
                    replaced.push(schedule);
                    written.push(schedule.id);
                    expected.push((schedule.id, schedule.version));
                }
                ScheduleChange::ReplaceDetails(schedule) => {
                    described.push(schedule);
                    written.push(schedule.id);
                    expected.push((schedule.id, schedule.version));
                }
                ScheduleChange::Delete { id, version } => {
                    deleted.push(*id);
                    expected.push((*id, *version));
                }
            }
        }
        Self {
            created: rows(&created),
            replaced: rows(&replaced),
            described: Batch::all(backend, COLUMNS, described, push),
            deleted,
            expected: Batch::all(backend, EXPECTED, expected, |batch, (id, version)| {
                batch.push([Cell::Id(id.as_uuid()), Cell::Int(version.into())]);
            }),
            written,
        }
    }
}

/// A schedule that is to be replaced or deleted twice: the second time it would not have the version any more.
pub(super) fn twice(changes: &[ScheduleChange]) -> Option<ScheduleId> {
    let mut seen = HashSet::new();
    changes.iter().find_map(|change| match change {
        ScheduleChange::Create(_) => None,
        ScheduleChange::Replace(UnifiedSchedule { id, .. })
        | ScheduleChange::ReplaceDetails(UnifiedSchedule { id, .. })
        | ScheduleChange::Delete { id, version: _ } => (!seen.insert(*id)).then_some(*id),
    })
}

/// The schedules that were to be written, those first that were to be created, and how many these are.
pub(super) fn given(changes: &[ScheduleChange]) -> (Vec<UnifiedSchedule>, usize) {
    let of = |new: bool| {
        changes.iter().filter_map(move |change| match change {
            ScheduleChange::Create(schedule) if new => Some(schedule),
            ScheduleChange::Replace(schedule) | ScheduleChange::ReplaceDetails(schedule) if !new => {
                Some(schedule)
            }
            _ => None,
        })
    };
    let new = of(true).count();
    (of(true).chain(of(false)).cloned().collect(), new)
}

pub(super) async fn change_many(
    changes: &Changes,
    transaction: &Transaction<'_>,
) -> Result<ChangedSchedules, WriteError> {
    let Changes {
        created,
        replaced,
        described,
        deleted,
        expected,
        written,
    } = changes;
    // Before any row is locked: whoever holds this lock may wait for rows.
    following::lock(&created.following, transaction).await?;
    if created.following.is_empty() {
        following::lock(&replaced.following, transaction).await?;
    }
    for rows in expected {
        refuse_stale(rows, transaction).await?;
    }
    insert_rows(created, transaction).await?;
    // The versions were compared, and the rows are locked: all of these are written.
    update_rows(replaced, transaction).await?;
    details::update_rows(described, transaction).await?;
    // A circle may be closed by several of these together.
    following::check(&created.following, transaction).await?;
    following::check(&replaced.following, transaction).await?;
    let mut changed = Vec::new();
    for id in deleted {
        changed.extend(delete(*id, None, transaction).await?.changed);
    }
    Ok(ChangedSchedules {
        schedules: read_back(written, transaction).await?,
        changed,
    })
}

async fn refuse_stale(expected: &Batch, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    if expected.backend() == DbBackend::Postgres {
        transaction.execute_raw(expected.statement(LOCK, [])).await?;
    }
    let Some(stale) = transaction.query_one_raw(expected.statement(STALE, [])).await? else {
        return Ok(());
    };
    let id = stale.try_get_by_index::<Uuid>(0)?.to_string();
    let stored: Option<i64> = stale.try_get_by_index(1)?;
    let what = "schedule";
    Err(match stored {
        Some(_) => RepositoryError::VersionConflict { what, id },
        None => RepositoryError::NotFound { what, id },
    }
    .into())
}

async fn read_back(
    written: &[ScheduleId],
    transaction: &Transaction<'_>,
) -> Result<Vec<UnifiedSchedule>, WriteError> {
    let mut stored = Vec::with_capacity(written.len());
    for ids in written.chunks(READ_AT_ONCE) {
        let rows = Entity::find()
            .filter(Column::Id.is_in(ids.iter().map(|id| id.as_uuid())))
            .all(transaction)
            .await?;
        for row in rows {
            stored.push(read(row)?);
        }
    }
    let places: HashMap<&ScheduleId, usize> = written.iter().zip(0..).collect();
    stored.sort_by_key(|schedule| places.get(&schedule.id).copied());
    Ok(stored)
}
