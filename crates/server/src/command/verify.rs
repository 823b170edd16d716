use std::fmt::Write;
use std::io::IsTerminal;

use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::{
    AuditRange, AuditReport, Fault, SchedulerConfig, SystemClock, TokioCronSchedulerService,
};

use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs};
use crate::command::form::FormArgs;
use crate::command::moment::typed;
use crate::command::stored::{in_order, read_from};

/// How many schedules lie between two signs of progress.
const PROGRESS_STEP: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ratchet verify\n  \
                        ratchet verify --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --database sqlite://ratchet.db\n  \
                        ratchet verify -o json | jq -r '.faults[].words'\n\n\
                        The exit code is 0 when every tick is accounted for exactly once, and 1 when not.")]
pub(crate) struct VerifyArgs {
    /// Look at ticks from this instant on: RFC 3339, or from now as in -7d [default: as far as the ledger goes back]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// Look at ticks before this instant only [default: now]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
    #[command(flatten)]
    form: FormArgs,
}

impl VerifyArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let read = |flag, text: Option<&String>| text.map(|text| typed(flag, text, now)).transpose();
        let range = AuditRange {
            from: read("--from", self.from.as_ref())?,
            to: read("--to", self.to.as_ref())?,
        };
        if let (Some(from), Some(to)) = (range.from, range.to) {
            in_order(from, to)?;
        }
        let report = read_from(common, async |repositories| {
            let failed = |error| CliError::failed(&error);
            let service =
                TokioCronSchedulerService::new(repositories, SchedulerConfig::default()).map_err(failed)?;
            let shows_progress = std::io::stderr().is_terminal();
            let mut told = 0;
            let progress = |report: &AuditReport| {
                if shows_progress && report.schedules >= told + PROGRESS_STEP {
                    told = report.schedules;
                    eprintln!("{told} schedules verified");
                }
            };
            service.audit(range, progress).await.map_err(failed)
        })?;
        self.form.print(&data(&report), || told(&report))?;
        match report.faults_total {
            0 => Ok(()),
            1 => Err(CliError::Failed("the ledger has a fault".to_owned())),
            faults => Err(CliError::Failed(format!("the ledger has {faults} faults"))),
        }
    }
}

/// The report for programs, in the words of the API.
fn data(report: &AuditReport) -> Value {
    let AuditReport {
        schedules,
        ticks,
        outcomes,
        pending,
        pending_since,
        paused,
        unreadable,
        under_other_zone_data,
        faults,
        faults_total,
    } = report;
    let outcomes = outcomes
        .iter()
        .map(|(outcome, count)| (outcome.as_str().to_uppercase(), json!(count)));
    let faults = faults.iter().map(|fault| {
        let Fault {
            schedule_id,
            name,
            instant,
            kind,
            words,
        } = fault;
        json!({
            "scheduleId": schedule_id,
            "name": name,
            "instant": instant,
            "kind": kind.as_str().to_uppercase(),
            "words": words,
        })
    });
    json!({
        "isSound": report.is_sound(),
        "schedules": schedules,
        "ticks": ticks,
        "outcomes": Value::Object(outcomes.collect()),
        "pending": pending,
        "pendingSince": pending_since,
        "paused": paused,
        "unreadable": unreadable,
        "underOtherZoneData": under_other_zone_data,
        "faults": Value::Array(faults.collect()),
        "faultsTotal": faults_total,
    })
}

/// The report for a reader.
fn told(report: &AuditReport) -> String {
    let mut text = String::new();
    for fault in &report.faults {
        let name = &fault.name;
        let instant = fault.instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        let _ = writeln!(text, "{name}, {instant}: {}", fault.words);
    }
    let untold = report.faults_total - report.faults.len() as u64;
    if untold > 0 {
        let _ = writeln!(text, "and {untold} more");
    }
    let accounted = if report.is_sound() {
        "every one accounted for"
    } else {
        "not every one accounted for"
    };
    let _ = writeln!(
        text,
        "schedules: {}, ticks: {}, {accounted}",
        report.schedules, report.ticks
    );
    for (outcome, count) in &report.outcomes {
        let _ = writeln!(text, "  {outcome} {count}");
    }
    for (count, words) in [
        (report.pending, "due and not decided on yet"),
        (report.paused, "waiting for a paused schedule to be resumed"),
        (
            report.unreadable,
            "schedules cannot be read, so that their ticks are unknown",
        ),
        (
            report.under_other_zone_data,
            "would be faults, but time-zone data have changed since",
        ),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{count} {words}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{ScheduleId, TickOutcome};
    use ratchet_scheduler::FaultKind;

    use super::*;

    #[test]
    fn programs_get_all_of_a_report() {
        let schedule_id = ScheduleId::new();
        let fault = Fault {
            schedule_id,
            name: "nightly".to_owned(),
            instant: "2026-03-01T02:30:00Z".parse().unwrap(),
            kind: FaultKind::NotATick,
            words: "it is no tick".to_owned(),
        };
        let report = AuditReport {
            schedules: 1,
            ticks: 7,
            outcomes: [(TickOutcome::SkippedOverlap, 2)].into(),
            pending: 1,
            faults: vec![fault],
            faults_total: 1,
            ..AuditReport::default()
        };
        assert_eq!(
            data(&report),
            json!({
                "isSound": false, "schedules": 1, "ticks": 7, "outcomes": {"SKIPPED_OVERLAP": 2}, "pending": 1,
                "pendingSince": null, "paused": 0, "unreadable": 0, "underOtherZoneData": 0, "faultsTotal": 1,
                "faults": [{
                    "scheduleId": schedule_id, "name": "nightly", "instant": "2026-03-01T02:30:00Z",
                    "kind": "NOT_A_TICK", "words": "it is no tick",
                }],
            })
        );
    }
}
