//! Crontabs, made into schedules that do what cron did: each entry runs `/bin/sh` with its command, by one task of the runtime
//! `process`.
//!
//! What cannot be carried over is told line by line, and nothing is carried over that would do something else unseen.

mod command;
mod line;
mod naming;

use std::collections::HashSet;

use ratchet_recurrence::{Recurrence, Zone};
use serde_json::{Value, json};

use self::command::{Surroundings, split_stdin};
use self::line::{Entry, Line};
use self::naming::unique_name;

/// The files of the task that runs what is imported, by their names in its folder.
pub const TASK: &[(&str, &str)] = &[
    ("metadata.json", include_str!("crontab/task/metadata.json")),
    ("process.json", include_str!("crontab/task/process.json")),
    (
        "input.schema.json",
        include_str!("crontab/task/input.schema.json"),
    ),
];

/// What the crontab itself does not say.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Whether each entry has the name of a user before its command, as in `/etc/crontab`.
    pub user_field: bool,
    /// The zone of entries that no `CRON_TZ` is above.
    pub timezone: &'a str,
    /// The task that runs the commands.
    pub task: &'a str,
}

/// What became of a crontab.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The schedules, in the form that [`write`](crate::write) takes.
    pub schedules: Vec<Value>,
    /// What is not, or not quite, carried over.
    pub remarks: Vec<Remark>,
}

/// Something that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What is not carried over, and why.
    pub text: String,
    /// Whether that is an entry as a whole.
    pub lost: bool,
}

/// Makes schedules of a crontab.
///
/// ```
/// use ratchet_manifest::crontab::{Options, import};
/// let options = Options { user_field: false, timezone: "UTC", task: "crontab" };
/// let imported = import("# Every night\n30 2 * * * /usr/bin/backup --all\n@reboot start\n", &options);
/// assert_eq!(imported.schedules[0]["name"], "backup");
/// assert_eq!(imported.schedules[0]["description"], "Every night");
/// assert_eq!(imported.remarks[0].line, 3);
/// ```
#[must_use]
pub fn import(text: &str, options: &Options<'_>) -> Imported {
    let mut importing = Importing {
        options,
        zone: options.timezone.to_owned(),
        wrong_zone: None,
        surroundings: Surroundings::default(),
        comments: Vec::new(),
        names: HashSet::new(),
        imported: Imported {
            schedules: Vec::new(),
            remarks: Vec::new(),
        },
    };
    for (place, text) in text.lines().enumerate() {
        importing.take(place + 1, text);
    }
    importing.imported
}

struct Importing<'a> {
    options: &'a Options<'a>,
    zone: String,
    /// The line of a `CRON_TZ` that cannot be understood.
    wrong_zone: Option<usize>,
    surroundings: Surroundings,
    /// Those right above.
    comments: Vec<String>,
    names: HashSet<String>,
    imported: Imported,
}

impl Importing<'_> {
    fn remark(&mut self, line: usize, text: impl Into<String>) {
        self.imported.remarks.push(Remark {
            line,
            text: text.into(),
            lost: false,
        });
    }

    fn lose(&mut self, line: usize, text: impl Into<String>) {
        self.imported.remarks.push(Remark {
            line,
            text: text.into(),
            lost: true,
        });
    }

    fn take(&mut self, number: usize, text: &str) {
        match Line::read(text, self.options.user_field) {
            Line::Blank => self.comments.clear(),
            Line::Comment(text) => self.comments.push(text.to_owned()),
            Line::Variable { name, value } => {
                self.comments.clear();
                self.variable(number, name, value);
            }
            Line::Entry(entry) => {
                let comments = std::mem::take(&mut self.comments);
                self.entry(number, &entry, &comments);
            }
            Line::Neither(why) => {
                self.comments.clear();
                self.lose(number, why);
            }
        }
    }

    fn variable(&mut self, number: usize, name: &str, value: &str) {
        match name {
            "CRON_TZ" => match value.parse::<Zone>() {
                Ok(_) => (self.zone, self.wrong_zone) = (value.to_owned(), None),
                Err(error) => {
                    self.wrong_zone = Some(number);
                    self.remark(number, format!("CRON_TZ is \"{value}\": {error}"));
                }
            },
            "SHELL" => self.surroundings.shell = Some(value.to_owned()),
            "MAILTO" | "MAILFROM" | "CONTENT_TYPE" | "CONTENT_TRANSFER_ENCODING" => {
                if !value.is_empty() {
                    let text = format!(
                        "{name} is not carried over: output goes into the execution's log; \
                         results can be sent to a webhook (outputs)"
                    );
                    self.remark(number, text);
                }
            }
            "RANDOM_DELAY" => {
                let text =
                    "RANDOM_DELAY is not carried over: policies.spreadSeconds spreads ticks by a fixed time";
                self.remark(number, text);
            }
            "START_HOURS_RANGE" => {
                self.remark(number, "START_HOURS_RANGE is anacron's, and not carried over");
            }
            _ => self.surroundings.set(name, value),
        }
    }

    fn entry(&mut self, number: usize, entry: &Entry<'_>, comments: &[String]) {
        if let Some(line) = self.wrong_zone {
            let text = format!(
                "not imported: the CRON_TZ of line {line} is not understood, and without it the instants would be others"
            );
            return self.lose(number, text);
        }
        if entry.expression.contains('~') {
            let text = format!(
                "not imported: \"{}\" has a random range; write a number, and let policies.spreadSeconds spread the ticks",
                entry.expression
            );
            return self.lose(number, text);
        }
        let zone = match self.zone.parse::<Zone>() {
            Ok(zone) => zone,
            Err(error) => return self.lose(number, format!("not imported: {error}")),
        };
        if let Err(error) = Recurrence::cron(entry.expression, zone) {
            return self.lose(number, format!("not imported: {error}"));
        }
        if let Some(user) = entry.user {
            let text = format!(
                "the user \"{user}\" is not carried over: the command runs as the user of the server"
            );
            self.remark(number, text);
        }
        let (command, stdin) = split_stdin(entry.command);
        let name = unique_name(&command, number, &mut self.names);
        let mut schedule = json!({
            "name": name,
            "task": self.options.task,
            "cronExpression": entry.expression,
            // As cron does: no tick is made up for, and jobs do not wait for each other.
            "policies": {"misfire": "SKIP", "overlap": "ALLOW"},
            "input": {"command": self.surroundings.script(&command), "stdin": stdin},
        });
        if self.zone != "UTC" {
            schedule["timezone"] = json!(self.zone);
        }
        if !comments.is_empty() {
            schedule["description"] = json!(comments.join("\n"));
        }
        self.imported.schedules.push(schedule);
    }
}

#[cfg(test)]
mod tests;
