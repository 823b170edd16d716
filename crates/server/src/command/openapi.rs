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
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_document_is_the_one_that_is_kept() {
        let kept = include_str!("../../../../docs/openapi.json");
        let kept: Value = serde_json::from_str(kept).unwrap();
        assert!(
            kept == document().unwrap(),
            "docs/openapi.json is of other routes: cargo run -q -- openapi >docs/openapi.json"
        );
    }
}
