use clap::Args;
use ratchet_interfaces::JobId;
use serde_json::{Value, json};

use super::cancel::tell;
use super::list::{filter, of};
use super::tell_who_runs_it;
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Connection, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::named::job;

#[derive(Debug, Args)]
pub(crate) struct RetryArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required_unless_present = "failed", value_parser = job)]
    jobs: Vec<JobId>,
    /// All that failed, the oldest first, instead of those named by id
    #[arg(long, conflicts_with = "jobs")]
    failed: bool,
    /// With --failed: only those of this schedule (name or id)
    #[arg(long, value_name = "SCHEDULE", requires = "failed")]
    schedule: Option<String>,
    /// With --failed: only those of this task (NAME, NAME@VERSION or id)
    #[arg(long, value_name = "TASK", requires = "failed")]
    task: Option<String>,
    /// With --failed: only those that were created at this instant or later: RFC 3339, or from now as in -1d
    #[arg(long, value_name = "INSTANT", requires = "failed", allow_hyphen_values = true)]
    from: Option<String>,
    /// With --failed: only those that were created before this instant
    #[arg(long, value_name = "INSTANT", requires = "failed", allow_hyphen_values = true)]
    to: Option<String>,
    /// With --failed: how many at the most [default: 1000]
    #[arg(short = 'n', long, value_name = "N", requires = "failed",
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: Option<u32>,
    #[command(flatten)]
    form: FormArgs,
}

impl RetryArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let (from, to) = (
            filter("--from", self.from.as_ref())?,
            filter("--to", self.to.as_ref())?,
        );
        connected(common, Purpose::Change, async |connection| {
            if self.failed {
                return self.retry_failed(connection, from, to).await;
            }
            let mut done = Vec::new();
            let mut outcome = Ok(());
            for job in &self.jobs {
                match connection.send(Call::post(format!("/jobs/{job}/retry"))).await {
                    Ok(answer) => done.push(answer.data()),
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
            if !done.is_empty() {
                tell_who_runs_it(connection);
            }
            tell(self.form, done)?;
            outcome
        })
    }

    async fn retry_failed(
        &self,
        connection: &Connection,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<(), CliError> {
        let (schedule, task) = of(connection, self.schedule.as_ref(), self.task.as_ref()).await?;
        let text = |text: Option<String>| text.map(Value::String);
        let request = body([
            ("scheduleId", text(schedule)),
            ("taskId", text(task)),
            ("queuedFrom", text(from)),
            ("queuedBefore", text(to)),
            ("limit", self.limit.map(|limit| json!(limit))),
        ]);
        let retried = connection
            .send(Call::post("/jobs/retry").sending(request))
            .await?
            .data();
        if retried["retried"] != 0 {
            tell_who_runs_it(connection);
        }
        self.form.print(&retried, || {
            format!("{} jobs were put back into the queue\n", retried["retried"])
        })
    }
}
