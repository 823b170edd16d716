//! What becomes of a stored schedule that is replaced.

use chrono::{DateTime, Utc};
use ratchet_interfaces::{ScheduleState, SchedulerError, UnifiedSchedule};

use super::{Rule, first_of};

/// The row that is to be written: `given` as its owner wants it, with what the engine knows of the schedule from
/// `before`.
pub(super) fn replacement(
    given: UnifiedSchedule,
    rule: Rule,
    before: UnifiedSchedule,
    now: DateTime<Utc>,
) -> Result<UnifiedSchedule, SchedulerError> {
    let mut schedule = given;
    let says = |schedule: &UnifiedSchedule| {
        let text = schedule.specification.clone();
        (text, schedule.timezone.clone(), schedule.enabled)
    };
    let same = says(&before) == says(&schedule);
    if same
        && before.state == ScheduleState::Completed
        && before.policies.max_runs == schedule.policies.max_runs
    {
        // Nothing makes it fire again.
        (schedule.state, schedule.state_reason) = (before.state, before.state_reason.clone());
        (schedule.next_run, schedule.effective_from) = (None, before.effective_from);
    } else {
        let same = same && before.state == ScheduleState::Active;
        schedule.run_count = before.run_count;
        with_runs_left(&schedule)?;
        schedule.next_run = match (rule, before.next_run.filter(|_| same)) {
            (Rule::Follows, _) => None,
            (Rule::Ticks(_), Some(kept)) => Some(kept),
            (Rule::Ticks(specification), None) => Some(first_of(&schedule, &specification, now)?),
        }
        .filter(|_| schedule.enabled);
        schedule.effective_from = if same { before.effective_from } else { now };
        (schedule.state, schedule.state_reason) = (ScheduleState::Active, None);
    }
    schedule.consecutive_failures = before.consecutive_failures;
    schedule.pause = before.pause.filter(|_| schedule.enabled);
    schedule.updated_at = now;
    Ok(schedule)
}

/// A schedule that has had all its runs already would be completed without another.
fn with_runs_left(schedule: &UnifiedSchedule) -> Result<(), SchedulerError> {
    match schedule.policies.max_runs {
        Some(most) if schedule.enabled && most <= schedule.run_count => {
            let reason = format!(
                "it has run {} times already; allowed is more than that",
                schedule.run_count
            );
            Err(SchedulerError::InvalidSchedule {
                schedule: schedule.name.clone(),
                field: "maxRuns",
                value: most.to_string(),
                source: reason.into(),
            })
        }
        _ => Ok(()),
    }
}
