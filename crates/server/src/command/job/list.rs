use clap::{Args, ValueEnum};
use ratchet_interfaces::{Clock, JobOrigin, JobPriority, JobStatus};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::{error_line, status};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Connection, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative, typed};
use crate::command::named::{self, Exactness, Names, id};
use crate::command::page::PageArgs;
use crate::command::schedule::names;
use crate::command::table::{Canvas, Cell};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those in this state; may be given several times
    #[arg(long, value_name = "STATUS", ignore_case = true,
          value_parser = names(JobStatus::ALL, JobStatus::as_str))]
    status: Vec<String>,
    /// Only those of this schedule (name or id)
    #[arg(long, value_name = "SCHEDULE")]
    schedule: Option<String>,
    /// Only those of this task (NAME, NAME@VERSION or id)
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Only those from this origin
    #[arg(long, value_name = "ORIGIN", ignore_case = true,
          value_parser = names(JobOrigin::ALL, JobOrigin::as_str))]
    origin: Option<String>,
    /// Only those of this priority
    #[arg(long, value_name = "PRIORITY", ignore_case = true,
          value_parser = names(JobPriority::ALL, JobPriority::as_str))]
    priority: Option<String>,
    /// Only those that were created at this instant or later: RFC 3339, or from now as in -1d
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// Only those that were created at this instant or earlier
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
    /// By what they are sorted, the latest or most important first
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Key::Created)]
    sort: Key,
    /// In the other direction
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Key {
    Created,
    ScheduledFor,
    Priority,
}

/// An instant that was typed, as a filter takes it.
pub(super) fn filter(flag: &str, text: Option<&String>) -> Result<Option<String>, CliError> {
    let now = SystemClock::new().now();
    let instant = text.map(|text| typed(flag, text, now)).transpose()?;
    Ok(instant.map(|instant| instant.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)))
}

/// The ids of the schedule and the task that were named, if they were.
pub(super) async fn of(
    connection: &Connection,
    schedule: Option<&String>,
    task: Option<&String>,
) -> Result<(Option<String>, Option<String>), CliError> {
    let schedule = match schedule {
        Some(text) => {
            let found = named::schedule(connection, text, Exactness::Whole).await?;
            Some(id(&found).to_owned())
        }
        None => None,
    };
    let task = match task {
        Some(text) => Some(named::task(connection, text).await?),
        None => None,
    };
    Ok((schedule, task))
}

impl ListArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let (from, to) = (
            filter("--from", self.from.as_ref())?,
            filter("--to", self.to.as_ref())?,
        );
        let key = match self.sort {
            Key::Created => "queuedAt",
            Key::ScheduledFor => "scheduledFor",
            Key::Priority => "priority",
        };
        let call = Call::get("/jobs")
            .with("_sort", key)
            .with("_order", if self.reverse { "ASC" } else { "DESC" })
            .with_some(
                "status_in",
                (!self.status.is_empty()).then(|| self.status.join(",")),
            )
            .with_some("origin", self.origin.as_ref())
            .with_some("priority", self.priority.as_ref())
            .with_some("queuedAt_gte", from)
            .with_some("queuedAt_lte", to);
        let (rows, table) = connected(common, Purpose::Read, async |connection| {
            let (schedule, task) = of(connection, self.schedule.as_ref(), self.task.as_ref()).await?;
            let call = call.with_some("scheduleId", schedule).with_some("taskId", task);
            let rows = connection.list(call, self.page.most()).await?;
            let table = if self.form.is_table() {
                table(connection, Canvas::of_stdout(), &rows.rows).await
            } else {
                String::new()
            };
            Ok((rows, table))
        })?;
        self.page.tell_of_more(&rows);
        self.form.print(&Value::Array(rows.rows), || table)
    }
}

async fn table(connection: &Connection, canvas: Canvas, jobs: &[Value]) -> String {
    let now = SystemClock::new().now();
    let (mut tasks, mut schedules) = (Names::default(), Names::default());
    let mut rows: Vec<[Cell; 8]> = Vec::new();
    for job in jobs {
        let instant = |field: &str| in_field(job, field);
        let stands_for = instant("scheduledFor").or_else(|| instant("queuedAt"));
        let took = match (instant("startedAt"), instant("completedAt")) {
            (Some(from), Some(to)) => format!("{:.3} s", (to - from).as_seconds_f64()),
            _ => String::new(),
        };
        rows.push([
            id(job).into(),
            status(job),
            tasks.of(connection, "/tasks", job, "taskId").await.into(),
            schedules
                .of(connection, "/schedules", job, "scheduleId")
                .await
                .into(),
            stands_for
                .map_or_else(String::new, |at| local_and_relative(at, now))
                .into(),
            took.into(),
            job["attempts"].to_string().into(),
            error_line(job).into(),
        ]);
    }
    canvas.table(
        [
            "ID", "STATUS", "TASK", "SCHEDULE", "FOR", "TOOK", "TRIES", "ERROR",
        ],
        rows,
    )
}
