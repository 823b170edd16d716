use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::cli::{CliError, print};

/// In which form a command answers.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormArgs {
    /// In which form: a table for people, or the API's data as JSON or YAML
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Table)]
    output: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people: columns that fit the terminal
    Table,
    /// For programs
    Json,
    /// For programs and people
    Yaml,
}

/// The same for a command that had a flag for JSON before.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormOrJsonArgs {
    #[command(flatten)]
    form: FormArgs,
    /// The same as -o json, on one line
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

impl FormOrJsonArgs {
    /// Prints an answer: as it is, or as `table` makes it.
    pub(crate) fn print(self, data: &Value, table: impl FnOnce() -> String) -> Result<(), CliError> {
        if self.json {
            return print(&format!("{data}\n"));
        }
        self.form.print(data, table)
    }
}

impl FormArgs {
    /// Prints what the API answered: as it is, or as `table` makes it.
    pub(crate) fn print(self, data: &Value, table: impl FnOnce() -> String) -> Result<(), CliError> {
        print(&self.text(data, table)?)
    }

    fn text(self, data: &Value, table: impl FnOnce() -> String) -> Result<String, CliError> {
        Ok(match self.output {
            Form::Table => table(),
            Form::Json => format!("{data:#}\n"),
            Form::Yaml => serde_saphyr::to_string(data).map_err(|error| CliError::failed(&error))?,
        })
    }

    /// The form.
    pub(crate) const fn form(self) -> Form {
        self.output
    }

    /// Whether people read it.
    pub(crate) fn is_table(self) -> bool {
        self.output == Form::Table
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn programs_get_the_data_as_it_is() {
        let data = json!([{"name": "a: b", "nextRun": null}]);
        let text = |output| {
            let form = FormArgs { output };
            form.text(&data, || "NAME".to_owned()).unwrap()
        };
        assert_eq!(text(Form::Table), "NAME");
        assert_eq!(serde_json::from_str::<Value>(&text(Form::Json)).unwrap(), data);
        assert_eq!(serde_saphyr::from_str::<Value>(&text(Form::Yaml)).unwrap(), data);
    }
}
