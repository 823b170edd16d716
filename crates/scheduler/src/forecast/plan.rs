//! Which schedules a forecast looks at, and how they will run.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    ForecastRequest, ScheduleId, SchedulePolicies, ScheduleState, SchedulerError, UnifiedSchedule, WhatIf,
    WrittenFollowing,
};
use ratchet_recurrence::{Planned, Specification, spread_offset};
use ratchet_repository_bridge::{RepositoryBridge, offset_of, parse_specification, read_specification};

use crate::history::INSTANT;
use crate::why::written;

const SCHEDULES_PER_PAGE: u32 = 1_000;

/// What names a schedule in a forecast.
pub(super) type Key = (Option<ScheduleId>, Arc<str>);

/// The schedules of a forecast, as they will run: those that are stored, with what would be different.
pub(super) async fn plan(
    bridge: &RepositoryBridge,
    request: &ForecastRequest,
    now: DateTime<Utc>,
) -> Result<Vec<Planned<Key>>, SchedulerError> {
    if request.to <= request.from {
        let rule = format!("it must be later than from, which is {}", written(request.from));
        return Err(invalid("to", written(request.to), rule));
    }
    let mut ideas = ideas(&request.what_if)?;
    let mut plan = Plan {
        now,
        schedules: Vec::new(),
        specifications: HashSet::new(),
    };
    let mut after = None;
    loop {
        let page = bridge
            .scan_schedules(after, SCHEDULES_PER_PAGE)
            .await
            .map_err(|source| SchedulerError::Repository {
                during: "reading the schedules for a forecast",
                source,
            })?;
        for schedule in &page {
            match ideas.remove(schedule.name.as_str()) {
                Some(Idea::Without) => {}
                Some(Idea::Set(other)) => plan.add_idea(&schedule.name, other, Some(schedule)),
                None => plan.add_stored(schedule),
            }
        }
        let Some(last) = page.last().filter(|_| page.len() == SCHEDULES_PER_PAGE as usize) else {
            break;
        };
        after = Some(last.id);
    }
    for (name, idea) in ideas {
        match idea {
            Idea::Without => {
                let rule = "there is no schedule of this name".to_owned();
                return Err(invalid("whatIf.without", name.to_owned(), rule));
            }
            Idea::Set(other) => plan.add_idea(name, other, None),
        }
    }
    Ok(plan.schedules)
}

/// What would be different about one schedule.
enum Idea {
    Set(Other),
    Without,
}

struct Other {
    specification: Specification,
    spread: std::time::Duration,
}

fn ideas(what_if: &[WhatIf]) -> Result<BTreeMap<&str, Idea>, SchedulerError> {
    let mut ideas = BTreeMap::new();
    for one in what_if {
        let (name, idea) = match one {
            WhatIf::Without { name } => (name, Idea::Without),
            WhatIf::Set {
                name,
                specification,
                timezone,
                spread,
            } => {
                if WrittenFollowing::read(specification).is_some() {
                    let rule = "a schedule that follows another has no instants of its own, and is in no forecast: that \
                                which it follows is"
                        .to_owned();
                    return Err(invalid("whatIf.specification", specification.clone(), rule));
                }
                let specification = read_specification(specification, timezone).map_err(|error| {
                    SchedulerError::InvalidSchedule {
                        schedule: name.clone(),
                        field: error.field,
                        value: error.value,
                        source: error.source,
                    }
                })?;
                check_spread(&specification, *spread)?;
                let spread = *spread;
                (
                    name,
                    Idea::Set(Other {
                        specification,
                        spread,
                    }),
                )
            }
        };
        if name.trim().is_empty() {
            let rule = "a schedule needs a name".to_owned();
            return Err(invalid("whatIf.name", name.clone(), rule));
        }
        if ideas.insert(name.as_str(), idea).is_some() {
            let rule = "one difference of each schedule is allowed".to_owned();
            return Err(invalid("whatIf.name", name.clone(), rule));
        }
    }
    Ok(ideas)
}

fn check_spread(specification: &Specification, spread: std::time::Duration) -> Result<(), SchedulerError> {
    let refused = |rule: String| invalid("whatIf.spread", format!("{spread:?}"), rule);
    let policies = SchedulePolicies {
        spread: TimeDelta::from_std(spread).unwrap_or(TimeDelta::MAX),
        ..SchedulePolicies::default()
    };
    policies.check().map_err(|error| refused(error.rule.to_owned()))?;
    specification
        .check_spread(spread)
        .map_err(|error| refused(error.to_string()))
}

struct Plan {
    now: DateTime<Utc>,
    schedules: Vec<Planned<Key>>,
    /// Equal specifications are kept once: a herd has few different ones.
    specifications: HashSet<Arc<Specification>>,
}

impl Plan {
    fn add_stored(&mut self, schedule: &UnifiedSchedule) {
        let resume_at = match &schedule.pause {
            Some(pause) => match pause.resume_at {
                Some(resume_at) => Some(resume_at),
                None => return,
            },
            None => None,
        };
        // A schedule that follows another has no instants of its own.
        if !schedule.enabled || schedule.state != ScheduleState::Active || schedule.follows().is_some() {
            return;
        }
        let specification = match parse_specification(&schedule.specification, &schedule.timezone) {
            Ok(specification) => specification,
            Err(error) => {
                tracing::warn!(
                    schedule.id = %schedule.id,
                    schedule.name,
                    reason = error.reason(),
                    "a schedule that cannot be read is left out of a forecast"
                );
                return;
            }
        };
        let next_run = schedule.next_run.unwrap_or(schedule.effective_from + INSTANT);
        let planned = Planned {
            offset: offset_of(schedule.id, schedule.policies.spread)
                .to_std()
                .unwrap_or_default(),
            most: runs_left(schedule),
            from: Some(resume_at.map_or(next_run, |resume_at| resume_at.max(next_run))),
            ..self.planned(schedule.name.as_str(), Some(schedule.id), specification)
        };
        self.schedules.push(planned);
    }

    /// What is edited now fires from now on, and keeps its id and its number of runs.
    fn add_idea(&mut self, name: &str, other: Other, stored: Option<&UnifiedSchedule>) {
        let id = stored.map(|schedule| schedule.id);
        // A schedule has its place within a spread by its id; one that is not stored yet borrows one from its name.
        let place = id.map_or_else(|| place_of(name), |id| id.as_uuid().as_u128());
        let planned = Planned {
            offset: spread_offset(place, other.spread),
            most: stored.and_then(runs_left),
            from: Some(self.now + INSTANT),
            ..self.planned(name, id, other.specification)
        };
        self.schedules.push(planned);
    }

    fn planned(&mut self, name: &str, id: Option<ScheduleId>, specification: Specification) -> Planned<Key> {
        let specification = match self.specifications.get(&specification) {
            Some(known) => Arc::clone(known),
            None => {
                let new = Arc::new(specification);
                self.specifications.insert(Arc::clone(&new));
                new
            }
        };
        Planned::new((id, name.into()), specification)
    }
}

fn runs_left(schedule: &UnifiedSchedule) -> Option<u64> {
    let most = schedule.policies.max_runs?;
    Some(most.saturating_sub(schedule.run_count))
}

fn place_of(name: &str) -> u128 {
    name.bytes().fold(0, |place: u128, byte| {
        place.wrapping_mul(257).wrapping_add(byte.into())
    })
}

pub(super) fn invalid(field: &'static str, value: String, rule: String) -> SchedulerError {
    SchedulerError::InvalidRequest { field, value, rule }
}
