use clap::Args;

use crate::cli::{CliError, CommonArgs};
use crate::command::confirmation::Confirmation;
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{self, Exactness, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The schedule's name or id
    schedule: String,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    form: FormArgs,
}

impl DeleteArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        connected(common, Purpose::Change, async |connection| {
            let schedule = named::schedule(connection, &self.schedule, Exactness::Whole).await?;
            let (name, fires) = (text(&schedule, "name"), text(&schedule, "cronExpression"));
            self.confirmation
                .ask(&format!("Delete the schedule {name} ({fires}) and its ledger?"))?;
            let deletion =
                Call::delete(format!("/schedules/{}", id(&schedule))).if_still(named::etag(&schedule));
            let deleted = connection.send(deletion).await?.body;
            self.form
                .print(&deleted, || format!("{}\n", harmless(text(&deleted, "message"))))
        })
    }
}
