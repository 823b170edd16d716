use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::{Clock, JobId};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::{error_line, status};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, length, local, local_and_relative};
use crate::command::named::{Names, id, job, text};
use crate::command::table::{Canvas, Cell};

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The job's id
    #[arg(value_name = "ID", value_parser = job)]
    job: JobId,
    #[command(flatten)]
    form: FormArgs,
}

/// What is shown with a job.
struct Around {
    task: String,
    schedule: String,
    executions: Vec<Value>,
}

impl ShowArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let (job, around) = connected(common, Purpose::Read, async |connection| {
            let job = connection.get(format!("/jobs/{}", self.job)).await?.data();
            if !self.form.is_table() {
                return Ok((job, None));
            }
            let mut names = Names::default();
            let executions = Call::get("/executions").with("jobId", self.job);
            let around = Around {
                task: names.of(connection, "/tasks", &job, "taskId").await,
                schedule: names.of(connection, "/schedules", &job, "scheduleId").await,
                executions: connection.list(executions, u64::MAX).await?.rows,
            };
            Ok((job, Some(around)))
        })?;
        let now = SystemClock::new().now();
        self.form.print(&job, || {
            around.map_or_else(String::new, |around| {
                shown(Canvas::of_stdout(), &job, &around, now)
            })
        })
    }
}

fn shown(canvas: Canvas, job: &Value, around: &Around, now: DateTime<Utc>) -> String {
    let field = |name: &str| {
        let text = text(job, name);
        (!text.is_empty()).then(|| Cell::from(text))
    };
    let instant = |name: &str| in_field(job, name).map(|at| Cell::from(local_and_relative(at, now)));
    let number = |name: &str| job[name].as_u64().map(|number| Cell::from(number.to_string()));
    let given = |text: &str| (!text.is_empty()).then(|| Cell::from(text));
    let after = job["after"]["jobIds"].as_array().map(|ids| {
        let ids: Vec<&str> = ids.iter().filter_map(Value::as_str).collect();
        let condition = text(&job["after"], "condition").to_lowercase();
        Cell::from(format!("{condition} of\n{}", ids.join("\n")))
    });
    let destinations = job["outputDestinations"].as_array();
    let destinations = destinations.filter(|all| !all.is_empty()).map(|all| {
        let each: Vec<String> = all.iter().map(Value::to_string).collect();
        Cell::from(each.join("\n"))
    });
    let mut told = canvas.fields([
        ("id", Some(id(job).into())),
        ("status", Some(status(job))),
        ("error", field("errorMessage")),
        ("kind of error", field("errorKind")),
        ("task", given(&around.task)),
        ("schedule", given(&around.schedule)),
        ("origin", field("origin")),
        ("priority", field("priority")),
        ("scheduled for", instant("scheduledFor")),
        ("created", instant("queuedAt")),
        ("not before", instant("runAfter")),
        ("started", instant("startedAt")),
        ("ended", instant("completedAt")),
        ("asked to stop", instant("stopRequestedAt")),
        ("after", after),
        ("tries", number("attempts")),
        ("retries", number("maxRetries")),
        (
            "timeout",
            job["timeoutSeconds"].as_i64().map(length).map(Cell::from),
        ),
        ("unique key", field("uniqueKey")),
        ("concurrency key", field("concurrencyKey")),
        ("input", Some(format!("{:#}", job["input"]).into())),
        ("destinations", destinations),
    ]);
    if around.executions.is_empty() {
        return told;
    }
    let attempts = around.executions.iter().rev().map(|execution| {
        let took = execution["durationMs"].as_i64();
        [
            execution["attempt"].to_string().into(),
            status(execution),
            in_field(execution, "startedAt")
                .map_or_else(String::new, local)
                .into(),
            took.map_or_else(|| progress(execution), |took| format!("{took} ms"))
                .into(),
            error_line(execution).into(),
            id(execution).into(),
        ]
    });
    told.push('\n');
    told.push_str(&canvas.table(
        ["TRY", "STATUS", "STARTED", "TOOK", "ERROR", "EXECUTION"],
        attempts,
    ));
    let output = &around.executions[0]["output"];
    if !output.is_null() {
        told.push_str(&format!("\noutput\n{output:#}\n"));
    }
    told
}

/// How far an execution that runs is.
fn progress(execution: &Value) -> String {
    let percent = execution["progress"]["percent"].as_f64();
    percent.map_or_else(String::new, |percent| format!("{percent:.0} %"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_is_shown_with_its_attempts_in_order_and_the_output_of_the_last() {
        let job = json!({"id": "j", "status": "COMPLETED", "input": {"a": 1}, "attempts": 2,
                         "after": {"condition": "ALL_SUCCEEDED", "jobIds": ["x", "y"]}});
        let execution = |attempt: u32, status: &str, output: Value| {
            json!({"id": format!("e{attempt}"), "attempt": attempt, "status": status, "durationMs": 5,
                   "output": output, "errorMessage": null})
        };
        let around = Around {
            task: "hello".to_owned(),
            schedule: String::new(),
            executions: vec![
                execution(2, "COMPLETED", json!(7)),
                execution(1, "FAILED", Value::Null),
            ],
        };
        let told = shown(Canvas::plain(), &job, &around, DateTime::UNIX_EPOCH);
        assert!(told.contains("all_succeeded of\n"), "{told}");
        let (failed, completed) = (told.find("failed").unwrap(), told.rfind("completed").unwrap());
        assert!(failed < completed && told.ends_with("output\n7\n"), "{told}");
        assert!(!told.contains("schedule "), "{told}");
    }
}
