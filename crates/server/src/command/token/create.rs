use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::{Clock, Scope};
use ratchet_scheduler::SystemClock;
use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs, note};
use crate::command::connection::{Call, Purpose, body, connected_beside};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative, typed, typed_length};
use crate::command::named::text;
use crate::command::schedule::names;
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is called, as the audit log does
    #[arg(value_name = "NAME")]
    name: String,
    /// What it allows: read, write (and read), or admin (and tokens and the audit log)
    #[arg(long, value_name = "SCOPE", ignore_case = true, value_parser = names(Scope::ALL, Scope::as_str))]
    scope: String,
    /// When it expires: after so many days or hours, as in 90d or 12h, or at an instant [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    #[command(flatten)]
    form: FormArgs,
}

impl CreateArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let now = SystemClock::new().now();
        let expires = self.expires.map(|text| end(&text, now)).transpose()?;
        let request = body([
            ("name", Some(json!(self.name))),
            ("scope", Some(json!(self.scope))),
            ("expiresAt", expires.map(|instant| json!(instant))),
        ]);
        let made = connected_beside(common, Purpose::Begin, async |connection| {
            Ok(connection
                .send(Call::post("/tokens").sending(request))
                .await?
                .data())
        })?;
        if self.form.is_table() {
            note(&told(&made, now));
        }
        // Alone, so that a shell can take it: TOKEN=$(ratchet token create …)
        self.form.print(&made, || format!("{}\n", text(&made, "token")))
    }
}

/// When a token expires that does so after a length of time, or at an instant.
pub(super) fn end(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, CliError> {
    match typed_length(text) {
        Some(_) => typed("--expires", &format!("+{text}"), now),
        None => typed("--expires", text, now),
    }
    .map_err(|_| {
        CliError::Usage(format!(
            "--expires is \"{text}\": it is a length of time such as 90d or 12h, or an instant such as 2030-01-01T00:00:00Z"
        ))
    })
}

pub(super) fn told(token: &Value, now: DateTime<Utc>) -> String {
    let end = in_field(token, "expiresAt").map_or_else(
        || "does not expire".to_owned(),
        |end| format!("expires {}", local_and_relative(end, now)),
    );
    format!(
        "This is the token \"{}\" ({}, {end}). It is not shown again:",
        harmless(text(token, "name")),
        text(token, "scope").to_lowercase(),
    )
}
