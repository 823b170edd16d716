use clap::Args;
use ratchet_interfaces::{Clock, WrittenFollowing};
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use super::fields::{ConditionArgs, FieldArgs, WhenArgs, with_task};
use super::show::next_of;
use super::view::{SHOWN, instants, shown};
use crate::cli::{CliError, CommonArgs, note};
use crate::command::connection::{Call, Connection, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::text;
use crate::command::table::{Canvas, harmless};

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Its name, which no other schedule has
    name: String,
    #[command(flatten)]
    when: WhenArgs,
    #[command(flatten)]
    condition: ConditionArgs,
    /// The task that it runs (NAME, NAME@VERSION or id): without a version, the latest
    #[arg(long, value_name = "TASK", help_heading = "What it runs")]
    task: String,
    #[command(flatten)]
    fields: FieldArgs,
    /// Do not fire it before it is enabled
    #[arg(long)]
    disabled: bool,
    /// Say how the expression is understood and when it would fire, see that there is the task, and create nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl CreateArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let Some(expression) = self.when.expression(&self.condition) else {
            return Err(CliError::Usage(
                "when does it fire? Say it with --every, --cron or --after".to_owned(),
            ));
        };
        let mut body = self.fields.body()?;
        body["name"] = json!(self.name);
        body["cronExpression"] = json!(expression);
        if self.disabled {
            body["enabled"] = json!(false);
        }
        connected(common, Purpose::Change, async |connection| {
            let body = with_task(connection, body, Some(&self.task)).await?;
            if self.dry_run {
                return self.try_out(connection, body, &expression).await;
            }
            let created = connection
                .send(Call::post("/schedules").sending(body))
                .await?
                .data();
            let next = next_of(connection, &created).await?;
            if self.form.is_table() {
                note(&format!("created {}", harmless(&self.name)));
            }
            let now = SystemClock::new().now();
            self.form.print(&created, || {
                shown(Canvas::of_stdout(), &created, next.as_ref(), now)
            })
        })
    }

    async fn try_out(
        &self,
        connection: &Connection,
        mut body: Value,
        expression: &str,
    ) -> Result<(), CliError> {
        let preview = if WrittenFollowing::read(expression).is_some() {
            None
        } else {
            let request = json!({
                "cronExpression": expression,
                "timezone": self.fields.timezone.as_deref().unwrap_or("UTC"),
                "count": SHOWN,
            });
            Some(
                connection
                    .send(Call::post("/schedules/preview").sending(request))
                    .await?
                    .data(),
            )
        };
        let now = SystemClock::new().now();
        if self.form.is_table() {
            note("nothing is created");
        }
        if let Some(preview) = &preview {
            body["preview"] = preview.clone();
        }
        self.form.print(&body, || match &preview {
            None => format!("{}\n", harmless(expression)),
            Some(preview) => format!(
                "{}\n{}\n\n{}",
                harmless(text(preview, "cronExpression")),
                harmless(text(preview, "description")),
                instants(Canvas::of_stdout(), preview, now)
            ),
        })
    }
}
