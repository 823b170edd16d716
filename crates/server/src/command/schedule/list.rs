use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use ratchet_interfaces::{Clock, ScheduleState};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::view::state;
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative};
use crate::command::named::{self, text};
use crate::command::page::PageArgs;
use crate::command::schedule::fields::names;
use crate::command::table::{Canvas, Cell};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those whose name contains this
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Only those of this task (NAME, NAME@VERSION or id)
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// Only enabled ones
    #[arg(long, conflicts_with = "disabled")]
    enabled: bool,
    /// Only disabled ones
    #[arg(long)]
    disabled: bool,
    /// Only paused ones
    #[arg(long)]
    paused: bool,
    /// Only those in this state
    #[arg(long, value_name = "STATE", ignore_case = true,
          value_parser = names(ScheduleState::ALL, ScheduleState::as_str))]
    state: Option<String>,
    /// By what they are sorted
    #[arg(long, value_name = "KEY", value_enum, default_value_t = Key::Name)]
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
    Name,
    Next,
    Created,
}

impl ListArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let call = self.call();
        let rows = connected(common, Purpose::Read, async |connection| {
            let task = match &self.task {
                Some(task) => Some(named::task(connection, task).await?),
                None => None,
            };
            connection
                .list(call.with_some("taskId", task), self.page.most())
                .await
        })?;
        self.page.tell_of_more(&rows);
        let now = SystemClock::new().now();
        let data = Value::Array(rows.rows);
        self.form.print(&data, || table(Canvas::of_stdout(), &data, now))
    }

    fn call(&self) -> Call {
        let key = match self.sort {
            Key::Name => "name",
            Key::Next => "nextRun",
            Key::Created => "createdAt",
        };
        let enabled = match (self.enabled, self.disabled) {
            (false, false) => None,
            (enabled, _) => Some(enabled),
        };
        Call::get("/schedules")
            .with("_sort", key)
            .with("_order", if self.reverse { "DESC" } else { "ASC" })
            .with_some("name_like", self.text.as_ref())
            .with_some("enabled", enabled)
            .with_some("paused", self.paused.then_some(true))
            .with_some("state", self.state.as_ref())
    }
}

fn table(canvas: Canvas, schedules: &Value, now: DateTime<Utc>) -> String {
    let none = Vec::new();
    let schedules = schedules.as_array().unwrap_or(&none);
    let rows = schedules.iter().map(|schedule| {
        let instant = |field: &str| -> Cell {
            in_field(schedule, field)
                .map_or_else(String::new, |at| local_and_relative(at, now))
                .into()
        };
        [
            text(schedule, "name").into(),
            state(schedule),
            text(schedule, "cronExpression").into(),
            text(schedule, "timezone").into(),
            instant("nextRun"),
            instant("lastRun"),
            schedule["runCount"].to_string().into(),
        ]
    });
    canvas.table(
        ["NAME", "STATE", "FIRES", "ZONE", "NEXT RUN", "LAST RUN", "RUNS"],
        rows,
    )
}
