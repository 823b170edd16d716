//! Runs that somebody asks for: past ticks that are made up for, and a run at once.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    BackfillOrder, BackfillReport, BackfillRequest, JobId, ManualRun, ManualRuns, RepositoryError,
    ScheduleId, SchedulerError, Tick, TickOutcome, UnifiedJob, UnifiedSchedule, truncate_to_micros,
};
use ratchet_recurrence::{Specification, spread_offset};
use ratchet_repository_bridge::{RepositoryBridge, parse_specification};
use serde_json::Value;

use crate::history::{History, INSTANT};
use crate::why::written;

const MOST_RUNS: u32 = 10_000;
const MOST_PER_MINUTE: u32 = 60_000;
const ROWS_PER_PAGE: u32 = 1_000;
/// So many ticks are worked out before others may run.
const TICKS_AT_ONCE: usize = 256;

/// Makes up for past ticks of a schedule's present specification, all in one request: a job for each.
///
/// The jobs may start one after the other, in the order that was asked for, from `now` on at the rate that was asked
/// for, or as good as at once.
///
/// # Errors
/// [`SchedulerError::InvalidRequest`] names what of the request is not allowed, and the rule;
/// [`SchedulerError::InvalidSchedule`] when the specification cannot be read; `NotFound` when there is no such schedule;
/// otherwise as the repositories.
pub async fn backfill(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    request: BackfillRequest,
    now: DateTime<Utc>,
) -> Result<BackfillReport, SchedulerError> {
    check(&request, now)?;
    let schedule = find(bridge, id, "making up for past ticks").await?;
    let specification =
        parse_specification(&schedule.specification, &schedule.timezone).map_err(|error| {
            SchedulerError::InvalidSchedule {
                schedule: schedule.name.clone(),
                field: error.field,
                value: error.value,
                source: error.source,
            }
        })?;
    let failed = |source| SchedulerError::Repository {
        during: "making up for past ticks",
        source,
    };
    let mut gaps = Gaps::new(&specification, &request);
    if request.only_missing {
        leave_out_jobs(bridge, &schedule, &request, &mut gaps)
            .await
            .map_err(failed)?;
    }
    gaps.close();
    let ticks = chosen(&specification, &gaps, &request).await;
    let (first, last) = (ticks.first(), ticks.last());
    let range = first.zip(last).map(|(a, b)| (*a.min(b), *a.max(b)));
    let total = specification.count_between(request.from - INSTANT, request.to - INSTANT);
    let mut report = BackfillReport {
        request: None,
        jobs: ticks.len() as u64,
        range,
        had_jobs: total.saturating_sub(gaps.total),
        beyond_max: gaps.total.saturating_sub(ticks.len() as u64),
        last_start: None,
    };
    let runs: Vec<ManualRun> = ticks
        .into_iter()
        .zip(0i64..)
        .map(|(instant, place)| ManualRun {
            job_id: JobId::new(),
            instant,
            run_after: truncate_to_micros(now) + waiting_time(place, request.per_minute),
        })
        .collect();
    let Some(last) = runs.last() else {
        return Ok(report);
    };
    report.last_start = Some(last.run_after);
    let reason = match &request.note {
        Some(note) => format!("backfilled by {}: {note}", request.by),
        None => format!("backfilled by {}", request.by),
    };
    let runs = ManualRuns {
        schedule_id: id,
        outcome: TickOutcome::Backfilled,
        reason: reason.into(),
        input: request.input,
        runs,
        decided_at: truncate_to_micros(now),
    };
    report.request = Some(bridge.run_by_hand(&runs).await.map_err(failed)?);
    Ok(report)
}

/// Has a schedule run at once, whether it is enabled or not, with its own or with another input.
///
/// # Errors
/// `NotFound` when there is no such schedule; otherwise as the repositories.
pub async fn trigger(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    input: Option<Value>,
    by: Option<&str>,
    now: DateTime<Utc>,
) -> Result<UnifiedJob, SchedulerError> {
    let failed = |source| SchedulerError::Repository {
        during: "triggering the schedule",
        source,
    };
    if let Some(by) = by {
        check_person(by)?;
    }
    let now = truncate_to_micros(now);
    let job_id = JobId::new();
    let runs = ManualRuns {
        schedule_id: id,
        outcome: TickOutcome::Triggered,
        reason: by.map_or_else(
            || Arc::from("triggered by hand"),
            |by| format!("triggered by {by}").into(),
        ),
        input,
        runs: vec![ManualRun {
            job_id,
            instant: now,
            run_after: now,
        }],
        decided_at: now,
    };
    bridge.run_by_hand(&runs).await.map_err(failed)?;
    bridge
        .find_job(job_id)
        .await
        .and_then(|found| {
            found.ok_or_else(|| RepositoryError::NotFound {
                what: "job",
                id: job_id.to_string(),
            })
        })
        .map_err(failed)
}

async fn find(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    during: &'static str,
) -> Result<UnifiedSchedule, SchedulerError> {
    bridge
        .find_schedule(id)
        .await
        .and_then(|found| {
            found.ok_or_else(|| RepositoryError::NotFound {
                what: "schedule",
                id: id.to_string(),
            })
        })
        .map_err(|source| SchedulerError::Repository { during, source })
}

/// How long after its nominal instants a schedule's ticks are due.
pub(crate) fn offset_of(schedule: &UnifiedSchedule) -> TimeDelta {
    let width = schedule.policies.spread.to_std().unwrap_or_default();
    // An offset is less than its width, which was a time delta.
    TimeDelta::from_std(spread_offset(schedule.id.as_uuid().as_u128(), width)).unwrap_or_default()
}

fn check(request: &BackfillRequest, now: DateTime<Utc>) -> Result<(), SchedulerError> {
    let refuse = |wrong: bool, field, value: String, rule: String| {
        if wrong {
            return Err(SchedulerError::InvalidRequest { field, value, rule });
        }
        Ok(())
    };
    let BackfillRequest {
        from,
        to,
        order: _,
        max_count,
        per_minute,
        only_missing: _,
        input: _,
        by,
        note,
    } = request;
    refuse(
        from.timestamp() < 0,
        "from",
        written(*from),
        "allowed are instants from 1970 on".to_owned(),
    )?;
    refuse(
        to <= from,
        "to",
        written(*to),
        format!("it must be later than from, which is {}", written(*from)),
    )?;
    refuse(
        *to > now,
        "to",
        written(*to),
        format!(
            "only past ticks can be made up for, and it is {} now",
            written(now)
        ),
    )?;
    refuse(
        !(1..=MOST_RUNS).contains(max_count),
        "maxCount",
        max_count.to_string(),
        format!("allowed is 1 through {MOST_RUNS}"),
    )?;
    if let Some(rate) = per_minute {
        refuse(
            !(1..=MOST_PER_MINUTE).contains(rate),
            "perMinute",
            rate.to_string(),
            format!("allowed is 1 through {MOST_PER_MINUTE}"),
        )?;
    }
    check_person(by)?;
    let note = note.as_deref().unwrap_or_default();
    refuse(
        note.contains('\0'),
        "note",
        note.replace('\0', "\u{fffd}"),
        "allowed is text without the character NUL".to_owned(),
    )
}

/// PostgreSQL stores no text with the character NUL, and a name that breaks lines would break those of the ledger.
fn check_person(by: &str) -> Result<(), SchedulerError> {
    if by.trim().is_empty() || by.chars().any(char::is_control) {
        return Err(SchedulerError::InvalidRequest {
            field: "by",
            value: by.replace(char::is_control, "\u{fffd}"),
            rule: "it must name who asks, in text without control characters".to_owned(),
        });
    }
    Ok(())
}

/// How long after the first the run of a place may start: at a rate, or late enough to keep the order.
fn waiting_time(place: i64, per_minute: Option<u32>) -> TimeDelta {
    TimeDelta::microseconds(match per_minute {
        Some(rate) => place * 60_000_000 / i64::from(rate),
        None => place,
    })
}

/// Ticks of a range without those that have a job: the stretches between these that hold ticks, as many as are needed
/// for a number of ticks from one end.
struct Gaps<'a> {
    specification: &'a Specification,
    kept: VecDeque<Gap>,
    kept_ticks: u64,
    /// All ticks in gaps, kept or not.
    total: u64,
    wanted: u64,
    order: BackfillOrder,
    /// What is not later has been looked at.
    cursor: DateTime<Utc>,
    end: DateTime<Utc>,
}

struct Gap {
    after: DateTime<Utc>,
    until: DateTime<Utc>,
    ticks: u64,
}

impl<'a> Gaps<'a> {
    fn new(specification: &'a Specification, request: &BackfillRequest) -> Self {
        Self {
            specification,
            kept: VecDeque::new(),
            kept_ticks: 0,
            total: 0,
            wanted: u64::from(request.max_count),
            order: request.order,
            cursor: request.from - INSTANT,
            end: request.to - INSTANT,
        }
    }

    /// That the ticks from one instant through the other have jobs. Called in the order of the first.
    fn leave_out(&mut self, first: DateTime<Utc>, last: DateTime<Utc>) {
        self.open_until((first - INSTANT).min(self.end));
        self.cursor = self.cursor.max(last.min(self.end));
    }

    /// That no later tick has a job.
    fn close(&mut self) {
        self.open_until(self.end);
    }

    fn open_until(&mut self, until: DateTime<Utc>) {
        if until <= self.cursor {
            return;
        }
        let after = std::mem::replace(&mut self.cursor, until);
        let ticks = self.specification.count_between(after, until);
        self.total += ticks;
        let is_enough = self.order == BackfillOrder::OldestFirst && self.kept_ticks >= self.wanted;
        if ticks == 0 || is_enough {
            return;
        }
        self.kept_ticks += ticks;
        self.kept.push_back(Gap { after, until, ticks });
        while let Some(first) = self
            .kept
            .front()
            .filter(|_| self.order == BackfillOrder::NewestFirst)
            && self.kept_ticks - first.ticks >= self.wanted
        {
            self.kept_ticks -= first.ticks;
            self.kept.pop_front();
        }
    }
}

/// Tells `gaps` of the ticks that became a job or were merged into one, by the schedule or by hand.
async fn leave_out_jobs(
    bridge: &RepositoryBridge,
    schedule: &UnifiedSchedule,
    request: &BackfillRequest,
    gaps: &mut Gaps<'_>,
) -> Result<(), RepositoryError> {
    let history = History::read(bridge, schedule).await?;
    let mut after = None;
    loop {
        let rows = bridge
            .scan_ticks(schedule.id, request.from, after, ROWS_PER_PAGE)
            .await?;
        for row in &rows {
            if row.record.scheduled_for >= request.to {
                return Ok(());
            }
            leave_out_row(row, &history, gaps).await;
        }
        let Some(last) = rows.last().filter(|_| rows.len() == ROWS_PER_PAGE as usize) else {
            return Ok(());
        };
        after = Some((last.record.scheduled_for, last.request));
    }
}

async fn leave_out_row(row: &Tick, history: &History, gaps: &mut Gaps<'_>) {
    let record = &row.record;
    let has_job =
        record.outcome.is_run() || matches!(record.outcome, TickOutcome::Coalesced | TickOutcome::Backfilled);
    if !has_job {
        return;
    }
    let of_then = history
        .at(record.scheduled_for)
        .and_then(|term| term.specification.as_ref().ok());
    let Some(of_then) = of_then.filter(|of_then| record.count > 1 && *of_then != gaps.specification) else {
        gaps.leave_out(record.scheduled_for, record.through);
        return;
    };
    // What the schedule says now may have ticks within the range that it had not then.
    let specification = gaps.specification;
    let first = record.scheduled_for.max(gaps.cursor + INSTANT) - INSTANT;
    let last = record.through.min(gaps.end);
    for (place, tick) in specification
        .upcoming(first)
        .take_while(|tick| *tick <= last)
        .enumerate()
    {
        if of_then.is_due(tick) {
            gaps.leave_out(tick, tick);
        }
        if place % TICKS_AT_ONCE == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// The ticks that are made up for, in the order that was asked for.
async fn chosen(
    specification: &Specification,
    gaps: &Gaps<'_>,
    request: &BackfillRequest,
) -> Vec<DateTime<Utc>> {
    let most = request.max_count as usize;
    let mut ticks = Vec::new();
    let mut places: Vec<&Gap> = gaps.kept.iter().collect();
    if request.order == BackfillOrder::NewestFirst {
        places.reverse();
    }
    for Gap { after, until, .. } in places {
        let (mut after, mut until) = (*after, *until);
        while ticks.len() < most {
            let tick = match request.order {
                BackfillOrder::OldestFirst => specification.next_after(after).filter(|tick| *tick <= until),
                BackfillOrder::NewestFirst => specification.last_between(after, until),
            };
            let Some(tick) = tick else {
                break;
            };
            match request.order {
                BackfillOrder::OldestFirst => after = tick,
                BackfillOrder::NewestFirst => until = tick - INSTANT,
            }
            ticks.push(tick);
            if ticks.len() % TICKS_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    ticks
}
