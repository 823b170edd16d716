use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Subcommand, ValueEnum};
use ratchet_interfaces::Token;
use serde_json::{Value, json};

use crate::cli::{CliError, CommonArgs};
use create::CreateArgs;
use list::ListArgs;
use revoke::RevokeArgs;

mod create;
mod list;
mod revoke;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and show it this once
    #[command(
        after_help = "Examples:\n  ratchet token create ci --scope write --expires 90d\n  \
                            TOKEN=$(ratchet token create admin --scope admin -o json | jq -r .token)\n  \
                            curl -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:8080/api/v1/schedules\n\n\
                            A running server takes it from the next request on, and from then on takes no request without \
                            a token."
    )]
    Create(CreateArgs),
    /// List the tokens, without their secrets
    #[command(after_help = "Examples:\n  ratchet token list\n  ratchet token list --all -o json")]
    List(ListArgs),
    /// Revoke a token for good: a running server refuses it from the next request on
    #[command(after_help = "Example:\n  ratchet token revoke ci")]
    Revoke(RevokeArgs),
}

/// In which form the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
}

impl TokenCommand {
    pub(crate) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        match self {
            Self::Create(arguments) => arguments.run(common),
            Self::List(arguments) => arguments.run(common),
            Self::Revoke(arguments) => arguments.run(common),
        }
    }
}

fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A token as the API shows it, but for the name of its scope, which is as it is typed here.
fn shown(token: &Token) -> Value {
    let Token {
        id,
        name,
        scope,
        hash: _,
        created_at,
        expires_at,
        last_used_at,
        revoked_at,
    } = token;
    json!({
        "id": id.to_string(),
        "name": name,
        "scope": scope.as_str(),
        "createdAt": created_at,
        "expiresAt": expires_at,
        "lastUsedAt": last_used_at,
        "revokedAt": revoked_at,
    })
}

#[cfg(test)]
mod tests;
