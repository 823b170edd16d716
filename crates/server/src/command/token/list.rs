use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::Clock;
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected_beside};
use crate::command::form::FormArgs;
use crate::command::moment::{in_field, local_and_relative};
use crate::command::named::{id, text};
use crate::command::page::tell_of_none;
use crate::command::table::{Canvas, Cell, Tone};

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Also those that are revoked
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    form: FormArgs,
}

impl ListArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let call = Call::get("/tokens").with_some("revoked", (!self.all).then_some(false));
        let tokens = connected_beside(common, Purpose::Read, async |connection| {
            Ok(connection.list(call, u64::MAX).await?.rows)
        })?;
        tell_of_none(tokens.len() as u64);
        let tokens = Value::Array(tokens);
        self.form.print(&tokens, || {
            table(Canvas::of_stdout(), &tokens, SystemClock::new().now())
        })
    }
}

pub(super) fn table(canvas: Canvas, tokens: &Value, now: DateTime<Utc>) -> String {
    let none = Vec::new();
    let rows = tokens.as_array().unwrap_or(&none).iter().map(|token| {
        let instant = |field| -> Cell {
            in_field(token, field)
                .map_or_else(String::new, |at| local_and_relative(at, now))
                .into()
        };
        let has_expired = in_field(token, "expiresAt").is_some_and(|end| end <= now);
        let state = match (token["revokedAt"].is_null(), has_expired) {
            (false, _) => Cell::toned("revoked", Tone::Faint),
            (true, true) => Cell::toned("expired", Tone::Doubtful),
            (true, false) => Cell::toned("valid", Tone::Good),
        };
        [
            text(token, "name").into(),
            text(token, "scope").to_lowercase().into(),
            state,
            instant("createdAt"),
            instant("expiresAt"),
            instant("lastUsedAt"),
            id(token).into(),
        ]
    });
    canvas.table(
        ["NAME", "SCOPE", "STATE", "CREATED", "EXPIRES", "LAST USED", "ID"],
        rows,
    )
}
