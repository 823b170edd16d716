use std::fmt::Write;

use chrono::SecondsFormat;
use clap::{Args, ValueEnum};
use ratchet_interfaces::{
    AuditCondition, AuditEntry, AuditFilter, Bound, Choice, PageRequest, RepositoryError, RepositoryFactory,
    TextMatch,
};
use serde_json::{Map, Value, json};

use crate::cli::{CliError, CommonArgs, print};
use crate::command::columns::columns;
use crate::command::stored::{instant, read_from};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet audit\n  ratchet audit --actor ci --action schedules_patch --from 2026-11-01T00:00:00Z\n  \
                        ratchet audit --status 403 -o json | jq -r '.[].actor'\n\n\
                        The newest entries come first. An action is the id of an operation in /api-docs/openapi.json; the \
                        actor `local` is who needed no token."
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
    #[arg(long, value_name = "STATUS")]
    status: Option<u16>,
    /// At this instant or later
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// At this instant or earlier
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// How many entries at the most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Table)]
    output: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    Table,
    Json,
    Yaml,
}

impl AuditArgs {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let Self {
            actor,
            action,
            resource,
            resource_id,
            status,
            from,
            to,
            limit,
            output,
        } = self;
        let to = to.map(|text| instant("--to", &text)).transpose()?;
        let from = from.map(|text| instant("--from", &text)).transpose()?;
        let is = |text: String| TextMatch::Choice(Choice::Is(text));
        let conditions = [
            actor.map(|actor| AuditCondition::Actor(is(actor))),
            action.map(|action| AuditCondition::Action(is(action))),
            resource.map(|resource| AuditCondition::Resource(is(resource))),
            resource_id.map(|id| AuditCondition::ResourceId(is(id))),
            status.map(|status| AuditCondition::Status(Bound::Choice(Choice::Is(status.into())))),
            from.map(|from| AuditCondition::At(Bound::AtLeast(from))),
            to.map(|to| AuditCondition::At(Bound::AtMost(to))),
        ];
        let filter = AuditFilter::of(conditions.into_iter().flatten());
        let entries = read_from(common, async |repositories| {
            let entries = newest(&*repositories, &filter, limit).await;
            entries.map_err(|error| CliError::failed(&error))
        })?;
        print(&match output {
            Form::Table => table(&entries),
            Form::Json => format!("{:#}\n", Value::from_iter(entries.iter().map(shown))),
            Form::Yaml => yaml(&entries),
        })
    }
}

async fn newest(
    repositories: &dyn RepositoryFactory,
    filter: &AuditFilter,
    limit: u64,
) -> Result<Vec<AuditEntry>, RepositoryError> {
    let audit = repositories.audit();
    let mut entries = Vec::new();
    loop {
        let read = entries.len() as u64;
        let wanted = (limit - read).min(PageRequest::MAX_LIMIT);
        let page = audit.audit_list(filter, PageRequest::new(read, wanted)?).await?;
        let is_last = (page.items.len() as u64) < wanted;
        entries.extend(page.items);
        if is_last || entries.len() as u64 == limit {
            return Ok(entries);
        }
    }
}

/// An entry as the API shows it.
fn shown(entry: &AuditEntry) -> Value {
    let AuditEntry {
        id,
        at,
        actor,
        token_id,
        peer,
        action,
        resource,
        resource_id,
        fields,
        status,
    } = entry;
    json!({
        "id": id.to_string(),
        "at": at,
        "actor": actor,
        "tokenId": token_id.map(|id| id.to_string()),
        "peer": peer,
        "action": action,
        "resource": resource,
        "resourceId": resource_id,
        "fields": fields,
        "status": status,
    })
}

/// A list of mappings, whose values are written as in JSON, which is YAML as well.
fn yaml(entries: &[AuditEntry]) -> String {
    if entries.is_empty() {
        return "[]\n".to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let shown: Map<String, Value> = shown(entry).as_object().cloned().unwrap_or_default();
        for (place, (name, value)) in shown.iter().enumerate() {
            let mark = if place == 0 { "- " } else { "  " };
            // Writing to a String does not fail.
            let _ = writeln!(text, "{mark}{name}: {value}");
        }
    }
    text
}

fn table(entries: &[AuditEntry]) -> String {
    let rows = entries.iter().map(|entry| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            entry.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            entry.actor.clone(),
            or_dash(&entry.peer),
            entry.action.clone(),
            entry.status.to_string(),
            or_dash(&entry.resource_id),
            entry.fields.join(","),
        ]
    });
    columns(
        ["AT", "ACTOR", "PEER", "ACTION", "STATUS", "RESOURCE", "FIELDS"],
        rows,
    )
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::AuditEntryId;

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            id: AuditEntryId::new(),
            at: DateTime::UNIX_EPOCH,
            actor: "ci".to_owned(),
            token_id: None,
            peer: Some("10.0.0.1".to_owned()),
            action: "jobs_create".to_owned(),
            resource: "jobs".to_owned(),
            resource_id: Some("7".to_owned()),
            fields: ["input", "taskId"].map(str::to_owned).to_vec(),
            status: 201,
        }
    }

    #[test]
    fn entries_are_rows_for_people_and_mappings_in_yaml() {
        let table = table(&[entry()]);
        let row = "1970-01-01T00:00:00.000Z  ci     10.0.0.1  jobs_create  201     7         input,taskId";
        assert_eq!(table.lines().nth(1), Some(row), "{table}");
        let yaml = yaml(&[entry(), entry()]);
        assert_eq!(yaml.matches("\n- ").count() + 1, 2, "{yaml}");
        assert!(yaml.contains("  fields: [\"input\",\"taskId\"]\n"), "{yaml}");
        assert_eq!(super::yaml(&[]), "[]\n");
    }
}
