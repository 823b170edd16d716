use clap::Args;
use ratchet_interfaces::JobId;
use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, body, connected};
use crate::command::form::FormArgs;
use crate::command::named::{job, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct CancelArgs {
    /// The jobs' ids
    #[arg(value_name = "ID", required = true, value_parser = job)]
    jobs: Vec<JobId>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Take one that runs away at once, instead of asking it to stop
    #[arg(long)]
    terminate: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl CancelArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let request = body([
            ("reason", self.reason.map(|reason| json!(reason))),
            ("terminate", self.terminate.then_some(Value::Bool(true))),
        ]);
        connected(common, Purpose::Change, async |connection| {
            let mut done = Vec::new();
            let mut outcome = Ok(());
            for job in self.jobs {
                let cancel = Call::post(format!("/jobs/{job}/cancel")).sending(request.clone());
                match connection.send(cancel).await {
                    Ok(answer) => done.push(answer.data()),
                    Err(error) => {
                        outcome = Err(error);
                        break;
                    }
                }
            }
            tell(self.form, done)?;
            outcome
        })
    }
}

/// What was done with each job.
pub(super) fn tell(form: FormArgs, done: Vec<Value>) -> Result<(), CliError> {
    let done = Value::Array(done);
    form.print(&done, || {
        let none = Vec::new();
        let each = done.as_array().unwrap_or(&none).iter();
        each.map(|done| format!("{}\n", harmless(text(done, "message"))))
            .collect()
    })
}
