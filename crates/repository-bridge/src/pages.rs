use std::sync::Arc;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, ScheduleId, ScheduleRepository, ScheduleTiming};

use crate::specification::{first_tick, parse_specification};
use crate::timetable::Timetable;

/// A schedule as the engine works with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleJobData {
    /// The schedule.
    pub id: ScheduleId,
    /// The `timing_version` of its row.
    pub timing_version: u32,
    /// When it fires, and by which rules.
    pub timetable: Timetable,
    /// The nominal instant of its next tick. It may be past: then it was missed.
    pub next_run: DateTime<Utc>,
    /// When it resumes by itself, if it is paused until then.
    pub resume_at: Option<DateTime<Utc>>,
}

/// A stored schedule whose specification cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSchedule {
    /// The schedule.
    pub id: ScheduleId,
    /// The `timing_version` of its row.
    pub timing_version: u32,
    /// What cannot be understood, and what is allowed.
    pub reason: String,
}

/// What one page of rows held.
#[derive(Clone, Debug, Default)]
pub struct LoadedPage {
    /// The schedules that will fire.
    pub schedules: Vec<ScheduleJobData>,
    /// The schedules that cannot.
    pub invalid: Vec<InvalidSchedule>,
    /// The schedules that never will, which was found out and stored now.
    pub completed: Vec<ScheduleId>,
}

/// All enabled schedules, a page at a time.
///
/// Each page is read when it is asked for, parsed, and given away: memory holds one page, however many schedules
/// there are. Schedules that have no `next_run` yet get their first, on disk, before their page is returned.
pub struct SchedulePages {
    schedules: Arc<dyn ScheduleRepository>,
    page_size: u32,
    after: Option<ScheduleId>,
    exhausted: bool,
}

impl SchedulePages {
    pub(crate) fn new(schedules: Arc<dyn ScheduleRepository>, page_size: u32) -> Self {
        Self {
            schedules,
            page_size,
            after: None,
            exhausted: false,
        }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// As the repository: the page can be asked for again.
    pub async fn next(&mut self) -> Result<Option<LoadedPage>, RepositoryError> {
        if self.exhausted {
            return Ok(None);
        }
        let timings = self
            .schedules
            .schedule_list_timings(self.after, self.page_size)
            .await?;
        let last = timings.last().map(|timing| timing.id);
        let full = timings.len() == self.page_size as usize;
        let page = interpret(&*self.schedules, timings).await?;
        self.after = last.or(self.after);
        self.exhausted = !full;
        Ok(Some(page))
    }
}

/// Parses rows, and gives first runs to those that have none.
pub(crate) async fn interpret(
    schedules: &dyn ScheduleRepository,
    timings: Vec<ScheduleTiming>,
) -> Result<LoadedPage, RepositoryError> {
    let mut page = LoadedPage::default();
    let mut first_runs = Vec::new();
    page.schedules.reserve(timings.len());
    for timing in timings {
        let specification = match parse_specification(&timing.specification, &timing.timezone) {
            Ok(specification) => specification,
            Err(error) => {
                let reason = error.reason();
                page.invalid.push(InvalidSchedule {
                    id: timing.id,
                    timing_version: timing.timing_version,
                    reason,
                });
                continue;
            }
        };
        let stored = timing.next_run;
        let next_run = stored.map_or_else(|| first_tick(&specification, timing.effective_from), Ok);
        if let Ok(next_run) = next_run {
            let excludes = specification.excludes();
            page.schedules.push(ScheduleJobData {
                id: timing.id,
                timing_version: timing.timing_version,
                timetable: Timetable {
                    specification,
                    policies: timing.policies,
                    excludes_since: excludes.then_some(timing.effective_from),
                },
                next_run,
                resume_at: timing.resume_at,
            });
        }
        if next_run.is_err() {
            page.completed.push(timing.id);
        }
        if stored.is_none() {
            first_runs.push((timing, next_run));
        }
    }
    if !first_runs.is_empty() {
        schedules.schedule_set_first_runs(&first_runs).await?;
    }
    Ok(page)
}
