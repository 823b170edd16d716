//! What a body must be before anything is read of it, whatever it is of: text in UTF-8, not too deep, and without NUL
//! where that cannot be kept.

use serde_json::Value;

use crate::error::ApiError;

/// How deep arrays and objects may lie within one another. What is read is written again, elsewhere and by others, and
/// each of them has a limit too.
const DEEPEST: usize = 128;
/// The fields whose values are JSON of the sender's own, and are kept as such: NUL is written as `\u0000` there. All other
/// texts are kept as they are, and PostgreSQL has no place for a NUL in them.
const OF_THE_SENDER: [&str; 4] = ["input", "inputSchema", "outputSchema", "metadata"];

/// Refuses a body that cannot be read, or not be kept.
pub(super) fn check(bytes: &[u8]) -> Result<(), ApiError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = error.valid_up_to();
        ApiError::bad_request(format!("the body is not UTF-8: byte {place} begins no character"))
    })?;
    if depth(bytes) > DEEPEST {
        return Err(ApiError::bad_request(format!(
            "the body is too deep: {DEEPEST} arrays and objects may lie within one another"
        )));
    }
    // A NUL itself is no JSON. What is no JSON is refused where it is read.
    if text.contains("\\u0000")
        && let Ok(body) = serde_json::from_str(text)
        && let Some(field) = field_with_nul(&body)
    {
        return Err(ApiError::invalid(
            &field,
            "it has a NUL (\\u0000), which cannot be kept in a text",
        ));
    }
    Ok(())
}

/// How many arrays and objects lie within one another at the deepest place.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut is_escaped) = (false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The first field whose text or name has a NUL.
fn field_with_nul(body: &Value) -> Option<String> {
    let Value::Object(fields) = body else {
        return within(body, String::new());
    };
    fields
        .iter()
        .filter(|(name, _)| !OF_THE_SENDER.contains(&name.as_str()))
        .find_map(|(name, value)| named(name, value, ""))
}

fn within(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(place, item)| within(item, format!("{path}[{place}]"))),
        Value::Object(fields) => fields
            .iter()
            .find_map(|(name, value)| named(name, value, &format!("{path}."))),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn named(name: &str, value: &Value, before: &str) -> Option<String> {
    let path = format!("{before}{}", name.replace('\0', "\\u0000"));
    if name.contains('\0') {
        Some(path)
    } else {
        within(value, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> String {
        let error = check(body).unwrap_err();
        assert_eq!(error.status().as_u16(), 400);
        error.to_string()
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn a_body_may_be_128_deep_and_brackets_within_texts_do_not_count() {
        check(nested(128).as_bytes()).unwrap();
        for deep in [129, 1_000_000] {
            assert!(refusal(nested(deep).as_bytes()).contains("128"));
        }
        let objects = "{\"a\":".repeat(129);
        assert!(refusal(objects.as_bytes()).contains("too deep"));
        let texts = format!("[\"{}\", \"\\\"{}\"]", "[".repeat(500), "{".repeat(500));
        check(texts.as_bytes()).unwrap();
        check("[],".repeat(500).as_bytes()).unwrap();
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_refused_with_the_place() {
        for body in [
            &b"{\"a\": \"\xff\"}"[..],
            b"{\"a\": \"\xed\xa0\x80\"}",
            b"{\"a\": \"\xc0\x80\"}",
        ] {
            assert!(refusal(body).contains("not UTF-8: byte 7"), "{body:?}");
        }
    }

    #[test]
    fn a_nul_is_refused_in_texts_by_the_name_of_their_field_and_kept_in_json_of_the_senders_own() {
        for (body, field) in [
            (r#"{"name": "a\u0000b"}"#, "name: "),
            (r#"{"a": [1, {"b": "\u0000"}]}"#, "a[1].b: "),
            (r#"{"a": {"input": "\u0000"}}"#, "a.input: "),
            (r#"{"a\u0000": 1}"#, "a\\u0000: "),
        ] {
            let refused = refusal(body.as_bytes());
            assert!(refused.starts_with(field), "{body}: {refused}");
        }
        for body in [
            r#"{"input": {"a\u0000": ["\u0000"]}, "metadata": "\u0000"}"#,
            r#"{"name": "a\\u0000b"}"#,
            r#"{"name": "\u0001"}"#,
        ] {
            check(body.as_bytes()).unwrap();
        }
    }
}
