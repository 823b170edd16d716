//! Runs that somebody asks for: past ticks that are made up for, and a run at once.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{
    BackfillOrder, BackfillReport, BackfillRequest, EventSink, Following, JobId, ManualRun, ManualRuns,
    NoEventSink, RepositoryError, ScheduleId, SchedulerError, Tick, TickOutcome, UnifiedJob, UnifiedSchedule,
    truncate_to_micros,
};
use ratchet_recurrence::Specification;
use ratchet_repository_bridge::{RepositoryBridge, parse_specification};
use serde_json::Value;

use crate::event::tell_of_manual_runs;
use crate::history::{History, INSTANT, Term};
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
    make_up(bridge, id, request, &NoEventSink, now).await
}

/// As [`backfill`], and tells of it.
pub(crate) async fn make_up(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    request: BackfillRequest,
    events: &dyn EventSink,
    now: DateTime<Utc>,
) -> Result<BackfillReport, SchedulerError> {
    check(&request, now)?;
    let schedule = find(bridge, id, "making up for past ticks").await?;
    if let Some(Following { leader_id, .. }) = schedule.follows() {
        return Err(SchedulerError::InvalidRequest {
            field: "schedule",
            value: schedule.name,
            rule: format!(
                "it follows schedule {leader_id} and has no ticks of its own: what is made up for of that brings its runs"
            ),
        });
    }
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
    let committed = bridge.run_by_hand(&runs).await.map_err(failed)?;
    tell_of_manual_runs(events, &runs, &committed);
    report.request = Some(committed.request);
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
    run_at_once(bridge, id, input, by, &NoEventSink, now).await
}

/// As [`trigger`], and tells of it.
pub(crate) async fn run_at_once(
    bridge: &RepositoryBridge,
    id: ScheduleId,
    input: Option<Value>,
    by: Option<&str>,
    events: &dyn EventSink,
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
    let committed = bridge.run_by_hand(&runs).await.map_err(failed)?;
    tell_of_manual_runs(events, &runs, &committed);
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
    let of_then = history.at(record.scheduled_for).and_then(Term::specification);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ledger::{Ledger, at, by_hand, range, row, schedule};

    const NOW: &str = "2025-12-31T08:00:00Z";

    /// The hours from one through six o'clock.
    fn six_hours(order: BackfillOrder) -> BackfillRequest {
        BackfillRequest {
            from: at("2025-12-31T01:00:00Z"),
            to: at("2025-12-31T07:00:00Z"),
            order,
            max_count: 10,
            per_minute: None,
            only_missing: false,
            input: None,
            by: "ada".to_owned(),
            note: Some("after the outage".to_owned()),
        }
    }

    fn hours(runs: &ManualRuns) -> Vec<String> {
        let instants = runs.runs.iter().map(|run| run.instant);
        instants
            .map(|instant| instant.format("%H:%M").to_string())
            .collect()
    }

    async fn made(ledger: &Ledger, request: BackfillRequest) -> (BackfillReport, ManualRuns) {
        let id = ledger.schedules[0].id;
        let report = backfill(&ledger.bridge(), id, request, at(NOW)).await.unwrap();
        let asked = ledger.asked.lock().unwrap().pop().unwrap();
        (report, asked)
    }

    #[tokio::test]
    async fn the_first_ticks_in_the_order_are_made_up_for_at_the_rate() {
        let ledger = Ledger::of(&[schedule("hourly", "0 * * * *")]);
        let request = BackfillRequest {
            max_count: 2,
            per_minute: Some(4),
            ..six_hours(BackfillOrder::NewestFirst)
        };
        let (report, runs) = made(&ledger, request).await;
        assert_eq!(hours(&runs), ["06:00", "05:00"]);
        assert_eq!(runs.runs[0].run_after, at(NOW));
        assert_eq!(runs.runs[1].run_after, at("2025-12-31T08:00:15Z"));
        assert_eq!(&*runs.reason, "backfilled by ada: after the outage");
        assert_eq!((report.request, report.jobs, report.beyond_max), (Some(1), 2, 4));
        assert_eq!(report.last_start, Some(at("2025-12-31T08:00:15Z")));
        let range = (at("2025-12-31T05:00:00Z"), at("2025-12-31T06:00:00Z"));
        assert_eq!(report.range, Some(range));
    }

    #[tokio::test]
    async fn without_a_rate_the_order_is_kept_by_a_microsecond() {
        let ledger = Ledger::of(&[schedule("hourly", "0 * * * *")]);
        let (report, runs) = made(&ledger, six_hours(BackfillOrder::OldestFirst)).await;
        assert_eq!(report.jobs, 6);
        assert_eq!(hours(&runs)[0], "01:00");
        let after = runs
            .runs
            .windows(2)
            .map(|pair| pair[1].run_after - pair[0].run_after);
        assert!(
            after
                .into_iter()
                .all(|between| between == TimeDelta::microseconds(1))
        );
    }

    #[tokio::test]
    async fn ticks_that_have_a_job_are_left_out_where_only_the_missing_are_wanted() {
        let hourly = schedule("hourly", "0 * * * *");
        let (id, two, three) = (hourly.id, "2025-12-31T02:00:00Z", "2025-12-31T03:00:00Z");
        let again = row(id, "2025-12-31T05:00:00Z", TickOutcome::Backfilled);
        let rows = vec![
            row(id, "2025-12-31T01:00:00Z", TickOutcome::SkippedMisfire),
            range(id, two, three, 2, TickOutcome::Coalesced),
            row(id, "2025-12-31T04:00:00Z", TickOutcome::Fired),
            by_hand(again, 1, "backfilled by bob"),
        ];
        for (order, max_count, expected) in [
            (BackfillOrder::OldestFirst, 10, vec!["01:00", "06:00"]),
            (BackfillOrder::OldestFirst, 1, vec!["01:00"]),
            (BackfillOrder::NewestFirst, 1, vec!["06:00"]),
        ] {
            let request = BackfillRequest {
                only_missing: true,
                max_count,
                ..six_hours(order)
            };
            let (report, runs) = made(&Ledger::with(&hourly, rows.clone()), request).await;
            assert_eq!(hours(&runs), expected);
            assert_eq!(report.had_jobs, 4);
            assert_eq!(report.beyond_max, 2 - expected.len() as u64);
        }
    }

    #[tokio::test]
    async fn nothing_to_make_up_for_is_no_request() {
        let ledger = Ledger::of(&[schedule("nightly", "30 23 * * *")]);
        let id = ledger.schedules[0].id;
        let request = six_hours(BackfillOrder::OldestFirst);
        let report = backfill(&ledger.bridge(), id, request, at(NOW)).await.unwrap();
        assert_eq!((report.request, report.jobs, report.range), (None, 0, None));
        assert!(ledger.asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn each_wrong_value_is_named_with_its_rule() {
        let good = || six_hours(BackfillOrder::OldestFirst);
        let wrong = [
            (
                "from",
                BackfillRequest {
                    from: at("1969-01-01T00:00:00Z"),
                    ..good()
                },
            ),
            (
                "to",
                BackfillRequest {
                    to: good().from,
                    ..good()
                },
            ),
            (
                "to",
                BackfillRequest {
                    to: at("2025-12-31T08:00:01Z"),
                    ..good()
                },
            ),
            (
                "maxCount",
                BackfillRequest {
                    max_count: 0,
                    ..good()
                },
            ),
            (
                "maxCount",
                BackfillRequest {
                    max_count: 10_001,
                    ..good()
                },
            ),
            (
                "perMinute",
                BackfillRequest {
                    per_minute: Some(0),
                    ..good()
                },
            ),
            (
                "perMinute",
                BackfillRequest {
                    per_minute: Some(60_001),
                    ..good()
                },
            ),
            (
                "by",
                BackfillRequest {
                    by: " ".to_owned(),
                    ..good()
                },
            ),
            (
                "note",
                BackfillRequest {
                    note: Some("\0".to_owned()),
                    ..good()
                },
            ),
        ];
        let ledger = Ledger::of(&[schedule("hourly", "0 * * * *")]);
        for (named, request) in wrong {
            let refused = backfill(&ledger.bridge(), ledger.schedules[0].id, request, at(NOW)).await;
            let Err(SchedulerError::InvalidRequest { field, rule, .. }) = refused else {
                panic!("a wrong {named} was accepted");
            };
            assert_eq!(field, named);
            assert!(!rule.is_empty());
        }
    }

    #[tokio::test]
    async fn a_trigger_is_one_run_at_once() {
        let ledger = Ledger::of(&[schedule("hourly", "0 * * * *")]);
        let id = ledger.schedules[0].id;
        let now = at("2025-12-31T08:00:00.123456789Z");
        let job = trigger(&ledger.bridge(), id, None, Some("ada"), now)
            .await
            .unwrap();
        let runs = ledger.asked.lock().unwrap().pop().unwrap();
        let micros = at("2025-12-31T08:00:00.123456Z");
        let expected = ManualRun {
            job_id: job.id,
            instant: micros,
            run_after: micros,
        };
        assert_eq!(
            (runs.outcome, runs.runs),
            (TickOutcome::Triggered, vec![expected])
        );
        assert_eq!(&*runs.reason, "triggered by ada");
    }
}
