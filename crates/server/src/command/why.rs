use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeZone};
use clap::Args;
use ratchet_interfaces::{Clock, RepositoryFactory, ScheduleId, SchedulerService, UnifiedSchedule};
use ratchet_recurrence::Zone;
use ratchet_scheduler::{SchedulerConfig, SystemClock, TokioCronSchedulerService};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::moment::typed;
use crate::command::stored::read_from;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet why system_heartbeat 2026-03-29T02:30:00Z\n  \
                        ratchet why nightly-backup now"
)]
pub(crate) struct WhyArgs {
    /// The schedule's name or id
    schedule: String,
    /// The instant: RFC 3339, now, or from now as in -1h
    #[arg(allow_hyphen_values = true)]
    instant: String,
}

impl WhyArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let clock = SystemClock::new();
        // Ticks are whole seconds: what is counted from now is one too.
        let instant = typed("the instant", &self.instant, clock.now().trunc_subsecs(0))?;
        let words = read_from(common, async |repositories| {
            let schedule = find(&*repositories, &self.schedule).await?;
            let failed = |error| CliError::failed(&error);
            let service =
                TokioCronSchedulerService::new(Arc::clone(&repositories), SchedulerConfig::default())
                    .map_err(failed)?;
            let account = service.why(schedule.id, instant).await.map_err(failed)?;
            Ok(match schedule.timezone.parse::<Zone>() {
                Ok(zone) if zone != Zone::UTC => {
                    let local = instant.with_timezone(&zone.tz());
                    format!(
                        "{} ({} is {} in {})",
                        account.words,
                        written(instant),
                        written(local),
                        schedule.timezone
                    )
                }
                // What cannot be read as a zone is told in the words.
                _ => account.words,
            })
        })?;
        print(&format!("{words}\n"))
    }
}

fn written<Z: TimeZone<Offset: std::fmt::Display>>(instant: DateTime<Z>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

async fn find(repositories: &dyn RepositoryFactory, schedule: &str) -> Result<UnifiedSchedule, CliError> {
    let schedules = repositories.schedules();
    let found = match schedule.parse::<ScheduleId>() {
        Ok(id) => schedules.schedule_find(id).await,
        Err(_) => schedules.schedule_find_by_name(schedule).await,
    };
    found
        .map_err(|error| CliError::failed(&error))?
        .ok_or_else(|| CliError::Failed(format!("no schedule has the name or id \"{schedule}\"")))
}
