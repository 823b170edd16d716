use clap::Args;
use serde_json::{Value, json};

use crate::cli::CliError;
use crate::command::apply::standard_input;
use crate::command::connection::body;
use crate::command::json::typed_json;

/// What can be said of a task beside its name and version.
#[derive(Debug, Args)]
pub(super) struct FieldArgs {
    /// What it does
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The JSON Schema of its input: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    input_schema: Option<String>,
    /// The JSON Schema of what it returns: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    output_schema: Option<String>,
    /// Anything to be kept with it: as it is, or @FILE
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
}

impl FieldArgs {
    /// What was given, by the API's names.
    pub(super) fn body(&self) -> Result<Value, CliError> {
        let json = |flag, text: &Option<String>| {
            let text = text.as_deref();
            text.map(|text| typed_json(flag, text)).transpose()
        };
        Ok(body([
            ("description", self.description.as_ref().map(|text| json!(text))),
            ("inputSchema", json("--input-schema", &self.input_schema)?),
            ("outputSchema", json("--output-schema", &self.output_schema)?),
            ("metadata", json("--metadata", &self.metadata)?),
        ]))
    }
}

/// The program in a file, or on standard input.
pub(super) fn program(file: &str) -> Result<Value, CliError> {
    let source = if file == "-" {
        standard_input()?
    } else {
        std::fs::read_to_string(file).map_err(|error| CliError::Usage(format!("{file}: {error}")))?
    };
    Ok(json!(source))
}
