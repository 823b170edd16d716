//! Whether the ledger accounts for each tick exactly once.
//!
//! The auditor works out anew what every schedule's ticks were, from what it said when, and walks through the ledger
//! beside them. It reads pages and keeps none, and counts what a range stands for, so that it takes time by the rows of
//! the ledger and not by the ticks.

mod report;
mod walk;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Fact, RepositoryError, SchedulerError, UnifiedSchedule};
use ratchet_repository_bridge::RepositoryBridge;

use crate::audit::walk::Walk;
use crate::retention::instant_of;
use crate::why::written;

pub use report::{AuditReport, Fault, FaultKind};

const SCHEDULES_PER_PAGE: u32 = 100;
/// A schedule that is edited again and again while it is audited is audited again so many times.
const MOST_TRIES: u32 = 3;

/// Which ticks are audited, by their nominal instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditRange {
    /// Those at or after this instant.
    pub from: Option<DateTime<Utc>>,
    /// Those before this instant.
    pub to: Option<DateTime<Utc>>,
}

/// What is the same for all schedules of an audit.
#[derive(Clone, Copy)]
struct Frame {
    range: AuditRange,
    /// The range's start, or where the ledger begins to be complete.
    from: Option<DateTime<Utc>>,
    zone_data_since: Option<DateTime<Utc>>,
    /// A job that ended earlier may have been pruned.
    jobs_from: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Frame {
    async fn read(
        bridge: &RepositoryBridge,
        range: AuditRange,
        now: DateTime<Utc>,
    ) -> Result<Self, RepositoryError> {
        let ledger_from = instant_of(bridge, Fact::LedgerFrom).await?;
        Ok(Self {
            range,
            from: range.from.max(ledger_from),
            zone_data_since: instant_of(bridge, Fact::ZoneDataSince).await?,
            jobs_from: instant_of(bridge, Fact::JobsFrom).await?,
            now,
        })
    }
}

/// Audits the ledgers of all schedules. The database may be in use: what is decided on, edited or pruned meanwhile is no
/// fault. `progress` is told what was found up to then, after each hundred schedules.
///
/// # Errors
/// [`SchedulerError::InvalidRequest`] when the range is empty; otherwise as the repositories. What is wrong with a ledger
/// is no error: it is in the report.
pub async fn audit(
    bridge: &RepositoryBridge,
    range: AuditRange,
    now: DateTime<Utc>,
    mut progress: impl FnMut(&AuditReport) + Send,
) -> Result<AuditReport, SchedulerError> {
    if let (Some(from), Some(to)) = (range.from, range.to)
        && to <= from
    {
        return Err(SchedulerError::InvalidRequest {
            field: "to",
            value: written(to),
            rule: format!("it must be later than from, which is {}", written(from)),
        });
    }
    let failed = |source| SchedulerError::Repository {
        during: "auditing the ledger",
        source,
    };
    let mut report = AuditReport::default();
    let mut after = None;
    loop {
        let page = bridge
            .scan_schedules(after, SCHEDULES_PER_PAGE)
            .await
            .map_err(failed)?;
        for schedule in &page {
            let of_one = audit_one(bridge, schedule, range, now).await.map_err(failed)?;
            report.add(of_one);
        }
        progress(&report);
        let Some(last) = page.last().filter(|_| page.len() == SCHEDULES_PER_PAGE as usize) else {
            return Ok(report);
        };
        after = Some(last.id);
    }
}

async fn audit_one(
    bridge: &RepositoryBridge,
    schedule: &UnifiedSchedule,
    range: AuditRange,
    now: DateTime<Utc>,
) -> Result<AuditReport, RepositoryError> {
    let mut schedule = schedule.clone();
    let mut tries = 1;
    loop {
        let frame = Frame::read(bridge, range, now).await?;
        let walk = Walk::through(bridge, &schedule, frame).await?;
        if walk.is_sound() {
            return Ok(walk.report);
        }
        // What looks wrong may have been changed between one look and the next.
        let Some(read_again) = bridge.find_schedule(schedule.id).await? else {
            return Ok(AuditReport::default());
        };
        let is_same = says_the_same(&schedule, &read_again);
        let ledger_from = instant_of(bridge, Fact::LedgerFrom).await?;
        if tries >= MOST_TRIES || (is_same && range.from.max(ledger_from) == frame.from) {
            return Ok(walk.finish(&read_again));
        }
        (schedule, tries) = (read_again, tries + 1);
    }
}

/// Whether two readings of a schedule have the same ticks. That it went on from tick to tick does not count.
fn says_the_same(one: &UnifiedSchedule, other: &UnifiedSchedule) -> bool {
    let of = |schedule: &UnifiedSchedule| {
        let paused = schedule.pause.as_ref().map(|pause| pause.since);
        (
            schedule.version,
            schedule.effective_from,
            schedule.enabled,
            schedule.state,
            paused,
        )
    };
    of(one) == of(other)
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Pause, SchedulePeriod, ScheduleState, Tick, TickOutcome};

    use super::*;
    use crate::history::ledger::{Ledger, at, by_hand, range, row, schedule};

    const NOW: &str = "2025-12-31T04:00:30Z";

    /// Hourly since the day began, and decided on through four o'clock.
    fn hourly() -> (UnifiedSchedule, Vec<Tick>) {
        let mut hourly = schedule("hourly", "0 * * * *");
        hourly.next_run = Some(at("2025-12-31T05:00:00Z"));
        let rows = (1..=4).map(|hour| {
            let instant = format!("2025-12-31T0{hour}:00:00Z");
            row(hourly.id, &instant, TickOutcome::Fired)
        });
        let rows = rows.collect();
        (hourly, rows)
    }

    async fn audited_at(ledger: &Ledger, range: AuditRange, now: &str) -> AuditReport {
        audit(&ledger.bridge(), range, at(now), |_| ()).await.unwrap()
    }

    async fn audited(ledger: &Ledger) -> AuditReport {
        audited_at(ledger, AuditRange::default(), NOW).await
    }

    #[track_caller]
    fn assert_fault(report: &AuditReport, kind: FaultKind, instant: &str) {
        let faults: Vec<_> = report
            .faults
            .iter()
            .map(|fault| (fault.kind, fault.instant))
            .collect();
        assert_eq!(faults, [(kind, at(instant))], "{:?}", report.faults);
    }

    #[tokio::test]
    async fn a_ledger_with_each_tick_once_is_sound() {
        let (hourly, rows) = hourly();
        let report = audited(&Ledger::with(&hourly, rows)).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!((report.schedules, report.ticks), (1, 4));
        assert_eq!(report.outcomes[&TickOutcome::Fired], 4);
        assert_eq!((report.pending, report.paused), (0, 0));
    }

    #[tokio::test]
    async fn a_tick_without_a_row_is_missing_wherever_it_is() {
        for hour in 1..=4 {
            let (hourly, mut rows) = hourly();
            rows.remove(hour - 1);
            let report = audited(&Ledger::with(&hourly, rows)).await;
            assert_fault(&report, FaultKind::Missing, &format!("2025-12-31T0{hour}:00:00Z"));
            assert_eq!(report.ticks, 4);
        }
    }

    #[tokio::test]
    async fn each_wrong_row_is_found_out() {
        type Change = fn(&mut UnifiedSchedule, &mut Vec<Tick>);
        let cases: [(FaultKind, &str, Change); 7] = [
            (FaultKind::NotATick, "2025-12-31T02:30:00Z", |hourly, rows| {
                rows.push(row(
                    hourly.id,
                    "2025-12-31T02:30:00Z",
                    TickOutcome::SkippedMisfire,
                ));
            }),
            (FaultKind::WrongCount, "2025-12-31T01:00:00Z", |hourly, rows| {
                let (first, last) = ("2025-12-31T01:00:00Z", "2025-12-31T03:00:00Z");
                rows.splice(
                    ..3,
                    [range(hourly.id, first, last, 4, TickOutcome::SkippedMisfire)],
                );
            }),
            (FaultKind::Doubled, "2025-12-31T02:00:00Z", |hourly, rows| {
                let (first, last) = ("2025-12-31T01:00:00Z", "2025-12-31T03:00:00Z");
                let over = range(hourly.id, first, last, 3, TickOutcome::SkippedMisfire);
                rows.splice(..1, [over]);
                rows.remove(2);
            }),
            (FaultKind::Overlapping, "2025-12-31T02:00:00Z", |hourly, rows| {
                let id = hourly.id;
                rows.clear();
                for (first, last) in [("01", "03"), ("02", "04")] {
                    let instant = |hour| format!("2025-12-31T{hour}:00:00Z");
                    let outcome = TickOutcome::SkippedMisfire;
                    rows.push(range(id, &instant(first), &instant(last), 3, outcome));
                }
            }),
            (FaultKind::NextRun, "2025-12-31T04:30:00Z", |hourly, _| {
                hourly.next_run = Some(at("2025-12-31T04:30:00Z"));
            }),
            (FaultKind::NextRun, "2025-12-31T04:00:00Z", |hourly, _| {
                hourly.next_run = Some(at("2025-12-31T04:00:00Z"));
            }),
            (FaultKind::WrongRequest, "2025-12-31T02:00:00Z", |hourly, rows| {
                let again = row(hourly.id, "2025-12-31T02:00:00Z", TickOutcome::Backfilled);
                rows.push(by_hand(again, 7, "backfilled by ada"));
            }),
        ];
        for (kind, instant, change) in cases {
            let (mut hourly, mut rows) = hourly();
            change(&mut hourly, &mut rows);
            assert_fault(&audited(&Ledger::with(&hourly, rows)).await, kind, instant);
        }
    }

    #[tokio::test]
    async fn a_run_without_its_job_is_told_apart() {
        let (hourly, rows) = hourly();
        let mut ledger = Ledger::with(&hourly, rows);
        ledger.lost_jobs.extend(ledger.ticks[1].record.job_id);
        let report = audited(&ledger).await;
        assert_fault(&report, FaultKind::JobGone, "2025-12-31T02:00:00Z");
        ledger.ticks[1].record.job_id = None;
        let report = audited(&ledger).await;
        assert_fault(&report, FaultKind::WrongJob, "2025-12-31T02:00:00Z");
    }

    #[tokio::test]
    async fn a_job_that_may_have_been_pruned_is_no_fault() {
        let (hourly, rows) = hourly();
        let mut ledger = Ledger::with(&hourly, rows);
        let record = ledger.ticks[1].record.clone();
        ledger.lost_jobs.extend(record.job_id);
        let after = record.decided_at + chrono::TimeDelta::milliseconds(1);
        ledger.facts.insert(Fact::JobsFrom, after.to_rfc3339());
        let report = audited(&ledger).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        // It was made at the instant from which on the jobs are complete.
        ledger
            .facts
            .insert(Fact::JobsFrom, record.decided_at.to_rfc3339());
        let report = audited(&ledger).await;
        assert_fault(&report, FaultKind::JobGone, "2025-12-31T02:00:00Z");
    }

    #[tokio::test]
    async fn a_range_of_a_million_seconds_is_counted_and_may_be_cut() {
        let mut secondly = schedule("secondly", "* * * * * *");
        let (first, last) = ("2025-12-31T00:00:01Z", "2026-01-11T13:46:40Z");
        secondly.next_run = Some(at("2026-01-11T13:46:41Z"));
        let rows = vec![range(
            secondly.id,
            first,
            last,
            1_000_000,
            TickOutcome::SkippedMisfire,
        )];
        let ledger = Ledger::with(&secondly, rows);
        let now = "2026-01-11T13:46:40.5Z";
        let report = audited_at(&ledger, AuditRange::default(), now).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!(report.ticks, 1_000_000);
        let hour = AuditRange {
            from: Some(at("2026-01-01T00:00:00Z")),
            to: Some(at("2026-01-01T01:00:00Z")),
        };
        let report = audited_at(&ledger, hour, now).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!(report.ticks, 3_600);
        assert_eq!(report.outcomes[&TickOutcome::SkippedMisfire], 3_600);
    }

    #[tokio::test]
    async fn rows_of_excluded_instants_are_counted_beside_the_ticks() {
        let mut hourly = schedule("hourly", "0 * * * *; except cron * 2,3 * * *");
        hourly.next_run = Some(at("2025-12-31T05:00:00Z"));
        let (two, three) = ("2025-12-31T02:00:00Z", "2025-12-31T03:00:00Z");
        let rows = |count| {
            vec![
                row(hourly.id, "2025-12-31T01:00:00Z", TickOutcome::Fired),
                range(hourly.id, two, three, count, TickOutcome::Excluded),
                row(hourly.id, "2025-12-31T04:00:00Z", TickOutcome::Fired),
            ]
        };
        let report = audited(&Ledger::with(&hourly, rows(2))).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!((report.ticks, report.outcomes[&TickOutcome::Excluded]), (2, 2));
        let report = audited(&Ledger::with(&hourly, rows(1))).await;
        assert_fault(&report, FaultKind::WrongExclusion, two);
    }

    #[tokio::test]
    async fn the_ticks_of_each_time_are_those_of_what_was_said_then() {
        let (mut changed, mut rows) = hourly();
        let period = SchedulePeriod {
            schedule_id: changed.id,
            effective_from: changed.effective_from,
            effective_until: at("2025-12-31T02:15:00Z"),
            specification: "0 * * * *".to_owned(),
            timezone: "UTC".to_owned(),
        };
        // It was disabled in between.
        changed.effective_from = at("2025-12-31T03:15:00Z");
        changed.specification = "30 * * * *".to_owned();
        changed.next_run = Some(at("2025-12-31T04:30:00Z"));
        rows.truncate(2);
        rows.push(row(changed.id, "2025-12-31T03:30:00Z", TickOutcome::Fired));
        let mut ledger = Ledger::with(&changed, rows);
        ledger.periods.push(period);
        let report = audited(&ledger).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!(report.ticks, 3);
        ledger.ticks.remove(1);
        assert_fault(
            &audited(&ledger).await,
            FaultKind::Missing,
            "2025-12-31T02:00:00Z",
        );
        ledger
            .ticks
            .push(row(changed.id, "2025-12-31T02:00:00Z", TickOutcome::Fired));
        ledger
            .ticks
            .push(row(changed.id, "2025-12-31T03:00:00Z", TickOutcome::Fired));
        assert_fault(
            &audited(&ledger).await,
            FaultKind::NotATick,
            "2025-12-31T03:00:00Z",
        );
    }

    #[tokio::test]
    async fn undecided_ticks_are_counted_and_are_no_faults() {
        let (mut hourly, mut rows) = hourly();
        rows.truncate(2);
        hourly.next_run = Some(at("2025-12-31T03:00:00Z"));
        let report = audited(&Ledger::with(&hourly, rows.clone())).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!((report.pending, report.paused), (2, 0));
        assert_eq!(report.pending_since, hourly.next_run);
        hourly.pause = Some(Pause {
            since: at("2025-12-31T02:30:00Z"),
            by: "ada".to_owned(),
            note: None,
            resume_at: None,
        });
        let report = audited(&Ledger::with(&hourly, rows)).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!((report.pending, report.paused), (0, 2));
    }

    #[tokio::test]
    async fn a_schedule_that_had_its_runs_has_no_ticks_after_the_last() {
        let (mut done, mut rows) = hourly();
        rows.truncate(2);
        done.state = ScheduleState::Completed;
        done.state_reason = Some("it has run 2 times, which is its maxRuns".to_owned());
        done.next_run = None;
        done.last_run = Some(at("2025-12-31T02:00:00Z"));
        let report = audited(&Ledger::with(&done, rows.clone())).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        done.state_reason = Some("all 2 instants are past".to_owned());
        let report = audited(&Ledger::with(&done, rows)).await;
        let kinds: Vec<_> = report.faults.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [FaultKind::NextRun, FaultKind::Missing]);
    }

    #[tokio::test]
    async fn what_was_pruned_or_decided_under_other_zone_data_is_no_fault() {
        let (mut hourly, mut rows) = hourly();
        rows.remove(0);
        let mut ledger = Ledger::with(&hourly, rows.clone());
        let second = "2025-12-31T02:00:00Z".to_owned();
        ledger.facts.insert(Fact::LedgerFrom, second.clone());
        assert!(audited(&ledger).await.is_sound());

        hourly.timezone = "Europe/Berlin".to_owned();
        rows.push(row(
            hourly.id,
            "2025-12-31T01:30:00Z",
            TickOutcome::SkippedMisfire,
        ));
        let mut ledger = Ledger::with(&hourly, rows);
        assert_eq!(audited(&ledger).await.faults_total, 2);
        ledger.facts.insert(Fact::ZoneDataSince, second);
        let report = audited(&ledger).await;
        assert!(report.is_sound(), "{:?}", report.faults);
        assert_eq!(report.under_other_zone_data, 2);
    }

    #[tokio::test]
    async fn an_empty_range_is_refused() {
        let range = AuditRange {
            from: Some(at(NOW)),
            to: Some(at(NOW)),
        };
        let refused = audit(&Ledger::default().bridge(), range, at(NOW), |_| ()).await;
        assert!(matches!(
            refused,
            Err(SchedulerError::InvalidRequest { field: "to", .. })
        ));
    }
}
