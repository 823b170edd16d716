mod csv;
mod xml;

use ratchet_interfaces::OutputFormat;
use serde_json::Value;

use crate::content::{Content, Told};

/// A result that a format has no form for.
#[derive(Debug, thiserror::Error)]
#[error("format {format}: {problem}")]
pub(crate) struct FormatError {
    format: &'static str,
    problem: String,
}

impl FormatError {
    fn new(format: &'static str, problem: impl ToString) -> Self {
        Self {
            format,
            problem: problem.to_string(),
        }
    }
}

/// What is told, in a format. Every format but the raw one ends with its line.
pub(crate) fn write(told: Told<'_>, format: OutputFormat) -> Result<Content, FormatError> {
    let text = match format {
        OutputFormat::Json => json(told)? + "\n",
        OutputFormat::Yaml => {
            let yaml = serde_saphyr::to_string(&told).map_err(|error| FormatError::new("YAML", error))?;
            // Where several follow each other, each is a document of its own.
            format!("---\n{yaml}{}", if yaml.ends_with('\n') { "" } else { "\n" })
        }
        OutputFormat::Csv => return with_value(told, csv::write),
        OutputFormat::Xml => with_value(told, xml::write)?,
        OutputFormat::Raw => match told {
            Told::Output(Value::String(text)) => text.clone(),
            told => json(told)?,
        },
    };
    Ok(Content { text, header: 0 })
}

fn json(told: Told<'_>) -> Result<String, FormatError> {
    serde_json::to_string(&told).map_err(|error| FormatError::new("JSON", error))
}

fn with_value<T>(
    told: Told<'_>,
    write: impl FnOnce(&Value) -> Result<T, FormatError>,
) -> Result<T, FormatError> {
    match told {
        Told::Output(output) => write(output),
        Told::Envelope(result) => {
            let value = serde_json::to_value(result).map_err(|error| FormatError::new("JSON", error))?;
            write(&value)
        }
    }
}

/// What a value is, in words.
const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(value: &Value, format: OutputFormat) -> String {
        write(Told::Output(value), format).unwrap().text
    }

    #[test]
    fn json_is_one_line_and_a_raw_text_is_as_it_is() {
        let value = json!({"a": "two\nlines\r\n", "b": [1, null]});
        let line = written(&value, OutputFormat::Json);
        assert_eq!(line, "{\"a\":\"two\\nlines\\r\\n\",\"b\":[1,null]}\n");
        assert_eq!(written(&json!("two\nlines"), OutputFormat::Raw), "two\nlines");
        assert_eq!(written(&json!([1]), OutputFormat::Raw), "[1]");
    }

    #[test]
    fn what_is_written_as_yaml_is_read_back_as_it_was() {
        let texts = [
            "",
            " ",
            "yes",
            "no",
            "null",
            "~",
            "1",
            "1.5",
            "0x1f",
            "1e3",
            "12:30:00",
            "2026-01-01",
            "- a",
            "a: b",
            "# c",
            "a #c",
            "two\nlines",
            "two\nlines\n",
            "  indented\n  more\n",
            "\ttab",
            "'",
            "\"",
            "\\",
            "{a}",
            "[a]",
            "&a",
            "*a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "|",
            ">",
            "---",
            "...",
            "\u{1}\u{7f}",
            "\u{85}\u{2028}",
            "trailing ",
            "Müller 🚲",
            "a\r\nb",
            "=",
            "<<",
            "true",
            "\u{feff}x",
        ];
        let mut values: Vec<Value> = texts.iter().map(|text| json!(text)).collect();
        values.push(
            json!({"long": "word ".repeat(200), "nested": [[], {}, [[1, -2, 3.5]], {"a": {"b": null}}]}),
        );
        values.extend(texts.iter().map(|text| json!({*text: [text, {"k": text}]})));
        values.push(json!(u64::MAX));
        values.push(json!(values));
        for value in values {
            let yaml = written(&value, OutputFormat::Yaml);
            assert!(yaml.starts_with("---\n") && yaml.ends_with('\n'), "{yaml}");
            let back: Value = serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"));
            assert_eq!(back, value, "{yaml}");
        }
    }
}
