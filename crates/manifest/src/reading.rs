use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::fields::{self, HEADERS};
use crate::{Form, Mistake};

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is called in what is said of it.
    pub name: String,
    /// In which language it is.
    pub form: Form,
    /// What it says.
    pub text: String,
}

/// The schedules of all files together, each as `POST /api/v1/schedules/apply` takes it. In `outputs`, `{ env = "NAME" }` in
/// place of a text is what `environment` has under that name.
///
/// ```
/// use ratchet_manifest::{Form, Source, read};
/// let source = Source {
///     name: "schedules.yaml".to_owned(),
///     form: Form::Yaml,
///     text: "schedules: {nightly: {task: import, every: 5m}}".to_owned(),
/// };
/// let schedules = read(&[source], |_| None).unwrap();
/// assert_eq!(schedules[0]["cronExpression"], "every 5m");
/// ```
///
/// # Errors
/// All that is wrong, file after file.
pub fn read(
    sources: &[Source],
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Value>, Vec<Mistake>> {
    let mut schedules = Vec::new();
    let mut mistakes = Vec::new();
    let mut first: HashMap<String, &str> = HashMap::new();
    for source in sources {
        let mut reading = Reading {
            file: &source.name,
            schedule: None,
            environment: &environment,
            mistakes: &mut mistakes,
        };
        for (name, schedule) in reading.schedules_of(source) {
            reading.schedule = Some(name.clone());
            if let Some(other) = first.insert(name.clone(), &source.name) {
                reading.wrong("", format!("it is in {other} as well"));
                continue;
            }
            if let Some(schedule) = reading.desired(&name, schedule) {
                schedules.push(schedule);
            }
        }
    }
    if mistakes.is_empty() {
        Ok(schedules)
    } else {
        Err(mistakes)
    }
}

struct Reading<'a, E> {
    file: &'a str,
    schedule: Option<String>,
    environment: &'a E,
    mistakes: &'a mut Vec<Mistake>,
}

impl<E: Fn(&str) -> Option<String>> Reading<'_, E> {
    fn wrong(&mut self, field: &str, rule: String) {
        self.mistakes.push(Mistake {
            file: self.file.to_owned(),
            schedule: self.schedule.clone(),
            field: (!field.is_empty()).then(|| field.to_owned()),
            rule,
        });
    }

    fn schedules_of(&mut self, source: &Source) -> Map<String, Value> {
        let document = match source.form.parse(&source.text) {
            Ok(document) => document,
            Err(error) => {
                self.wrong("", error.to_string());
                return Map::new();
            }
        };
        let mut document = match document {
            Value::Object(document) => document,
            Value::Null => Map::new(),
            _ => {
                self.wrong("", "it is no table with the key schedules".to_owned());
                return Map::new();
            }
        };
        let schedules = document.remove("schedules");
        fields::check(&document, &["schedules"], |name, rule| self.wrong(name, rule));
        match schedules {
            Some(Value::Object(schedules)) => schedules,
            None | Some(Value::Null) => Map::new(),
            Some(_) => {
                let rule = "it is no table, with the name of each schedule as a key".to_owned();
                self.wrong("schedules", rule);
                Map::new()
            }
        }
    }

    fn desired(&mut self, name: &str, schedule: Value) -> Option<Value> {
        let Value::Object(mut schedule) = schedule else {
            self.wrong("", "it is no table of fields".to_owned());
            return None;
        };
        fields::check(&schedule, fields::SCHEDULE, |name, rule| self.wrong(name, rule));
        if let Some(Value::Object(policies)) = schedule.get("policies") {
            fields::check(policies, fields::POLICIES, |name, rule| {
                self.wrong(&format!("policies.{name}"), rule);
            });
        }
        if !schedule.contains_key("task") {
            self.wrong("task", "it is missing: a name, or name@version".to_owned());
        }
        let expression = self.expression(&mut schedule);
        let outputs = schedule.remove("outputs").map(|outputs| self.outputs(outputs));
        schedule.insert("name".to_owned(), name.into());
        schedule.insert("cronExpression".to_owned(), expression?);
        if let Some(outputs) = outputs {
            schedule.insert("outputDestinations".to_owned(), outputs);
        }
        Some(Value::Object(schedule))
    }

    /// One of three fields says when it fires.
    fn expression(&mut self, schedule: &mut Map<String, Value>) -> Option<Value> {
        const WAYS: [&str; 3] = ["cron", "every", "after"];
        let mut given: Vec<(&str, Value)> = WAYS
            .iter()
            .filter_map(|way| schedule.remove(*way).map(|value| (*way, value)))
            .collect();
        if given.len() != 1 {
            let names: Vec<&str> = given.iter().map(|(way, _)| *way).collect();
            let found = match names[..] {
                [] => "none is there".to_owned(),
                _ => format!("there are {}", names.join(", ")),
            };
            let rule = format!("one of cron, every and after says when it fires, and {found}");
            self.wrong("cron", rule);
            return None;
        }
        let (way, value) = given.pop()?;
        let Value::String(text) = value else {
            self.wrong(way, format!("{value} is no text: put it into quotation marks"));
            return None;
        };
        Some(match way {
            "cron" => Value::String(text),
            way => Value::String(format!("{way} {text}")),
        })
    }

    fn outputs(&mut self, outputs: Value) -> Value {
        let Value::Array(outputs) = outputs else {
            self.wrong("outputs", "it is no list".to_owned());
            return outputs;
        };
        let outputs = outputs.into_iter().enumerate().map(|(place, output)| {
            let output = self.with_environment(output, place, "");
            fields::check_output(&output, "", &mut |path, rule| {
                self.wrong(&format!("outputs[{place}].{path}"), rule);
            });
            output
        });
        Value::Array(outputs.collect())
    }

    fn with_environment(&mut self, value: Value, place: usize, path: &str) -> Value {
        let Value::Object(object) = value else {
            return value;
        };
        if path != HEADERS
            && object.len() == 1
            && let Some(variable) = object.get("env")
        {
            return self.variable(variable, &format!("outputs[{place}].{path}"));
        }
        let members = object.into_iter().map(|(name, value)| {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let value = self.with_environment(value, place, &path);
            (name, value)
        });
        Value::Object(members.collect())
    }

    /// A variable that is not there, or is empty, is never taken for a secret.
    fn variable(&mut self, name: &Value, field: &str) -> Value {
        let Value::String(name) = name else {
            self.wrong(field, format!("env is {name}: it is the name of a variable"));
            return Value::Null;
        };
        match (self.environment)(name) {
            Some(value) if !value.is_empty() => Value::String(value),
            found => {
                let what = if found.is_some() { "is empty" } else { "is not set" };
                self.wrong(field, format!("the environment variable {name} {what}"));
                Value::Null
            }
        }
    }
}

#[cfg(test)]
mod tests;
