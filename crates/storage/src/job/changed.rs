//! What is told of jobs whose state a statement has changed: the statement itself answers it, so that nothing is read for
//! it.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Event, JobEvent, JobId, JobStatus, ScheduleId, TaskId};
use sea_orm::{DbBackend, DbErr, QueryResult};
use uuid::Uuid;

use super::release::Ended;
use crate::row::{StoredId, instant};

/// Changes of jobs that nobody asked for by their ids.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// How many jobs may run now.
    pub(crate) released: u64,
    /// In the order in which they were written.
    pub(crate) events: Vec<JobEvent>,
}

impl Changed {
    pub(crate) fn append(&mut self, mut later: Self) {
        self.released += later.released;
        self.events.append(&mut later.events);
    }

    /// The events, for who tells of others as well.
    pub(crate) fn into_events(self) -> impl Iterator<Item = Event> {
        self.events.into_iter().map(Event::Job)
    }
}

/// A changed job, as the statement that changed it answers.
#[derive(Debug)]
pub(crate) struct ChangedJob {
    pub(crate) id: Uuid,
    pub(crate) task: Option<Uuid>,
    pub(crate) schedule: Option<Uuid>,
    scheduled_for: Option<i64>,
    pub(crate) queued_at: Option<i64>,
    /// Whether others are after it.
    pub(crate) is_awaited: bool,
    /// Since when it may run.
    pub(crate) run_after: Option<i64>,
    pub(crate) completed_at: Option<i64>,
    pub(crate) status: Option<JobStatus>,
}

/// What follows `RETURNING` in a statement that changes the jobs `j`. Each database has its own words: to PostgreSQL a name
/// that a batch has too would be ambiguous, and SQLite knows no `j` there.
pub(crate) fn returned(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "j.id, j.task_id, j.schedule_id, j.scheduled_for, j.queued_at, j.has_dependents, j.run_after, j.completed_at, \
             j.status"
        }
        _ => {
            "id, task_id, schedule_id, scheduled_for, queued_at, has_dependents, run_after, completed_at, status"
        }
    }
}

impl ChangedJob {
    /// `None` where the id is none: such a job is not told of. What else cannot be read is left out, so that a damaged row
    /// does not undo what was done with others.
    pub(crate) fn read(row: &QueryResult) -> Result<Option<Self>, DbErr> {
        let StoredId::Uuid(id) = StoredId::of(row)? else {
            return Ok(None);
        };
        let id_at = |place: usize| row.try_get_by_index::<Option<Uuid>>(place).ok().flatten();
        let number = |place: usize| row.try_get_by_index::<Option<i64>>(place).ok().flatten();
        let status: Option<String> = row.try_get_by_index(8).ok().flatten();
        Ok(Some(Self {
            id,
            task: id_at(1),
            schedule: id_at(2),
            scheduled_for: number(3),
            queued_at: number(4),
            // Whoever may wait for it is looked for, rather than left waiting.
            is_awaited: row.try_get_by_index(5).unwrap_or(true),
            run_after: number(6),
            completed_at: number(7),
            status: status.and_then(|status| status.parse().ok()),
        }))
    }

    pub(crate) fn all(rows: &[QueryResult]) -> Result<Vec<Self>, DbErr> {
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows {
            changed.extend(Self::read(row)?);
        }
        Ok(changed)
    }

    /// Adds that it is cancelled, and whom that concerns.
    pub(crate) fn cancelled(
        &self,
        from: Option<JobStatus>,
        at: i64,
        ended: &mut Ended,
        changed: &mut Vec<JobEvent>,
    ) {
        changed.extend(instant(at).map(|at| self.event(from, JobStatus::Cancelled, at)));
        if self.is_awaited {
            ended.awaited(self.id, at);
        }
    }

    /// That it was this before, and has become that at this instant.
    pub(crate) fn event(&self, from: Option<JobStatus>, status: JobStatus, at: DateTime<Utc>) -> JobEvent {
        JobEvent {
            task_id: self.task.map(TaskId::from_uuid),
            schedule_id: self.schedule.map(ScheduleId::from_uuid),
            scheduled_for: self.scheduled_for.and_then(instant),
            from,
            queued_at: self.queued_at.and_then(instant),
            ..JobEvent::bare(JobId::from_uuid(self.id), status, at)
        }
    }
}
