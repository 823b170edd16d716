use ratchet_interfaces::{JobResult, StdioOptions};

/// A result as one line, its end included.
///
/// JSON escapes every line break within its texts; in the prefix, control characters are escaped here. So whatever
/// the result, it is one line.
pub(crate) fn of(result: &JobResult, options: &StdioOptions) -> Vec<u8> {
    let mut line = String::new();
    for character in options.prefix.iter().flat_map(|prefix| prefix.chars()) {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    let told = if options.include_metadata {
        serde_json::to_value(result).expect("a result has only fields that JSON knows")
    } else {
        result.output.clone()
    };
    line.push_str(&told.to_string());
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::StdioStream;
    use serde_json::json;

    use super::*;

    fn line(payload: &Value, prefix: Option<&str>) -> String {
        let options = StdioOptions {
            stream: StdioStream::Stdout,
            format: OutputFormat::Json,
            include_metadata: false,
            prefix: prefix.map(str::to_owned),
        };
        String::from_utf8(of(payload, &options)).unwrap()
    }

    #[test]
    fn whatever_the_result_it_is_one_line_of_json() {
        for payload in [
            json!(null),
            json!("two\nlines\r\n"),
            json!({"a\nb": ["c\nd", {"e": "\u{2028}"}]}),
            json!("{\n}"),
        ] {
            let line = line(&payload, None);
            assert_eq!(line.matches(['\n', '\r']).count(), 1);
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), payload);
        }
    }

    #[test]
    fn a_prefix_stands_before_the_result_and_cannot_break_the_line() {
        assert_eq!(line(&json!(7), Some("[backup] ")), "[backup] 7\n");
        assert_eq!(line(&json!(7), Some("ü\n\t\u{1b}[0m")), "ü\\n\\t\\u{1b}[0m7\n");
    }
}
