use clap::Args;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::text;
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    form: FormArgs,
}

impl SyncArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let done = connected(common, Purpose::Change, async |connection| {
            Ok(connection.send(Call::post("/tasks/sync")).await?.data())
        })?;
        self.form.print(&done, || told(&done))
    }
}

/// What became of the tasks, and what is wrong with some, an issue a line.
fn told(done: &Value) -> String {
    let mut told = format!("{}\n", text(done, "message"));
    for issue in done["issues"].as_array().into_iter().flatten() {
        told.push_str(&format!(
            "  {}/{}: {}\n",
            text(issue, "task"),
            text(issue, "field"),
            text(issue, "message")
        ));
    }
    harmless(&told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_issue_is_told_with_its_task_and_field() {
        let done = json!({"message": "1 tasks are new", "issues": [
            {"task": "hello", "field": "main.js", "message": "it is empty"},
        ]});
        assert_eq!(told(&done), "1 tasks are new\n  hello/main.js: it is empty\n");
    }
}
