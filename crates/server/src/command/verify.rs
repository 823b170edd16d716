use std::fmt::Write;
use std::io::IsTerminal;

use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::{AuditRange, AuditReport, SchedulerConfig, SystemClock, TokioCronSchedulerService};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::moment::typed;
use crate::command::stored::{in_order, read_from};

/// How many schedules lie between two signs of progress.
const PROGRESS_STEP: u64 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ratchet verify\n  \
                        ratchet verify --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --database sqlite://ratchet.db\n\n\
                        The exit code is 0 when every tick is accounted for exactly once, and 1 when not.")]
pub(crate) struct VerifyArgs {
    /// Look at ticks from this instant on: RFC 3339, or from now as in -7d [default: as far as the ledger goes back]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// Look at ticks before this instant only [default: now]
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
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
        print(&told(&report))?;
        match report.faults_total {
            0 => Ok(()),
            1 => Err(CliError::Failed("the ledger has a fault".to_owned())),
            faults => Err(CliError::Failed(format!("the ledger has {faults} faults"))),
        }
    }
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
