use ratchet_interfaces::{JobResult, StdioOptions};

use crate::content::{Content, ContentError};

/// A result as it stands on a stream: whole lines, each with the prefix. JSON is one line, since it escapes every line
/// break within its texts.
pub(crate) fn lines(
    result: &JobResult,
    template: Option<&str>,
    options: &StdioOptions,
) -> Result<Vec<u8>, ContentError> {
    let StdioOptions {
        stream: _,
        format,
        include_metadata,
        prefix,
    } = options;
    let mut content = Content::of(result, template, *format, *include_metadata)?;
    content.end_line();
    let prefix = prefix.as_deref().unwrap_or_default();
    if prefix.is_empty() {
        return Ok(content.text.into_bytes());
    }
    let prefix = without_controls(prefix);
    let mut lines = String::with_capacity(content.text.len() + prefix.len());
    for line in content.text.split_inclusive('\n') {
        lines.push_str(&prefix);
        lines.push_str(line);
    }
    Ok(lines.into_bytes())
}

/// A prefix must not break the line that it stands before.
fn without_controls(prefix: &str) -> String {
    let mut clean = String::with_capacity(prefix.len());
    for character in prefix.chars() {
        if character.is_control() {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::{ExecutionId, JobId, OutputFormat, StdioStream};
    use serde_json::{Value, json};

    use super::*;

    fn result(output: Value) -> JobResult {
        JobResult::completed(JobId::new(), ExecutionId::new(), output, DateTime::UNIX_EPOCH)
    }

    fn written(output: Value, template: Option<&str>, format: OutputFormat, prefix: Option<&str>) -> String {
        let options = StdioOptions {
            stream: StdioStream::Stdout,
            format,
            include_metadata: false,
            prefix: prefix.map(str::to_owned),
        };
        String::from_utf8(lines(&result(output), template, &options).unwrap()).unwrap()
    }

    #[test]
    fn whatever_the_result_json_is_one_line() {
        for output in [
            json!(null),
            json!("two\nlines\r\n"),
            json!({"a\nb": ["c\nd", {"e": "\u{2028}"}]}),
            json!("{\n}"),
        ] {
            let line = written(output.clone(), None, OutputFormat::Json, None);
            assert_eq!(line.matches(['\n', '\r']).count(), 1);
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), output);
        }
    }

    #[test]
    fn a_prefix_stands_before_each_line_and_cannot_break_one() {
        let json = OutputFormat::Json;
        assert_eq!(written(json!(7), None, json, Some("[backup] ")), "[backup] 7\n");
        assert_eq!(
            written(json!(7), None, json, Some("ü\n\t\u{1b}[0m")),
            "ü\\n\\t\\u{1b}[0m7\n"
        );
        assert_eq!(
            written(json!("a\nb"), None, OutputFormat::Raw, Some("> ")),
            "> a\n> b\n"
        );
    }

    #[test]
    fn other_formats_and_templates_are_blocks_that_end_with_their_line() {
        assert_eq!(
            written(json!({"a": 1}), None, OutputFormat::Yaml, None),
            "---\na: 1\n"
        );
        assert_eq!(written(json!("x"), None, OutputFormat::Raw, None), "x\n");
        assert_eq!(written(json!([]), None, OutputFormat::Csv, None), "\n");
        assert_eq!(
            written(
                json!({"a": [1]}),
                Some("{{ status }}: {{ output.a | tojson }}"),
                OutputFormat::Json,
                None
            ),
            "COMPLETED: [1]\n"
        );
    }

    #[test]
    fn the_envelope_is_told_with_the_keys_of_the_http_contract() {
        let result = result(json!(7));
        let options = StdioOptions {
            stream: StdioStream::Stdout,
            format: OutputFormat::Json,
            include_metadata: true,
            prefix: None,
        };
        let line = lines(&result, None, &options).unwrap();
        let told: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(
            told,
            json!({"job": result.job, "execution": result.execution, "task": null, "version": null,
                   "schedule": null, "tick": null, "attempt": 1, "status": "COMPLETED",
                   "endedAt": "1970-01-01T00:00:00Z", "error": null, "output": 7})
        );
    }
}
