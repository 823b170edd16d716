mod editor;

use clap::{Args, ValueEnum};
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use super::fields::{ConditionArgs, FieldArgs, WhenArgs, with_task};
use super::show::next_of;
use super::view::shown;
use crate::cli::{CliError, CommonArgs, note};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{self, Exactness, id};
use crate::command::table::{Canvas, harmless};

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The schedule's name or id
    schedule: String,
    /// Its new name
    #[arg(long, value_name = "NAME", help_heading = "What is known of it")]
    rename: Option<String>,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    condition: ConditionArgs,
    /// The task that it runs (NAME, NAME@VERSION or id): without a version, the latest
    #[arg(long, value_name = "TASK", help_heading = "What it runs")]
    task: Option<String>,
    #[command(flatten)]
    fields: FieldArgs,
    /// Take a value away; may be given several times
    #[arg(long, value_name = "FIELD", value_enum)]
    unset: Vec<Optional>,
    #[command(flatten)]
    form: FormArgs,
}

/// What a schedule need not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Optional {
    Description,
    Metadata,
    Destinations,
    MaxRetries,
    Timeout,
    Grace,
    MaxRuns,
    PauseAfterFailures,
}

impl Optional {
    /// Where it stands in the API's data.
    const fn pointer(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Description => ("description", None),
            Self::Metadata => ("metadata", None),
            Self::Destinations => ("outputDestinations", None),
            Self::MaxRetries => ("maxRetries", None),
            Self::Timeout => ("timeoutSeconds", None),
            Self::Grace => ("policies", Some("graceSeconds")),
            Self::MaxRuns => ("policies", Some("maxRuns")),
            Self::PauseAfterFailures => ("policies", Some("pauseAfterFailures")),
        }
    }

    /// Takes it away in a body, unless that gives it a value.
    fn take_away(self, body: &mut Value) -> Result<(), CliError> {
        let (field, policy) = self.pointer();
        let place = match policy {
            None => &mut body[field],
            Some(policy) => &mut body[field][policy],
        };
        if place.is_null() {
            return Ok(());
        }
        let name = self.to_possible_value();
        let name = name.as_ref().map_or(field, |name| name.get_name());
        Err(CliError::Usage(format!(
            "--unset is \"{name}\", and another flag gives it a value: one of the two is meant"
        )))
    }
}

impl EditArgs {
    fn body(&self) -> Result<Value, CliError> {
        let mut body = self.fields.body()?;
        if let Some(name) = &self.rename {
            body["name"] = json!(name);
        }
        if let Some(expression) = self.when.expression(&self.condition) {
            body["cronExpression"] = json!(expression);
        }
        for field in &self.unset {
            field.take_away(&mut body)?;
        }
        Ok(body)
    }

    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let body = self.body()?;
        let (before, body) = if is_empty(&body) && self.task.is_none() {
            // Nobody else has to wait for who sits in an editor: the database is given back meanwhile.
            let before = connected(common, Purpose::Read, async |connection| {
                named::schedule(connection, &self.schedule, Exactness::Whole).await
            })?;
            let changes = editor::changes(&before)?;
            if is_empty(&changes) {
                note("nothing was changed");
                return Ok(());
            }
            (Some(before), changes)
        } else {
            (None, body)
        };
        connected(common, Purpose::Change, async |connection| {
            let before = match before {
                Some(before) => before,
                None => named::schedule(connection, &self.schedule, Exactness::Whole).await?,
            };
            let body = with_task(connection, body, self.task.as_ref()).await?;
            let change = Call::patch(format!("/schedules/{}", id(&before)))
                .sending(body)
                .if_still(named::etag(&before));
            let changed = connection.send(change).await?.data();
            let next = next_of(connection, &changed).await?;
            if self.form.is_table() {
                note(&format!("changed {}", harmless(named::text(&changed, "name"))));
            }
            let now = SystemClock::new().now();
            self.form.print(&changed, || {
                shown(Canvas::of_stdout(), &changed, next.as_ref(), now)
            })
        })
    }
}

fn is_empty(body: &Value) -> bool {
    body.as_object().is_none_or(serde_json::Map::is_empty)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        edit: EditArgs,
    }

    fn body(words: &[&str]) -> Result<Value, CliError> {
        let typed = Typed::try_parse_from(["test", "nightly"].iter().chain(words)).unwrap();
        typed.edit.body()
    }

    #[test]
    fn only_what_is_given_is_changed_and_what_is_unset_becomes_null() {
        let changed = body(&[
            "--rename", "a", "--unset", "timeout", "--unset", "grace", "--spread", "2s",
        ]);
        assert_eq!(
            changed.unwrap(),
            json!({"name": "a", "timeoutSeconds": null, "policies": {"graceSeconds": null, "spreadSeconds": 2.0}})
        );
        assert_eq!(body(&["--task", "hello"]).unwrap(), json!({}));
    }

    #[test]
    fn a_value_that_is_given_and_taken_away_is_refused() {
        assert!(is_empty(&body(&[]).unwrap()));
        let error = body(&["--unset", "max-runs", "--max-runs", "3"])
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"max-runs\""), "{error}");
    }
}
