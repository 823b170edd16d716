//! What happened: the one way in which the engine tells those who watch it.

mod deletion;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::name::named_enum;
use crate::{
    Caller, DeliveryId, DeliveryStatus, ExecutionId, ExecutionStatus, JobId, JobStatus, ScheduleId,
    TaskErrorKind, TaskId, TickRecord, UnifiedJob, UnifiedSchedule,
};

pub use deletion::{Deleted, DeletionEvent};

/// Hears what happens, as it happens.
///
/// It is called by those who do it, between one transaction and the next: it must neither block nor wait, and what it
/// keeps it copies. Nobody depends on it: who misses an event finds what it told of in the database.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait EventSink: Send + Sync {
    /// Whether anybody hears at all. Where nobody does, events are not even made.
    fn listens(&self) -> bool {
        true
    }

    /// These are on disk, in this order: what one transaction brought about.
    fn emit(&self, events: &[Event]);

    /// A due tick reached its handler: the first that is known of it, before anything is decided or on disk. `due` is when
    /// it was due: its nominal instant, and the schedule's spread.
    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>, due: DateTime<Utc>) {
        let (_, _, _) = (schedule, scheduled_for, due);
    }
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEventSink;

impl EventSink for NoEventSink {
    fn listens(&self) -> bool {
        false
    }

    fn emit(&self, _: &[Event]) {}
}

/// Tells several.
#[derive(Clone, Default)]
pub struct EventSinks(Arc<[Arc<dyn EventSink>]>);

impl EventSinks {
    /// Tells these, in this order.
    #[must_use]
    pub fn new(sinks: impl IntoIterator<Item = Arc<dyn EventSink>>) -> Self {
        Self(sinks.into_iter().collect())
    }
}

impl EventSink for EventSinks {
    fn listens(&self) -> bool {
        self.0.iter().any(|sink| sink.listens())
    }

    fn emit(&self, events: &[Event]) {
        for sink in self.0.iter().filter(|sink| sink.listens()) {
            sink.emit(events);
        }
    }

    fn handler_started(&self, schedule: ScheduleId, scheduled_for: DateTime<Utc>, due: DateTime<Utc>) {
        for sink in self.0.iter().filter(|sink| sink.listens()) {
            sink.handler_started(schedule, scheduled_for, due);
        }
    }
}

/// Something that happened, and is on disk. It has no input, output, error or destination: who wants those reads the row.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It was decided what becomes of ticks.
    Tick(TickEvent),
    /// A job was created, or changed its state.
    Job(JobEvent),
    /// An attempt at a job was started, or ended.
    Execution(ExecutionEvent),
    /// An attempt to deliver a result is over.
    Delivery(DeliveryEvent),
    /// A schedule was changed.
    Schedule(ScheduleEvent),
    /// Jobs or executions were deleted.
    Deletion(DeletionEvent),
}

named_enum! {
    /// What an event tells of.
    pub enum EventKind: "kind of event" {
        /// [`Event::Tick`].
        Tick = "tick",
        /// [`Event::Job`].
        Job = "job",
        /// [`Event::Execution`].
        Execution = "execution",
        /// [`Event::Delivery`].
        Delivery = "delivery",
        /// [`Event::Schedule`].
        Schedule = "schedule",
        /// [`Event::Deletion`].
        Deletion = "deletion",
    }
}

impl Event {
    /// What it tells of.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Tick(_) => EventKind::Tick,
            Self::Job(_) => EventKind::Job,
            Self::Execution(_) => EventKind::Execution,
            Self::Delivery(_) => EventKind::Delivery,
            Self::Schedule(_) => EventKind::Schedule,
            Self::Deletion(_) => EventKind::Deletion,
        }
    }
}

/// It was decided what becomes of a tick, or of a run of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickEvent {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// What the ledger says now.
    pub record: TickRecord,
    /// The job that its job is after, where the schedule follows another.
    pub after: Option<JobId>,
    /// When that was on disk.
    pub at: DateTime<Utc>,
}

/// A job was created, or changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobEvent {
    /// The job.
    pub job_id: JobId,
    /// Its task; `None` where whoever changed it does not know.
    pub task_id: Option<TaskId>,
    /// The schedule that made it, if one did and that is known.
    pub schedule_id: Option<ScheduleId>,
    /// The nominal tick that it stands for, if that is known.
    pub scheduled_for: Option<DateTime<Utc>>,
    /// What it was; `None` for one that was created, or where that is not known.
    pub from: Option<JobStatus>,
    /// What it is.
    pub status: JobStatus,
    /// When it was created, where that is known.
    pub queued_at: Option<DateTime<Utc>>,
    /// Who created it, if it was created at this moment and traces know.
    pub caller: Option<Caller>,
    /// When it became so.
    pub at: DateTime<Utc>,
}

impl JobEvent {
    /// The job has become what it is.
    #[must_use]
    pub const fn of(job: &UnifiedJob, from: Option<JobStatus>, at: DateTime<Utc>) -> Self {
        Self {
            job_id: job.id,
            task_id: Some(job.task_id),
            schedule_id: job.schedule_id,
            scheduled_for: job.scheduled_for,
            from,
            status: job.status,
            queued_at: Some(job.queued_at),
            caller: None,
            at,
        }
    }

    /// A job of which nothing else is known has become this.
    #[must_use]
    pub const fn bare(job_id: JobId, status: JobStatus, at: DateTime<Utc>) -> Self {
        Self {
            job_id,
            task_id: None,
            schedule_id: None,
            scheduled_for: None,
            from: None,
            status,
            queued_at: None,
            caller: None,
            at,
        }
    }
}

/// An attempt at a job was started, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionEvent {
    /// The execution.
    pub execution_id: ExecutionId,
    /// The job.
    pub job_id: JobId,
    /// The job's task.
    pub task_id: TaskId,
    /// The schedule that made the job, if one did.
    pub schedule_id: Option<ScheduleId>,
    /// Which attempt it is, from 1.
    pub attempt: u32,
    /// Where it stands: running where it was started, otherwise how it ended.
    pub status: ExecutionStatus,
    /// From when on the job could be claimed.
    pub runnable_since: DateTime<Utc>,
    /// When it was claimed.
    pub started_at: DateTime<Utc>,
    /// How long the task ran; `None` where it was started or taken away.
    pub duration: Option<TimeDelta>,
    /// What kind of failure its end is, if it is one.
    pub error_kind: Option<TaskErrorKind>,
    /// When it was started, or ended.
    pub at: DateTime<Utc>,
}

/// An attempt to deliver a result is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryEvent {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The job whose result it is.
    pub job_id: JobId,
    /// The execution whose result it is.
    pub execution_id: ExecutionId,
    /// The schedule that made the job, if one did.
    pub schedule_id: Option<ScheduleId>,
    /// What kind of destination it is for: see [`crate::OutputDestination::kind`].
    pub destination: &'static str,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Where the delivery stands now: pending if it is tried again.
    pub status: DeliveryStatus,
    /// When the attempt began.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub duration: TimeDelta,
    /// When it was over.
    pub at: DateTime<Utc>,
}

named_enum! {
    /// How a schedule was changed.
    pub enum ScheduleTransition: "change of a schedule" {
        /// It is new.
        Created = "created",
        /// What it says is another.
        Updated = "updated",
        /// It is gone.
        Deleted = "deleted",
        /// It fires from now on.
        Enabled = "enabled",
        /// It does not fire any more.
        Disabled = "disabled",
        /// It does not fire until it is resumed.
        Paused = "paused",
        /// It fires again after a pause.
        Resumed = "resumed",
        /// It has had its last tick.
        Completed = "completed",
    }
}

/// A schedule was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleEvent {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// Its name, where whoever changed it knows.
    pub name: Option<Arc<str>>,
    /// Its task, where whoever changed it knows.
    pub task_id: Option<TaskId>,
    /// How.
    pub change: ScheduleTransition,
    /// When its next tick is due by its name, as far as is known.
    pub next_run: Option<DateTime<Utc>>,
    /// When.
    pub at: DateTime<Utc>,
}

impl ScheduleEvent {
    /// The schedule has become what it is.
    #[must_use]
    pub fn of(schedule: &UnifiedSchedule, change: ScheduleTransition, at: DateTime<Utc>) -> Self {
        Self {
            schedule_id: schedule.id,
            name: Some(schedule.name.as_str().into()),
            task_id: Some(schedule.task_id),
            change,
            next_run: schedule.next_run,
            at,
        }
    }

    /// A schedule of which nothing else is known was changed.
    #[must_use]
    pub const fn bare(schedule_id: ScheduleId, change: ScheduleTransition, at: DateTime<Utc>) -> Self {
        Self {
            schedule_id,
            name: None,
            task_id: None,
            change,
            next_run: None,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard {
        deaf: bool,
        events: Mutex<Vec<Event>>,
    }

    impl EventSink for Heard {
        fn listens(&self) -> bool {
            !self.deaf
        }

        fn emit(&self, events: &[Event]) {
            self.events.lock().unwrap().extend_from_slice(events);
        }
    }

    #[test]
    fn several_hear_the_same_and_who_does_not_listen_nothing() {
        let hearing = [Arc::new(Heard::default()), Arc::new(Heard::default())];
        let deaf = Arc::new(Heard {
            deaf: true,
            ..Heard::default()
        });
        let all: [Arc<dyn EventSink>; 3] = [hearing[0].clone(), deaf.clone(), hearing[1].clone()];
        let sinks = EventSinks::new(all);
        assert!(sinks.listens());
        let at = DateTime::UNIX_EPOCH;
        let event = Event::Job(JobEvent::bare(JobId::new(), JobStatus::Queued, at));
        sinks.emit(std::slice::from_ref(&event));
        for sink in hearing {
            assert_eq!(*sink.events.lock().unwrap(), std::slice::from_ref(&event));
        }
        assert!(deaf.events.lock().unwrap().is_empty());
        assert!(!EventSinks::new([deaf as Arc<dyn EventSink>]).listens());
        assert!(!EventSinks::default().listens());
    }
}
