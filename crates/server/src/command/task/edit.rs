use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::fields::{FieldArgs, program};
use crate::cli::{CliError, CommonArgs};
use crate::command::connection::{Call, Purpose, connected};
use crate::command::form::FormArgs;
use crate::command::named::{self, id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct EditArgs {
    /// The task's name, NAME@VERSION or id
    #[arg(value_name = "TASK")]
    task: String,
    /// Its new program in JavaScript; - is standard input
    #[arg(value_name = "FILE")]
    file: Option<String>,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// Its new version
    #[arg(id = "version_of_task", long = "version", value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    fields: FieldArgs,
    /// Take a value away; may be given several times
    #[arg(long, value_name = "FIELD", value_enum)]
    unset: Vec<Optional>,
    #[command(flatten)]
    form: FormArgs,
}

/// What a task need not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Optional {
    Description,
    InputSchema,
    OutputSchema,
    Metadata,
}

impl Optional {
    /// Its name on the command line, and in the API.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Description => ("description", "description"),
            Self::InputSchema => ("input-schema", "inputSchema"),
            Self::OutputSchema => ("output-schema", "outputSchema"),
            Self::Metadata => ("metadata", "metadata"),
        }
    }
}

impl EditArgs {
    fn body(&self) -> Result<Value, CliError> {
        let mut body = self.fields.body()?;
        if let Some(name) = &self.rename {
            body["name"] = json!(name);
        }
        if let Some(version) = &self.version {
            body["version"] = json!(version);
        }
        if let Some(file) = &self.file {
            body["sourceCode"] = program(file)?;
        }
        for optional in &self.unset {
            let (flag, field) = optional.names();
            if !body[field].is_null() {
                return Err(CliError::Usage(format!(
                    "--unset is \"{flag}\", and --{flag} gives it a value: one of the two is meant"
                )));
            }
            body[field] = Value::Null;
        }
        if body.as_object().is_none_or(serde_json::Map::is_empty) {
            return Err(CliError::Usage(
                "nothing is to be changed: say what by a FILE or flags (`ratchet task edit --help`)"
                    .to_owned(),
            ));
        }
        Ok(body)
    }

    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let body = self.body()?;
        connected(common, Purpose::Change, async |connection| {
            let task = named::version_of_task(connection, &self.task).await?;
            let place = format!("/tasks/{}", id(&task));
            let etag = connection.get(&place).await?.etag;
            let change = Call::patch(place).sending(body).if_still(etag);
            let changed = connection.send(change).await?.data();
            self.form.print(&changed, || {
                harmless(&format!(
                    "task {} {} is changed\n",
                    text(&changed, "name"),
                    text(&changed, "version")
                ))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    #[command(disable_version_flag = true)]
    struct Typed {
        #[command(flatten)]
        edit: EditArgs,
    }

    fn body(words: &[&str]) -> Result<Value, CliError> {
        let typed = Typed::try_parse_from(["test", "sum"].iter().chain(words)).unwrap();
        typed.edit.body()
    }

    #[test]
    fn only_what_is_given_is_changed_and_what_is_unset_becomes_null() {
        let changed = body(&["--rename", "a", "--version", "2", "--unset", "input-schema"]);
        assert_eq!(
            changed.unwrap(),
            json!({"name": "a", "version": "2", "inputSchema": null})
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.js");
        std::fs::write(&file, "() => 1").unwrap();
        assert_eq!(
            body(&[&file.display().to_string()]).unwrap(),
            json!({"sourceCode": "() => 1"})
        );
    }

    #[test]
    fn nothing_and_a_value_that_is_given_and_taken_away_are_refused() {
        for (words, told) in [
            (&[][..], "nothing is to be changed"),
            (&["--unset", "metadata", "--metadata", "{}"], "\"metadata\""),
            (&["no/such/file.js"], "no/such/file.js"),
        ] {
            let error = body(words).unwrap_err();
            assert!(
                matches!(&error, CliError::Usage(rule) if rule.contains(told)),
                "{error}"
            );
        }
    }
}
