use clap::Args;

use crate::cli::{CliError, print};
use crate::http::document;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ratchet openapi >openapi.json\n  ratchet openapi | jq -r '.paths | keys[]'\n\n\
                        A server answers the same at /api-docs/openapi.json, and shows it at /docs."
)]
pub(crate) struct OpenApiArgs {}

impl OpenApiArgs {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let document = document().map_err(|error| CliError::failed(&error))?;
        print(&format!("{document:#}\n"))
    }
}

#[cfg(test)]
mod tests;
