use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

use crate::Form;

/// Schedules that a language has no words for.
#[derive(Debug)]
pub struct WriteError(String);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for WriteError {}

/// A file of these schedules, each as `GET /api/v1/schedules/export` shows it; [`read`](crate::read) makes the same of it.
///
/// # Errors
/// [`WriteError`] names what TOML cannot say: null, and whole numbers beyond 64 bits with a sign.
pub fn write(schedules: &[Value], form: Form) -> Result<String, WriteError> {
    let mut members = Map::new();
    for schedule in schedules {
        let (name, fields) = in_file(schedule);
        if form == Form::Toml
            && let Some(path) = null_in(&fields, "")
        {
            let rule = format!("schedule \"{name}\": {path} is null, which TOML has no word for: write YAML");
            return Err(WriteError(rule));
        }
        members.insert(name, fields);
    }
    let document = Value::Object(Map::from_iter([("schedules".to_owned(), Value::Object(members))]));
    match form {
        Form::Yaml => serde_saphyr::to_string(&document).map_err(|error| WriteError(error.to_string())),
        Form::Toml => toml::to_string(&document).map_err(|error| WriteError(error.to_string())),
    }
}

/// A schedule of the API in the words of a file, with its name apart.
fn in_file(schedule: &Value) -> (String, Value) {
    let mut fields = schedule.as_object().cloned().unwrap_or_default();
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => text,
        other => other.map_or_else(String::new, |value| value.to_string()),
    };
    let name = text(fields.remove("name"));
    let expression = text(fields.remove("cronExpression"));
    // With several parts, the first is not what all of it is about.
    let way = ["every", "after"].into_iter().find_map(|way| {
        let rest = expression.strip_prefix(way)?.strip_prefix(' ')?;
        (!rest.contains(';')).then(|| (way, rest.to_owned()))
    });
    let (way, value) = way.unwrap_or(("cron", expression));
    fields.insert(way.to_owned(), value.into());
    if let Some(outputs) = fields.remove("outputDestinations") {
        fields.insert("outputs".to_owned(), outputs);
    }
    (name, Value::Object(fields))
}

/// Where the first null is.
fn null_in(value: &Value, path: &str) -> Option<String> {
    let below = |key: &dyn fmt::Display| match path {
        "" => key.to_string(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Null => Some(path.to_owned()),
        Value::Array(values) => {
            let mut values = values.iter().enumerate();
            values.find_map(|(place, value)| null_in(value, &below(&place)))
        }
        Value::Object(members) => {
            let mut members = members.iter();
            members.find_map(|(name, value)| null_in(value, &below(name)))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Source, read};

    #[test]
    fn what_is_written_is_read_back_equal_in_both_languages() {
        let schedules = vec![
            json!({"name": "a b", "task": "x@1", "cronExpression": "0 9 * * 1-5", "enabled": false}),
            json!({"name": "follower", "task": "x@1", "cronExpression": "after \"a b\" failed"}),
            json!({"name": "often", "task": "x@1", "cronExpression": "every 15m from 2026-01-01T00:00:00Z"}),
            json!({"name": "on", "task": "x@1", "cronExpression": "every 5m; except fri 18:00-mon 06:00",
            "policies": {"graceSeconds": 1.5, "overlap": "SKIP"},
            "input": {"yes": "no", "list": [1, {"a": "b: c"}], "0": "0123", "text": "two\nlines\n", "env": {"env": "A"}},
            "outputDestinations": [
                {"destinationType": "stdio", "results": "completed", "stdio": {"stream": "stdout", "format": "JSON",
                    "includeMetadata": false}},
                {"destinationType": "webhook", "webhook": {"url": "https://example.org", "headers": {"X-Key": "********"}}},
            ]}),
        ];
        for form in [Form::Yaml, Form::Toml] {
            let text = write(&schedules, form).unwrap();
            let source = Source {
                name: "export".to_owned(),
                form,
                text: text.clone(),
            };
            let back = read(&[source], |_| None).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"));
            assert_eq!(back, schedules, "{text}");
        }
    }

    #[test]
    fn a_null_is_written_in_yaml_only() {
        let schedules =
            [json!({"name": "a", "task": "x", "cronExpression": "@daily", "input": {"b": [1, null]}})];
        let refused = write(&schedules, Form::Toml).unwrap_err().to_string();
        assert!(refused.contains("schedule \"a\": input.b.1 is null"), "{refused}");
        assert!(write(&schedules, Form::Yaml).unwrap().contains("null"));
    }
}
