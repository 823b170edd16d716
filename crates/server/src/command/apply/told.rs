//! A plan, for a reader.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::CliError;
use crate::command::paint::Paint;

/// The changes of a plan, each with what is different, and how many there are.
pub(super) fn changes(plan: &Value, paint: Paint) -> String {
    let mut text = String::new();
    for change in plan["changes"].as_array().into_iter().flatten() {
        let name = change["name"].as_str().unwrap_or_default();
        let action = change["action"].as_str().unwrap_or_default();
        let head = match action {
            "CREATE" => paint.good(&format!("+ {name}")),
            "DELETE" => paint.bad(&format!("- {name}")),
            _ => paint.doubtful(&format!("~ {name}")),
        };
        let _ = writeln!(text, "{head}");
        for difference in change["differences"].as_array().into_iter().flatten() {
            let field = difference["field"].as_str().unwrap_or_default();
            let (before, after) = (&difference["before"], &difference["after"]);
            let _ = match action {
                "CREATE" => writeln!(text, "    {field}: {after}"),
                "DELETE" => writeln!(text, "    {field}: {before}"),
                _ if difference["secret"] == true => writeln!(text, "    {field}: another secret"),
                _ => writeln!(
                    text,
                    "    {field}: {} → {}",
                    paint.bad(&before.to_string()),
                    paint.good(&after.to_string())
                ),
            };
        }
    }
    text
}

/// How many schedules are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) create: u64,
    pub(super) update: u64,
    pub(super) delete: u64,
    pub(super) unchanged: u64,
}

impl Counts {
    pub(super) fn of(plan: &Value) -> Result<Self, CliError> {
        let count = |name: &str| {
            plan[name].as_u64().ok_or_else(|| {
                CliError::Failed(format!("the answer has no \"{name}\": is it another version's?"))
            })
        };
        Ok(Self {
            create: count("create")?,
            update: count("update")?,
            delete: count("delete")?,
            unchanged: count("unchanged")?,
        })
    }

    pub(super) const fn changes(self) -> u64 {
        self.create + self.update + self.delete
    }

    /// What is to be done.
    pub(super) fn to_do(self) -> String {
        let Self {
            create,
            update,
            delete,
            unchanged,
        } = self;
        format!("{create} to create, {update} to change, {delete} to delete, {unchanged} unchanged\n")
    }

    /// What was done.
    pub(super) fn done(self) -> String {
        let Self {
            create,
            update,
            delete,
            unchanged,
        } = self;
        format!("{create} created, {update} changed, {delete} deleted, {unchanged} unchanged\n")
    }
}
