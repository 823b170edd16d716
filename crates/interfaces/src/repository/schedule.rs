use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{
    ChangedSchedules, InvalidSchedules, Page, PageRequest, RepositoryError, ScheduleChange, ScheduleDeletion,
    ScheduleFilter, ScheduleId, SchedulePeriod, ScheduleSelection, ScheduleSort, ScheduleStatistics,
    ScheduleTiming, TaskId, UnifiedSchedule,
};

/// The table `schedules`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ScheduleRepository: Send + Sync {
    /// Stores a new schedule, as it is.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `BrokenReference` when the task, or the schedule that it follows, does not
    /// exist, `FollowingCycle` when it would follow itself.
    async fn schedule_create(&self, schedule: &UnifiedSchedule) -> Result<(), RepositoryError>;

    /// Stores many new schedules in one transaction, or none.
    async fn schedule_create_many(&self, schedules: &[UnifiedSchedule]) -> Result<(), RepositoryError>;

    /// The schedule with this id.
    async fn schedule_find(&self, id: ScheduleId) -> Result<Option<UnifiedSchedule>, RepositoryError>;

    /// The schedule with this name.
    async fn schedule_find_by_name(&self, name: &str) -> Result<Option<UnifiedSchedule>, RepositoryError>;

    /// A page of the schedules that match, and how many match.
    async fn schedule_list(
        &self,
        filter: &ScheduleFilter,
        sort: ScheduleSort,
        page: PageRequest,
    ) -> Result<Page<UnifiedSchedule>, RepositoryError>;

    /// All schedules of a selection, by name. A row that cannot be read fails the call.
    async fn schedule_list_selected(
        &self,
        selection: &ScheduleSelection,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError>;

    /// Numbers about all schedules; due is what is due at `now`.
    async fn schedule_statistics(&self, now: DateTime<Utc>) -> Result<ScheduleStatistics, RepositoryError>;

    /// Whether a schedule of this task exists, enabled or not, readable or not.
    async fn schedule_exists_for_task(&self, task_id: TaskId) -> Result<bool, RepositoryError>;

    /// How many schedules are in the state `invalid`, and the first `limit` of them by name. Nothing else of their
    /// rows is read.
    async fn schedule_list_invalid(&self, limit: u32) -> Result<InvalidSchedules, RepositoryError>;

    /// Replaces a schedule's owner-given fields, its `state`, `state_reason`, `pause`, `consecutive_failures`,
    /// `effective_from` and `next_run`; `last_run`, `run_count`, `requests` and `created_at` stay what they are in the
    /// database. Returns the row as it is then, its version raised by one.
    ///
    /// Where `effective_from` moves on and the row was enabled, what it said until then is kept as a period. That of a
    /// completed schedule ends with its last run.
    ///
    /// # Errors
    /// `VersionConflict` when the row's version is not `schedule.version`, `NotFound` when there is no such row,
    /// `FollowingCycle` when it would follow itself by way of those that it follows, also where another change at the same
    /// time would make it so.
    async fn schedule_update(&self, schedule: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError>;

    /// Replaces of a schedule what says nothing about when it fires: its task, name, description, input, priority, retries,
    /// timeout, destinations, metadata and `managed_by`. All else stays what it is in the database, whatever `schedule` says,
    /// and decisions on its ticks hold as before. Returns the row as it is then, its version raised by one.
    ///
    /// # Errors
    /// As [`Self::schedule_update`].
    async fn schedule_update_details(
        &self,
        schedule: &UnifiedSchedule,
    ) -> Result<UnifiedSchedule, RepositoryError>;

    /// Deletes a schedule and its ledger; its jobs stay, without their schedule, and those that wait for an earlier one of it
    /// are cancelled. All of it is
    /// one transaction, which other writes wait for: millions of ledger rows take seconds.
    ///
    /// # Errors
    /// `IsFollowed` when other schedules follow it.
    async fn schedule_delete(&self, id: ScheduleId) -> Result<ScheduleDeletion, RepositoryError>;

    /// Makes many changes in one transaction, or none: first what is new, in this order, then what is replaced, then what is
    /// deleted, in this order. A leader therefore comes before those that are created to follow it, and what follows a
    /// schedule is deleted before that. Each change does what [`Self::schedule_create`], [`Self::schedule_update`] and
    /// [`Self::schedule_delete`] do.
    ///
    /// # Errors
    /// As those three, and `VersionConflict` or `NotFound` for a schedule that is to be replaced or deleted and has another
    /// version or is gone. Then nothing of all is changed.
    async fn schedule_change_many(
        &self,
        changes: &[ScheduleChange],
    ) -> Result<ChangedSchedules, RepositoryError>;

    /// As [`Self::schedule_delete`], if the row is of this version.
    ///
    /// # Errors
    /// `VersionConflict` when it is of another; `IsFollowed` when other schedules follow it.
    async fn schedule_delete_version(
        &self,
        id: ScheduleId,
        version: u32,
    ) -> Result<ScheduleDeletion, RepositoryError>;

    /// What the tick index needs of the next `limit` schedules in the order of their ids, of those that are enabled
    /// and not completed, follow no other, and are either not paused or have an instant at which they resume. One whose
    /// row cannot be read is disabled as by [`Self::schedule_invalidate`], and does not keep the others.
    async fn schedule_list_timings(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<ScheduleTiming>, RepositoryError>;

    /// What the tick index needs of one schedule; `None` if [`Self::schedule_list_timings`] would not list it, or if its
    /// row cannot be read: then it is disabled as by [`Self::schedule_invalidate`].
    async fn schedule_find_timing(&self, id: ScheduleId) -> Result<Option<ScheduleTiming>, RepositoryError>;

    /// Sets the first `next_run` of schedules that have none, in one transaction. A schedule that was changed
    /// meanwhile (its `timing_version` differs, or it has a `next_run`) is left alone. An `Err` completes the schedule, and says
    /// why.
    async fn schedule_set_first_runs(
        &self,
        runs: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError>;

    /// Corrects the `next_run` of schedules in one transaction: of those whose `timing_version` and `next_run` are still what
    /// their timing says. An `Err` completes the schedule, and says why.
    async fn schedule_move_next_runs(
        &self,
        runs: &[(ScheduleTiming, Result<DateTime<Utc>, String>)],
    ) -> Result<(), RepositoryError>;

    /// The next `limit` schedules in the order of their ids, whatever their state. A row that cannot be read fails the
    /// call.
    async fn schedule_scan(
        &self,
        after: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<UnifiedSchedule>, RepositoryError>;

    /// What the schedule said before, in the order of time.
    async fn schedule_list_periods(&self, id: ScheduleId) -> Result<Vec<SchedulePeriod>, RepositoryError>;

    /// Records a run that the batch of the ledger did not: sets `last_run` and `next_run`, counts the run.
    ///
    /// # Errors
    /// `NotFound` when there is no such row.
    async fn schedule_record_run(
        &self,
        id: ScheduleId,
        last_run: DateTime<Utc>,
        next_run: Option<DateTime<Utc>>,
    ) -> Result<(), RepositoryError>;

    /// Disables a schedule whose specification cannot be understood: `enabled` false, `state` invalid, `reason` in
    /// `state_reason`, `next_run` none. A row whose `timing_version` differs is left alone.
    async fn schedule_invalidate(
        &self,
        id: ScheduleId,
        timing_version: u32,
        reason: &str,
    ) -> Result<(), RepositoryError>;
}
