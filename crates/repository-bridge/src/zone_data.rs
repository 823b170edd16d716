use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Choice, Fact, Page, PageRequest, RepositoryError, ScheduleCondition, ScheduleFilter, ScheduleId,
    ScheduleSort, ScheduleState, ScheduleTiming, UnifiedSchedule,
};
use ratchet_recurrence::{Specification, Zone};

use crate::bridge::RepositoryBridge;
use crate::specification::{first_tick, parse_specification};

/// A next run that is another under the time-zone data of this binary than under those with which it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRunChange {
    /// The schedule.
    pub id: ScheduleId,
    /// The stored next run.
    pub before: DateTime<Utc>,
    /// The next run as it is now, or why there is none any more.
    pub after: Result<DateTime<Utc>, String>,
}

impl RepositoryBridge {
    /// The version of the time-zone data with which the next runs were computed, if it is not that of this binary.
    /// A new database takes that of this binary.
    ///
    /// # Errors
    /// As the repository.
    pub async fn other_zone_data(&self, now: DateTime<Utc>) -> Result<Option<String>, RepositoryError> {
        let current = Zone::database_version();
        match self.find_fact(Fact::ZoneData).await? {
            Some(stored) if stored != current => Ok(Some(stored)),
            Some(_) => Ok(None),
            None => self.adopt_zone_data(now).await.map(|()| None),
        }
    }

    /// Takes note that all next runs are those of this binary's time-zone data.
    ///
    /// # Errors
    /// As the repository.
    pub async fn adopt_zone_data(&self, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.store_facts(&[
            (Fact::ZoneData, Zone::database_version().to_owned()),
            (Fact::ZoneDataSince, now.to_rfc3339()),
        ])
        .await
    }

    /// Computes the next runs of all schedules anew, `page_size` rows at a time, and stores those that are others now.
    /// `report` is told of each.
    ///
    /// # Errors
    /// As the repository; what was stored before stays, and doing it again does no harm.
    pub async fn recompute_next_runs(
        &self,
        now: DateTime<Utc>,
        page_size: u32,
        mut report: impl FnMut(NextRunChange) + Send,
    ) -> Result<(), RepositoryError> {
        let mut after = None;
        loop {
            let timings = self.schedules.schedule_list_timings(after, page_size).await?;
            after = timings.last().map(|timing| timing.id).or(after);
            let is_last = timings.len() < page_size as usize;
            self.recompute(timings, now, &mut report).await?;
            if is_last {
                break;
            }
        }
        // Those have no timing, and go on with their next run when somebody resumes them.
        let paused = self.paused_without_end().await?;
        self.recompute(paused, now, &mut report).await
    }

    async fn recompute(
        &self,
        timings: Vec<ScheduleTiming>,
        now: DateTime<Utc>,
        report: &mut (impl FnMut(NextRunChange) + Send),
    ) -> Result<(), RepositoryError> {
        let mut moved = Vec::new();
        for timing in timings {
            // One that cannot be understood is disabled when it is loaded.
            let (Some(before), Ok(specification)) = (
                timing.next_run,
                parse_specification(&timing.specification, &timing.timezone),
            ) else {
                continue;
            };
            let next = self
                .recomputed(timing.id, &specification, before, timing.effective_from, now)
                .await?;
            if next.as_ref() != Ok(&before) {
                moved.push((timing, next));
            }
        }
        if !moved.is_empty() {
            self.schedules.schedule_move_next_runs(&moved).await?;
        }
        for (timing, next) in moved {
            if let Some(before) = timing.next_run {
                report(NextRunChange {
                    id: timing.id,
                    before,
                    after: next,
                });
            }
        }
        Ok(())
    }

    /// The schedules that are paused until somebody resumes them.
    async fn paused_without_end(&self) -> Result<Vec<ScheduleTiming>, RepositoryError> {
        let mut timings = Vec::new();
        let mut offset = 0;
        loop {
            let found = match self.paused_from(offset, PageRequest::MAX_LIMIT).await {
                Err(error) if !error.is_transient() => self.readable_from(offset).await?,
                page => page?,
            };
            timings.extend(found.items.iter().filter_map(timing_of));
            offset += PageRequest::MAX_LIMIT;
            if offset >= found.total {
                return Ok(timings);
            }
        }
    }

    async fn paused_from(&self, offset: u64, limit: u64) -> Result<Page<UnifiedSchedule>, RepositoryError> {
        let paused = ScheduleFilter::of([
            ScheduleCondition::Enabled(true),
            ScheduleCondition::State(Choice::Is(ScheduleState::Active)),
            ScheduleCondition::Paused(true),
        ]);
        let page = PageRequest::new(offset, limit)?;
        self.schedules
            .schedule_list(&paused, ScheduleSort::default(), page)
            .await
    }

    /// A page without the rows that cannot be read: they are told of when somebody asks for them, and keep the others
    /// from nothing.
    async fn readable_from(&self, offset: u64) -> Result<Page<UnifiedSchedule>, RepositoryError> {
        let mut readable = Page {
            items: Vec::new(),
            total: offset + 1,
        };
        for place in offset..offset + PageRequest::MAX_LIMIT {
            match self.paused_from(place, 1).await {
                Ok(one) => {
                    readable.total = one.total;
                    readable.items.extend(one.items);
                }
                Err(error) if error.is_transient() => return Err(error),
                Err(_) => readable.total = readable.total.max(place + 2),
            }
            if place + 1 >= readable.total {
                break;
            }
        }
        Ok(readable)
    }

    /// A tick to come is looked for from now on. One that is due already stays if it is a tick still; if not, what is
    /// due is what follows the last tick that was decided on.
    async fn recomputed(
        &self,
        id: ScheduleId,
        specification: &Specification,
        before: DateTime<Utc>,
        effective_from: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Result<DateTime<Utc>, String>, RepositoryError> {
        if before > now {
            return Ok(first_tick(specification, now.max(effective_from)));
        }
        if specification.is_due(before) {
            return Ok(Ok(before));
        }
        let decided = self.last_decided(id).await?;
        let since = decided.map_or(effective_from, |tick| tick.record.through.max(effective_from));
        Ok(first_tick(specification, since))
    }
}

/// What a paused schedule's timing would be; `None` if it ends by itself, and so has one.
fn timing_of(schedule: &UnifiedSchedule) -> Option<ScheduleTiming> {
    let pause = schedule.pause.as_ref()?;
    pause.resume_at.is_none().then(|| ScheduleTiming {
        id: schedule.id,
        timing_version: schedule.timing_version,
        specification: schedule.specification.clone(),
        timezone: schedule.timezone.clone(),
        policies: schedule.policies,
        next_run: schedule.next_run,
        resume_at: None,
        effective_from: schedule.effective_from,
    })
}
