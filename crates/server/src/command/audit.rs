use chrono::SecondsFormat;
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected_beside};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local, typed};
use crate::command::named::text;
use crate::command::page::PageArgs;
use crate::command::table::{Canvas, Cell, Tone};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet audit\n  ratchet audit --actor ci --action schedules_patch --from -7d\n  \
                        ratchet audit --status 403 --all -o json | jq -r '.[].actor'\n\n\
                        The newest entries come first. An action is the id of an operation in /api-docs/openapi.json; the \
                        actor `local` is who needed no token, and `command line` a command on the database itself."
)]
pub(crate) struct AuditArgs {
    /// Of the token with this name
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Of this action, such as `jobs_create`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// About things of this kind, such as `schedules`
    #[arg(long, value_name = "KIND")]
    resource: Option<String>,
    /// About the thing with this id
    #[arg(long, value_name = "ID")]
    resource_id: Option<String>,
    /// With this HTTP status
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    status: Option<u16>,
    /// At this instant or later: RFC 3339, or from now as in -1d
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    from: Option<String>,
    /// At this instant or earlier
    #[arg(long, value_name = "INSTANT", allow_hyphen_values = true)]
    to: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    form: FormArgs,
}

impl AuditArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let instant = |flag, text: Option<&String>| {
            let instant = text.map(|text| typed(flag, text, now)).transpose()?;
            Ok::<_, CliError>(instant.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)))
        };
        let call = Call::get("/audit")
            .with_some("actor", self.actor.as_ref())
            .with_some("action", self.action.as_ref())
            .with_some("resource", self.resource.as_ref())
            .with_some("resourceId", self.resource_id.as_ref())
            .with_some("status", self.status)
            .with_some("at_gte", instant("--from", self.from.as_ref())?)
            .with_some("at_lte", instant("--to", self.to.as_ref())?);
        let rows = connected_beside(common, Purpose::Read, async |connection| {
            connection.list(call, self.page.most()).await
        })?;
        self.page.tell_of_more(&rows);
        let entries = Value::Array(rows.rows);
        self.form.print(&entries, || table(Canvas::of_stdout(), &entries))
    }
}

fn table(canvas: Canvas, entries: &Value) -> String {
    let none = Vec::new();
    let rows = entries.as_array().unwrap_or(&none).iter().map(|entry| {
        let status = entry["status"].as_u64().unwrap_or_default();
        let tone = if status < 400 { Tone::Plain } else { Tone::Bad };
        let fields = entry["fields"].as_array().unwrap_or(&none);
        let fields: Vec<&str> = fields.iter().filter_map(Value::as_str).collect();
        [
            in_field(entry, "at").map_or_else(String::new, local).into(),
            text(entry, "actor").into(),
            text(entry, "peer").into(),
            text(entry, "action").into(),
            Cell::toned(status.to_string(), tone),
            text(entry, "resourceId").into(),
            fields.join(",").into(),
        ]
    });
    canvas.table(
        ["AT", "ACTOR", "PEER", "ACTION", "STATUS", "RESOURCE", "FIELDS"],
        rows,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_a_row_with_what_was_asked_for_and_what_came_of_it() {
        let entry = json!({
            "at": "1970-01-01T00:00:00Z", "actor": "ci", "peer": null, "action": "jobs_create", "status": 201,
            "resourceId": "7", "fields": ["input", "taskId"],
        });
        let table = table(Canvas::plain(), &json!([entry]));
        let row = table.lines().nth(1).unwrap();
        assert!(
            row.contains("  ci ") && row.contains("jobs_create  201 "),
            "{table}"
        );
        assert!(row.ends_with("7         input,taskId"), "{table}");
    }
}
