use std::collections::HashSet;

use csv::{Terminator, WriterBuilder};
use serde_json::{Map, Value};

use super::{FormatError, kind};
use crate::content::Content;

const FORMAT: &str = "CSV";
const ALLOWED: &str = "a list of objects, a list of lists or one object is allowed";

/// A list of objects with a header of all their keys, a list of lists as it is, or one object as one row.
pub(super) fn write(value: &Value) -> Result<Content, FormatError> {
    match value {
        Value::Object(row) => of_objects(&[row]),
        Value::Array(rows) if rows.iter().all(Value::is_object) => {
            of_objects(&rows.iter().filter_map(Value::as_object).collect::<Vec<_>>())
        }
        Value::Array(rows) if rows.iter().all(Value::is_array) => {
            let rows = rows.iter().filter_map(Value::as_array);
            table(rows.map(|row| row.iter().map(cell).collect())).map(|text| Content { text, header: 0 })
        }
        Value::Array(rows) => {
            let first = rows.first().unwrap_or(value);
            let other = rows
                .iter()
                .position(|row| std::mem::discriminant(row) != std::mem::discriminant(first));
            let told = match other {
                Some(other) => format!(
                    "its first row is {}, and row {} {}",
                    kind(first),
                    other + 1,
                    kind(&rows[other])
                ),
                None => format!("its rows are each {}", kind(first)),
            };
            Err(FormatError::new(FORMAT, format!("{told}: {ALLOWED}")))
        }
        other => Err(FormatError::new(
            FORMAT,
            format!("the output is {}: {ALLOWED}", kind(other)),
        )),
    }
}

fn of_objects(rows: &[&Map<String, Value>]) -> Result<Content, FormatError> {
    let mut seen = HashSet::new();
    let columns: Vec<&str> = rows
        .iter()
        .flat_map(|row| row.keys())
        .map(String::as_str)
        .filter(|key| seen.insert(*key))
        .collect();
    if columns.is_empty() {
        return Ok(Content {
            text: String::new(),
            header: 0,
        });
    }
    let mut text = table(std::iter::once(
        columns.iter().map(|key| (*key).to_owned()).collect(),
    ))?;
    let header = text.len();
    let cells = |row: &&Map<String, Value>| {
        let cell = |key: &&str| row.get(*key).map(cell).unwrap_or_default();
        columns.iter().map(cell).collect()
    };
    text += &table(rows.iter().map(cells))?;
    Ok(Content { text, header })
}

fn table(rows: impl Iterator<Item = Vec<String>>) -> Result<String, FormatError> {
    let mut writer = WriterBuilder::new()
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row)
            .map_err(|error| FormatError::new(FORMAT, error))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| FormatError::new(FORMAT, error))?;
    String::from_utf8(bytes).map_err(|error| FormatError::new(FORMAT, error))
}

/// A text as it is, null as nothing, and what is in it as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &Value) -> String {
        write(value).map_or_else(|error| error.to_string(), |content| content.text)
    }

    #[test]
    fn tables_in_every_form_are_written() {
        let objects = json!([{"a": 1, "b": "x,\"y\"\nz"}, {"b": null, "c": [1, {"d": true}]}, {}]);
        let content = write(&objects).unwrap();
        assert_eq!(
            content.text,
            "a,b,c\n1,\"x,\"\"y\"\"\nz\",\n,,\"[1,{\"\"d\"\":true}]\"\n,,\n"
        );
        assert_eq!(&content.text[..content.header], "a,b,c\n");
        assert_eq!(written(&json!({"a": 1.5, "b": false})), "a,b\n1.5,false\n");
        assert_eq!(written(&json!([[1, "x"], [], ["y"]])), "1,x\n\"\"\ny\n");
        assert_eq!(written(&json!([])), "");
        assert_eq!(written(&json!([{}, {}])), "");
        assert_eq!(written(&json!({"a": ""})), "a\n\"\"\n");
    }

    #[test]
    fn what_is_no_table_is_named() {
        for (value, told) in [
            (json!(7), "format CSV: the output is a number: "),
            (json!("a,b"), "format CSV: the output is a text: "),
            (json!([1, 2]), "format CSV: its rows are each a number: "),
            (
                json!([{}, {}, [1]]),
                "format CSV: its first row is an object, and row 3 a list: ",
            ),
        ] {
            assert_eq!(written(&value), told.to_owned() + ALLOWED);
        }
    }
}
