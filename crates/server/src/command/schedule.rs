use clap::Subcommand;

use crate::cli::{CliError, CommonArgs};

mod backfill;
mod create;
mod delete;
mod edit;
mod fields;
mod list;
mod next;
mod pause;
mod show;
mod state;
mod ticks;
mod trigger;
mod view;
mod why;

pub(crate) use fields::{destinations, names, whole_seconds};

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules: their state, when they fire, and what their next and last runs are
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  ratchet schedule list\n  ratchet schedule list backup --paused\n  \
                      ratchet schedule list --sort next --limit 5\n  \
                      ratchet schedule list --all -o json | jq -r '.[].name'\n\n\
                      Instants are in the zone of this machine, with their offset. JSON and YAML have them in UTC."
    )]
    List(list::ListArgs),
    /// Show everything that is known of a schedule, and its next runs
    #[command(
        after_help = "Examples:\n  ratchet schedule show nightly\n  ratchet schedule show nightly -o yaml\n\n\
                      A beginning of its name will do, if no other schedule begins like that."
    )]
    Show(show::ShowArgs),
    /// Create a schedule: say what it understood, and fire it from now on
    #[command(
        after_help = "Examples:\n  ratchet schedule create backup --every 'weekday at 9am' --task backup\n  \
                      ratchet schedule create nightly --cron '30 2 * * *' --timezone Europe/Berlin --task import@1.2.0 \
                      --input '{\"full\": true}'\n  \
                      ratchet schedule create report --after nightly --task report\n  \
                      ratchet schedule create poll --every '5 minutes' --task poll --overlap skip --spread 30s --dry-run\n  \
                      ratchet schedule create export --every day --task export \
                      --destination '{\"destinationType\": \"filesystem\", \"filesystem\": {\"path\": \"export.json\", \
                      \"format\": \"JSON\"}}'\n\n\
                      `ratchet cron next` tries expressions out, docs/outputs.md has the destinations."
    )]
    Create(Box<create::CreateArgs>),
    /// Change what is given of a schedule
    #[command(
        after_help = "Examples:\n  ratchet schedule edit nightly\n  ratchet schedule edit nightly --cron '0 3 * * *'\n  \
                      ratchet schedule edit nightly --input @input.json --max-retries 5\n  \
                      ratchet schedule edit nightly --unset timeout --unset description\n\n\
                      Without flags, the editor that VISUAL or EDITOR names has all of it as YAML. What is not given stays. If somebody else has changed it since it was read, nothing is done."
    )]
    Edit(Box<edit::EditArgs>),
    /// Delete a schedule and its ledger; its jobs stay
    #[command(
        visible_alias = "rm",
        after_help = "Examples:\n  ratchet schedule delete nightly\n  ratchet schedule delete nightly --yes"
    )]
    Delete(delete::DeleteArgs),
    /// Hold a schedule for a while: what it misses is known, and can be made up for
    #[command(
        after_help = "Examples:\n  ratchet schedule pause nightly --note 'the disk is full'\n  \
                      ratchet schedule pause nightly --until +2h\n\n\
                      `ratchet schedule resume` ends it."
    )]
    Pause(pause::PauseArgs),
    /// Let a schedule fire again that is paused
    #[command(
        after_help = "Examples:\n  ratchet schedule resume nightly\n  ratchet schedule resume nightly --skip-missed\n\n\
                      What it missed is treated as its misfire policy says, or skipped."
    )]
    Resume(pause::ResumeArgs),
    /// Fire a schedule from now on
    #[command(after_help = "Examples:\n  ratchet schedule enable nightly")]
    Enable(state::StateArgs),
    /// Cease to fire a schedule; what is due already is decided on first
    #[command(after_help = "Examples:\n  ratchet schedule disable nightly")]
    Disable(state::StateArgs),
    /// Create a job of a schedule at once, whether it is enabled or not
    #[command(after_help = "Examples:\n  ratchet schedule trigger nightly\n  \
                      ratchet schedule trigger nightly --input '{\"full\": true}' --wait")]
    Trigger(trigger::TriggerArgs),
    /// Make up for past ticks of a schedule: a job for each
    #[command(after_help = "Examples:\n  ratchet schedule backfill nightly --from -7d\n  \
                      ratchet schedule backfill hourly --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z --per-minute 10\n  \
                      ratchet schedule backfill hourly --from -1d --include-done --yes\n\n\
                      It says what it would do, and asks. Ticks that became a job are left out unless --include-done says \
                      otherwise.")]
    Backfill(backfill::BackfillArgs),
    /// Print the next instants of a schedule, in its zone and in UTC
    #[command(after_help = "Examples:\n  ratchet schedule next nightly\n  \
                      ratchet schedule next nightly -n 3 --from 2026-03-28T00:00:00Z\n\n\
                      Where a change of the clocks has to do with an instant, a note says so.")]
    Next(next::NextArgs),
    /// Print the ledger of a schedule: what became of its ticks, newest first
    #[command(after_help = "Examples:\n  ratchet schedule ticks nightly\n  \
                      ratchet schedule ticks nightly --from -7d --outcome skipped_overlap --outcome skipped_misfire")]
    Ticks(ticks::TicksArgs),
    /// Say what became, or will become, of an instant of a schedule, and why
    #[command(after_help = "Examples:\n  ratchet schedule why nightly\n  \
                      ratchet schedule why nightly 2026-03-29T02:30:00+01:00")]
    Why(why::WhyArgs),
}

impl ScheduleCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self {
            Self::List(arguments) => arguments.run(common),
            Self::Show(arguments) => arguments.run(common),
            Self::Create(arguments) => arguments.run(common),
            Self::Edit(arguments) => arguments.run(common),
            Self::Delete(arguments) => arguments.run(common),
            Self::Pause(arguments) => arguments.run(common),
            Self::Resume(arguments) => arguments.run(common),
            Self::Enable(arguments) => arguments.run(common, true),
            Self::Disable(arguments) => arguments.run(common, false),
            Self::Trigger(arguments) => arguments.run(common),
            Self::Backfill(arguments) => arguments.run(common),
            Self::Next(arguments) => arguments.run(common),
            Self::Ticks(arguments) => arguments.run(common),
            Self::Why(arguments) => arguments.run(common),
        }
    }
}

/// The user of this process, for who asks later who it was.
fn user() -> Option<String> {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
    names
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
}
