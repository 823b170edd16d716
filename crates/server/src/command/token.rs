use clap::Subcommand;

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
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  ratchet token list\n  ratchet token list --all -o json"
    )]
    List(ListArgs),
    /// Revoke a token for good: a running server refuses it from the next request on
    #[command(after_help = "Examples:\n  ratchet token revoke ci\n  ratchet token revoke ci --yes")]
    Revoke(RevokeArgs),
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

#[cfg(test)]
mod tests;
