use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, RepositoryError, ScheduleId, ScheduleState, SchedulerError, Signal, UnifiedSchedule,
};
use ratchet_metadata_store::DueTick;
use ratchet_repository_bridge::{RepositoryBridge, parse_specification};

use crate::arming::Arming;
use crate::tick_plan::plan_due_ticks;

/// Changes of schedules: the row first, then the engine. A change must not be broken off between the two.
pub(crate) struct Edits {
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) arming: Arc<Arming>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs_available: Signal,
}

impl Edits {
    pub(crate) async fn add(&self, mut schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError> {
        with_a_name(&schedule)?;
        let first = first_tick(&schedule, self.clock.now())?;
        schedule.next_run = schedule.enabled.then_some(first);
        schedule.state = ScheduleState::Active;
        schedule.state_reason = None;
        let written = self.bridge.create_schedule(&schedule).await;
        self.rearm_after(&written, schedule.id).await;
        written.map_err(failed("storing the schedule"))?;
        tracing::info!(schedule.id = %schedule.id, schedule.name, "a schedule was added");
        Ok(schedule)
    }

    pub(crate) async fn remove(&self, id: ScheduleId) -> Result<(), SchedulerError> {
        let written = self.bridge.delete_schedule(id).await;
        self.rearm_after(&written, id).await;
        if !written.map_err(failed("deleting the schedule"))? {
            let missing = RepositoryError::NotFound {
                what: "schedule",
                id: id.to_string(),
            };
            return Err(failed("deleting the schedule")(missing));
        }
        tracing::info!(schedule.id = %id, "a schedule was removed");
        Ok(())
    }

    pub(crate) async fn update(
        &self,
        mut schedule: UnifiedSchedule,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        with_a_name(&schedule)?;
        let now = self.clock.now();
        let first = first_tick(&schedule, now)?;
        let mut before = self.stored(schedule.id, "updating the schedule").await?;
        if before.next_run.is_some_and(|next| next <= now) {
            self.fire_what_is_due(&before, now).await?;
            before = self.stored(schedule.id, "updating the schedule").await?;
        }
        let same_instants =
            (&before.cron_expression, &before.timezone) == (&schedule.cron_expression, &schedule.timezone);
        let kept = before.next_run.filter(|_| same_instants && before.enabled);
        schedule.next_run = schedule.enabled.then(|| kept.unwrap_or(first));
        schedule.state = ScheduleState::Active;
        schedule.state_reason = None;
        schedule.updated_at = now;
        let written = self.bridge.update_schedule(&schedule).await;
        self.rearm_after(&written, schedule.id).await;
        let stored = written.map_err(failed("updating the schedule"))?;
        tracing::info!(schedule.id = %stored.id, schedule.name = stored.name, "a schedule was changed");
        Ok(stored)
    }

    /// Brings the engine in line with the row, unless it is certain that nothing was written.
    async fn rearm_after<T>(&self, written: &Result<T, RepositoryError>, id: ScheduleId) {
        if written.as_ref().err().is_none_or(RepositoryError::is_transient) {
            self.arming.rearm(id).await;
        }
    }

    /// Fires what was due under the row as it is, so that an edit cannot make it vanish. The engine may be doing
    /// the same at this moment: the row lets one of the two through.
    async fn fire_what_is_due(
        &self,
        schedule: &UnifiedSchedule,
        now: DateTime<Utc>,
    ) -> Result<(), SchedulerError> {
        let Some(scheduled_for) = schedule.next_run.filter(|next| schedule.enabled && *next <= now) else {
            return Ok(());
        };
        let Ok(recurrence) = parse_specification(&schedule.cron_expression, &schedule.timezone) else {
            // Nobody can say any more which ticks those would have been; the row says so in its state.
            return Ok(());
        };
        let due = DueTick {
            schedule_id: schedule.id,
            version: schedule.version,
            scheduled_for,
            recurrence: Arc::new(recurrence),
            misfire_policy: schedule.misfire_policy,
        };
        let firing = plan_due_ticks(&due, now);
        let fired = self.bridge.fire_ticks(&[firing]).await;
        // Whatever the answer is, or if it was lost, there may be a job.
        self.jobs_available.raise();
        fired
            .map(drop)
            .map_err(failed("firing what was due before the edit"))
    }

    pub(crate) async fn stored(
        &self,
        id: ScheduleId,
        during: &'static str,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        self.bridge
            .find_schedule(id)
            .await
            .and_then(|found| {
                found.ok_or_else(|| RepositoryError::NotFound {
                    what: "schedule",
                    id: id.to_string(),
                })
            })
            .map_err(failed(during))
    }
}

/// The schedule's first tick after `now`.
fn first_tick(schedule: &UnifiedSchedule, now: DateTime<Utc>) -> Result<DateTime<Utc>, SchedulerError> {
    let recurrence = parse_specification(&schedule.cron_expression, &schedule.timezone).map_err(|error| {
        SchedulerError::InvalidSchedule {
            schedule: schedule.name.clone(),
            field: error.field,
            value: error.value,
            source: error.source,
        }
    })?;
    recurrence
        .next_after(now)
        .ok_or_else(|| SchedulerError::InvalidSchedule {
            schedule: schedule.name.clone(),
            field: "cronExpression",
            value: schedule.cron_expression.clone(),
            source: format!("it has no instant after {}", now.to_rfc3339()).into(),
        })
}

pub(crate) fn failed(during: &'static str) -> impl FnOnce(RepositoryError) -> SchedulerError {
    move |source| SchedulerError::Repository { during, source }
}

fn with_a_name(schedule: &UnifiedSchedule) -> Result<(), SchedulerError> {
    if schedule.name.trim().is_empty() {
        return Err(SchedulerError::InvalidSchedule {
            schedule: schedule.id.to_string(),
            field: "name",
            value: schedule.name.clone(),
            source: "a schedule needs a name".into(),
        });
    }
    Ok(())
}
