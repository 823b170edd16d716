use std::time::Duration;

use clap::Args;
use ratchet_interfaces::{Clock, DependencyCondition, JobId, JobPriority};
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use super::{WaitArgs, tell_who_runs_it};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::json::typed_json;
use crate::command::moment::{in_field, length_flag, local_and_relative, typed};
use crate::command::named::{self, id, job, text};
use crate::command::schedule::{destinations, names, whole_seconds};

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The task that it runs (NAME, NAME@VERSION or id): without a version, the latest
    #[arg(long, value_name = "TASK")]
    task: String,
    /// Its input: JSON, or @FILE, or @- for standard input
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    input: String,
    /// Its priority
    #[arg(long, value_name = "PRIORITY", ignore_case = true,
          value_parser = names(JobPriority::ALL, JobPriority::as_str))]
    priority: Option<String>,
    /// It does not run before this instant: RFC 3339, or from now as in +2h
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    at: Option<String>,
    /// How often it is tried again if it fails [default: what its task says]
    #[arg(long, value_name = "N")]
    max_retries: Option<u32>,
    /// How long it may run, as in 90s or 15m [default: what its task or the server says]
    #[arg(long, value_name = "LENGTH", value_parser = length_flag)]
    job_timeout: Option<Duration>,
    /// While a job with this key is unfinished, no other is created with it
    #[arg(long, value_name = "KEY")]
    unique_key: Option<String>,
    /// Of the jobs with this key, only so many run at once as their task says
    #[arg(long, value_name = "KEY")]
    concurrency_key: Option<String>,
    /// It waits for this job to end; may be given several times
    #[arg(long, value_name = "ID", value_parser = job)]
    after: Vec<JobId>,
    /// What the jobs before must have come to
    #[arg(long, value_name = "CONDITION", ignore_case = true, requires = "after",
          value_parser = names(DependencyCondition::ALL, DependencyCondition::as_str))]
    condition: Option<String>,
    /// Where its result goes: JSON as in docs/outputs.md, or @FILE; may be given several times
    #[arg(long, value_name = "JSON|@FILE")]
    destination: Vec<String>,
    /// Wait until it has ended, as `ratchet job wait` does
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    waiting: WaitArgs,
    #[command(flatten)]
    form: FormArgs,
}

impl CreateArgs {
    fn body(&self) -> Result<Value, CliError> {
        let now = SystemClock::new().now();
        let at = self
            .at
            .as_ref()
            .map(|text| typed("--at", text, now))
            .transpose()?;
        let text = |text: &Option<String>| text.as_ref().map(|text| json!(text));
        let timeout = self
            .job_timeout
            .map(|timeout| whole_seconds("--job-timeout", timeout));
        let after = (!self.after.is_empty()).then(|| {
            let ids: Vec<String> = self.after.iter().map(ToString::to_string).collect();
            body([("jobIds", Some(json!(ids))), ("condition", text(&self.condition))])
        });
        Ok(body([
            ("input", Some(typed_json("--input", &self.input)?)),
            ("priority", text(&self.priority)),
            ("runAfter", at.map(|at| json!(at))),
            ("maxRetries", self.max_retries.map(|retries| json!(retries))),
            ("timeoutSeconds", timeout.transpose()?),
            ("uniqueKey", text(&self.unique_key)),
            ("concurrencyKey", text(&self.concurrency_key)),
            ("after", after),
            ("outputDestinations", destinations(&self.destination)?),
        ]))
    }

    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let mut body = self.body()?;
        connected(common, Purpose::Change, async |connection| {
            body["taskId"] = json!(named::task(connection, &self.task).await?);
            let created = connection.send(Call::post("/jobs").sending(body)).await?.data();
            if self.wait {
                return self
                    .waiting
                    .wait(connection, &[id(&created).to_owned()], self.form)
                    .await;
            }
            tell_who_runs_it(connection);
            self.form.print(&created, || {
                let now = SystemClock::new().now();
                let later = in_field(&created, "runAfter").filter(|at| *at > now);
                let later = later.map_or_else(String::new, |at| {
                    format!(", not before {}", local_and_relative(at, now))
                });
                format!(
                    "job {} is {}{later}\n",
                    id(&created),
                    text(&created, "status").to_lowercase()
                )
            })
        })
    }
}
