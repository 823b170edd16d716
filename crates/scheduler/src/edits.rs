mod following;
mod replacing;
mod together;

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, EventSink, FiringOutcome, Pause, PauseRequest, RepositoryError, ResumeRequest, ScheduleDeletion,
    ScheduleEvent, ScheduleId, ScheduleState, ScheduleTransition, SchedulerError, Signal, UnifiedSchedule,
    WrittenFollowing,
};
use ratchet_metadata_store::DueTick;
use ratchet_recurrence::Specification;
use ratchet_repository_bridge::{
    RepositoryBridge, Timetable, first_tick, parse_specification, read_specification,
};

use self::replacing::replacement;
use crate::arming::Arming;
use crate::event::{tell_of_firings, tell_of_jobs, tell_of_schedule};
use crate::tick_plan::{Missed, plan};

/// What a specification that was given says.
enum Rule {
    Ticks(Specification),
    Follows,
}

/// Changes of schedules: the row first, then the engine. A change must not be broken off between the two.
pub(crate) struct Edits {
    pub(crate) bridge: Arc<RepositoryBridge>,
    pub(crate) arming: Arc<Arming>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs_available: Signal,
    pub(crate) jobs_stopping: Signal,
    pub(crate) events: Arc<dyn EventSink>,
}

/// How often a change is made anew that met somebody else's.
const ATTEMPTS: u32 = 8;

impl Edits {
    pub(crate) async fn add(&self, schedule: UnifiedSchedule) -> Result<UnifiedSchedule, SchedulerError> {
        let schedule = self.begun(schedule, &HashMap::new(), self.clock.now()).await?;
        let written = self.bridge.create_schedule(&schedule).await;
        self.rearm_after(&written, schedule.id).await;
        written.map_err(failed("storing the schedule"))?;
        tracing::info!(schedule.id = %schedule.id, schedule.name, "a schedule was added");
        self.tell(&schedule, ScheduleTransition::Created);
        Ok(schedule)
    }

    /// A new schedule as its row begins. It may follow one of those that are made with it.
    async fn begun(
        &self,
        mut schedule: UnifiedSchedule,
        beside: &HashMap<String, ScheduleId>,
        now: DateTime<Utc>,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        schedule.next_run = match self.checked(&mut schedule, beside).await? {
            Rule::Ticks(specification) => {
                let first = first_of(&schedule, &specification, now)?;
                schedule.enabled.then_some(first)
            }
            Rule::Follows => None,
        };
        schedule.effective_from = now;
        (schedule.state, schedule.state_reason, schedule.pause) = (ScheduleState::Active, None, None);
        Ok(schedule)
    }

    /// Deletes a schedule, if it is of the version that is expected, if one is.
    pub(crate) async fn remove(&self, id: ScheduleId, version: Option<u32>) -> Result<(), SchedulerError> {
        let written = match version {
            None => self.bridge.delete_schedule(id).await,
            Some(version) => self.bridge.delete_schedule_version(id, version).await,
        };
        self.rearm_after(&written, id).await;
        let ScheduleDeletion { existed, changed } = written.map_err(failed("deleting the schedule"))?;
        if !existed {
            let missing = RepositoryError::NotFound {
                what: "schedule",
                id: id.to_string(),
            };
            return Err(failed("deleting the schedule")(missing));
        }
        tracing::info!(schedule.id = %id, "a schedule was removed");
        tell_of_jobs(&*self.events, &changed, self.clock.now());
        self.tell_of_deletion(id);
        Ok(())
    }

    pub(crate) async fn update(
        &self,
        mut schedule: UnifiedSchedule,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        const DURING: &str = "updating the schedule";
        let now = self.clock.now();
        let rule = self.checked(&mut schedule, &HashMap::new()).await?;
        let mut before = self.stored(schedule.id, DURING).await?;
        let was_enabled = before.enabled;
        let stored = if leaves_its_ticks(&schedule, &before) {
            schedule.updated_at = now;
            self.bridge.update_schedule_details(&schedule).await
        } else {
            if before.next_run.is_some_and(|next| next <= now) {
                self.decide_before_edit(&before, now, DURING).await?;
                before = self.stored(schedule.id, DURING).await?;
            }
            self.write(&replacement(schedule, rule, before, now)?).await
        };
        let stored = stored.map_err(failed(DURING))?;
        tracing::info!(schedule.id = %stored.id, schedule.name = stored.name, "a schedule was changed");
        self.tell(&stored, transition(was_enabled, stored.enabled));
        Ok(stored)
    }

    pub(crate) async fn pause(
        &self,
        id: ScheduleId,
        request: PauseRequest,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        const DURING: &str = "pausing the schedule";
        let now = self.clock.now();
        if let Some(resume_at) = request.resume_at.filter(|resume_at| *resume_at <= now) {
            return Err(SchedulerError::InvalidRequest {
                field: "resumeAt",
                value: resume_at.to_rfc3339(),
                rule: format!("it must be later than now, which is {}", now.to_rfc3339()),
            });
        }
        let PauseRequest { by, note, resume_at } = request;
        for _ in 1..ATTEMPTS {
            let mut schedule = self.stored(id, DURING).await?;
            if schedule.pause.is_none() && schedule.next_run.is_some_and(|next| next <= now) {
                self.decide_before_edit(&schedule, now, DURING).await?;
                schedule = self.stored(id, DURING).await?;
            }
            if !schedule.enabled || schedule.state != ScheduleState::Active {
                let state = if schedule.enabled {
                    schedule.state.as_str()
                } else {
                    "disabled"
                };
                return Err(SchedulerError::InvalidRequest {
                    field: "state",
                    value: state.to_owned(),
                    rule: "only a schedule that is enabled and active can be paused".to_owned(),
                });
            }
            let since = schedule.pause.as_ref().map_or(now, |pause| pause.since);
            schedule.pause = Some(Pause {
                since,
                by: by.clone(),
                note: note.clone(),
                resume_at,
            });
            schedule.updated_at = now;
            match self.write(&schedule).await {
                Err(RepositoryError::VersionConflict { .. }) => {}
                Err(error) => return Err(failed(DURING)(error)),
                Ok(stored) => {
                    tracing::info!(schedule.id = %id, schedule.name = stored.name, by, "a schedule was paused");
                    self.tell(&stored, ScheduleTransition::Paused);
                    return Ok(stored);
                }
            }
        }
        Err(self.overtaken(id, DURING))
    }

    pub(crate) async fn resume(
        &self,
        id: ScheduleId,
        request: ResumeRequest,
    ) -> Result<UnifiedSchedule, SchedulerError> {
        const DURING: &str = "resuming the schedule";
        let ResumeRequest { by, skip_missed } = request;
        let missed = if skip_missed {
            Missed::Skipped("the schedule was paused, and what it missed was skipped when it was resumed")
        } else {
            Missed::ByPolicy
        };
        for _ in 1..ATTEMPTS {
            let mut schedule = self.stored(id, DURING).await?;
            if schedule.pause.is_none() {
                return Ok(schedule);
            }
            let now = self.clock.now();
            let due = due_tick(&schedule).filter(|due| due.scheduled_for <= now);
            if let Some(due) = due {
                self.decide(id, plan(&due, now, missed)).await?;
            } else {
                (schedule.pause, schedule.consecutive_failures) = (None, 0);
                schedule.updated_at = now;
                match self.write(&schedule).await {
                    Ok(resumed) => self.tell(&resumed, ScheduleTransition::Resumed),
                    Err(RepositoryError::VersionConflict { .. }) => {}
                    Err(error) => return Err(failed(DURING)(error)),
                }
            }
            let stored = self.stored(id, DURING).await?;
            if stored.pause.is_none() {
                tracing::info!(schedule.id = %id, schedule.name = stored.name, by, "a schedule was resumed");
                return Ok(stored);
            }
        }
        Err(self.overtaken(id, DURING))
    }

    /// Checks all that the owner gave, and brings the specification into its canonical form. It may follow one of those that
    /// are `new` with it.
    async fn checked(
        &self,
        schedule: &mut UnifiedSchedule,
        new: &HashMap<String, ScheduleId>,
    ) -> Result<Rule, SchedulerError> {
        check_name(schedule)?;
        match WrittenFollowing::read(&schedule.specification) {
            Some(written) => {
                let following = following::checked(&self.bridge, schedule, written, new).await?;
                schedule.specification = following.to_string();
                Ok(Rule::Follows)
            }
            None => checked(schedule).map(Rule::Ticks),
        }
    }

    /// Writes a row, and has the engine fire as it says.
    async fn write(&self, schedule: &UnifiedSchedule) -> Result<UnifiedSchedule, RepositoryError> {
        let written = self.bridge.update_schedule(schedule).await;
        self.rearm_after(&written, schedule.id).await;
        written
    }

    fn tell_of_deletion(&self, id: ScheduleId) {
        tell_of_schedule(&*self.events, || {
            ScheduleEvent::bare(id, ScheduleTransition::Deleted, self.clock.now())
        });
    }

    fn tell(&self, schedule: &UnifiedSchedule, change: ScheduleTransition) {
        tell_of_schedule(&*self.events, || {
            ScheduleEvent::of(schedule, change, self.clock.now())
        });
    }

    fn overtaken(&self, id: ScheduleId, during: &'static str) -> SchedulerError {
        failed(during)(RepositoryError::VersionConflict {
            what: "schedule",
            id: id.to_string(),
        })
    }

    /// Brings the engine in line with the row, unless it is certain that nothing was written.
    async fn rearm_after<T>(&self, written: &Result<T, RepositoryError>, id: ScheduleId) {
        if written.as_ref().err().is_none_or(RepositoryError::is_transient) {
            self.arming.rearm(id).await;
        }
    }

    /// Decides on what was due under the row as it is, so that an edit cannot make it vanish: an instant that is past
    /// is then due, whatever the spread. The engine may be doing the same at this moment: it is waited for, since the row lets
    /// one of the two through, and the other, which may be a whole herd, has to begin anew.
    async fn decide_before_edit(
        &self,
        schedule: &UnifiedSchedule,
        now: DateTime<Utc>,
        during: &'static str,
    ) -> Result<(), SchedulerError> {
        let decided;
        let schedule = if self.arming.until_settled(schedule.id).await {
            decided = self.stored(schedule.id, during).await?;
            if decided.next_run.is_none_or(|next| next > now) {
                return Ok(());
            }
            &decided
        } else {
            schedule
        };
        let Some(mut due) = due_tick(schedule).filter(|_| schedule.enabled) else {
            // Nobody can say any more which ticks those would have been; the row says so in its state.
            return Ok(());
        };
        let latest = due.timetable.specification.last_between(due.scheduled_for, now);
        let nominal = latest.unwrap_or(due.scheduled_for);
        let as_if = now.max(nominal + due.timetable.offset(due.schedule_id));
        let missed = if due.resumes {
            // The edit does not resume it.
            due.resumes = false;
            Missed::Skipped("the schedule was paused, and was changed before it was resumed")
        } else {
            Missed::ByPolicy
        };
        let mut firing = plan(&due, as_if, missed);
        firing.decided_at = now;
        for record in &mut firing.records {
            record.decided_at = now;
        }
        self.decide(schedule.id, firing).await
    }

    async fn decide(
        &self,
        id: ScheduleId,
        firing: ratchet_interfaces::TickFiring,
    ) -> Result<(), SchedulerError> {
        let firings = [firing];
        let decided = self.bridge.fire_ticks(&firings).await;
        if let Ok(committed) = &decided {
            tell_of_firings(&*self.events, &firings, committed, self.clock.now());
        }
        let outcomes = decided.as_ref().map(|committed| committed.outcomes.as_slice());
        // Whatever the answer is, or if it was lost, there may be a job.
        self.jobs_available.raise();
        if !matches!(outcomes, Ok([FiringOutcome::Committed | FiringOutcome::Stale])) {
            self.jobs_stopping.raise();
        }
        self.rearm_after(&decided, id).await;
        decided
            .map(drop)
            .map_err(failed("deciding on what was due before the change"))
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

/// Whether an edit says nothing about when the schedule fires. What its jobs are to do is read when each is made. One that is
/// invalid becomes valid by an edit.
fn leaves_its_ticks(edited: &UnifiedSchedule, before: &UnifiedSchedule) -> bool {
    edited.specification == before.specification
        && edited.timezone == before.timezone
        && edited.enabled == before.enabled
        && edited.policies == before.policies
        && before.state != ScheduleState::Invalid
}

/// What a replacement is told of as.
const fn transition(was_enabled: bool, is_enabled: bool) -> ScheduleTransition {
    match (was_enabled, is_enabled) {
        (false, true) => ScheduleTransition::Enabled,
        (true, false) => ScheduleTransition::Disabled,
        (true, true) | (false, false) => ScheduleTransition::Updated,
    }
}

/// The tick that a row waits for, as the engine would begin it.
fn due_tick(schedule: &UnifiedSchedule) -> Option<DueTick> {
    let specification = parse_specification(&schedule.specification, &schedule.timezone).ok()?;
    Some(DueTick {
        schedule_id: schedule.id,
        timing_version: schedule.timing_version,
        scheduled_for: schedule.next_run?,
        timetable: Arc::new(Timetable {
            excludes_since: specification.excludes().then_some(schedule.effective_from),
            specification,
            policies: schedule.policies,
        }),
        resumes: schedule.pause.is_some(),
    })
}

fn refusal(
    schedule: &UnifiedSchedule,
) -> impl Fn(&'static str, String, Box<dyn Error + Send + Sync>) -> SchedulerError + use<> {
    let schedule = schedule.name.clone();
    move |field, value, source| SchedulerError::InvalidSchedule {
        schedule: schedule.clone(),
        field,
        value,
        source,
    }
}

fn check_name(schedule: &UnifiedSchedule) -> Result<(), SchedulerError> {
    if schedule.name.trim().is_empty() {
        let refused = refusal(schedule);
        return Err(refused(
            "name",
            schedule.name.clone(),
            "a schedule needs a name".into(),
        ));
    }
    Ok(())
}

/// Checks a schedule with ticks of its own, and brings its specification into the canonical form.
fn checked(schedule: &mut UnifiedSchedule) -> Result<Specification, SchedulerError> {
    let refused = refusal(schedule);
    let specification = read_specification(&schedule.specification, &schedule.timezone)
        .map_err(|error| refused(error.field, error.value, error.source))?;
    schedule
        .policies
        .check()
        .map_err(|error| refused(error.field, error.value.clone(), error.into()))?;
    let spread = schedule.policies.spread;
    let width = spread
        .to_std()
        .map_err(|error| refused("spread", spread.to_string(), error.into()))?;
    specification
        .check_spread(width)
        .map_err(|error| refused("spread", format!("{} s", spread.as_seconds_f64()), error.into()))?;
    schedule.specification = specification.to_string();
    Ok(specification)
}

/// The first tick after `now`.
fn first_of(
    schedule: &UnifiedSchedule,
    specification: &Specification,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, SchedulerError> {
    first_tick(specification, now).map_err(|end| SchedulerError::InvalidSchedule {
        schedule: schedule.name.clone(),
        field: "specification",
        value: schedule.specification.clone(),
        source: format!("it has no tick after {}: {end}", now.to_rfc3339()).into(),
    })
}

pub(crate) fn failed(during: &'static str) -> impl FnOnce(RepositoryError) -> SchedulerError {
    move |source| SchedulerError::Repository { during, source }
}
