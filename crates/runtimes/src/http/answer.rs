use ratchet_interfaces::{TaskError, TaskErrorKind};
use ratchet_outbound::OutboundResponse;
use serde_json::{Map, Value, json};

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extract {
    /// The value at this JSON pointer of the body.
    Pointer(String),
    /// A header.
    Header(String),
}

impl Extract {
    const HEADER: &str = "header:";

    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix(Self::HEADER) {
            return Ok(Self::Header(name.trim().to_owned()));
        }
        if text.is_empty() || text.starts_with('/') {
            return Ok(Self::Pointer(text.to_owned()));
        }
        Err("a JSON pointer such as \"/items/0/id\" or a header such as \"header:etag\" is allowed")
    }

    fn of(&self, answer: &OutboundResponse, body: Option<&Value>) -> Result<Value, String> {
        match self {
            Self::Header(name) => match answer.header(name) {
                Some(value) => Ok(Value::String(value.to_owned())),
                None => Err(format!("the answer has no header {name}")),
            },
            Self::Pointer(pointer) => match body.map(|body| body.pointer(pointer)) {
                Some(Some(value)) => Ok(value.clone()),
                Some(None) => Err(format!("the answer has nothing at {pointer}")),
                None => Err("the answer is not JSON".to_owned()),
            },
        }
    }
}

/// What a run makes of an answer that it expected.
pub(super) fn output(
    answer: &OutboundResponse,
    extract: Option<&[(String, Extract)]>,
) -> Result<Value, TaskError> {
    let Some(extract) = extract else {
        return Ok(json!({"status": answer.status, "headers": headers(answer), "body": body(answer)}));
    };
    let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
    extract
        .iter()
        .map(|(name, extract)| match extract.of(answer, json.as_ref()) {
            Ok(value) => Ok((name.clone(), value)),
            Err(told) => Err(TaskError::of(
                TaskErrorKind::Response,
                format!("extract.{name}: {told}"),
            )),
        })
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

/// The headers by name; several of one name are one, as HTTP has it.
fn headers(answer: &OutboundResponse) -> Map<String, Value> {
    let mut all = Map::new();
    for (name, value) in &answer.headers {
        match all.get_mut(name) {
            Some(Value::String(earlier)) => {
                earlier.push_str(", ");
                earlier.push_str(value);
            }
            _ => {
                all.insert(name.clone(), Value::String(value.clone()));
            }
        }
    }
    all
}

/// JSON if the answer says that it is or is an object or a list, else text, with what is no text replaced; null if there
/// is nothing.
fn body(answer: &OutboundResponse) -> Value {
    if answer.body.is_empty() {
        return Value::Null;
    }
    let says_json = answer.header("content-type").is_some_and(|value| {
        let media_type = value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        media_type == "application/json" || media_type.ends_with("+json")
    });
    let looks_like_json = matches!(answer.body.trim_ascii_start().first(), Some(b'{' | b'['));
    if (says_json || looks_like_json)
        && let Ok(json) = serde_json::from_slice(&answer.body)
    {
        return json;
    }
    Value::String(String::from_utf8_lossy(&answer.body).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(content_type: &str, body: &str) -> OutboundResponse {
        let headers = [("content-type", content_type), ("x-a", "1"), ("x-a", "2")];
        OutboundResponse {
            status: 200,
            url: "https://a.example/".to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_body_is_json_if_it_says_so_or_looks_so_and_else_text() {
        for (content_type, text, expected) in [
            ("application/json", "12", json!(12)),
            ("application/problem+json; charset=utf-8", "null", Value::Null),
            ("text/plain", " {\"a\": 1}", json!({"a": 1})),
            ("text/plain", "12", json!("12")),
            ("application/json", "{oops", json!("{oops")),
            ("text/html", "<p>", json!("<p>")),
            ("application/json", "", Value::Null),
        ] {
            let output = output(&answer(content_type, text), None).unwrap();
            assert_eq!(output["body"], expected, "{content_type} {text}");
            assert_eq!(
                (&output["status"], &output["headers"]["x-a"]),
                (&json!(200), &json!("1, 2"))
            );
        }
    }

    #[test]
    fn parts_are_extracted_and_a_missing_one_is_named() {
        let extract = |text: &str| [("it".to_owned(), Extract::parse(text).unwrap())];
        let found = |text: &str, body: &str| {
            output(&answer("text/plain", body), Some(&extract(text))).map_err(|error| error.to_string())
        };
        assert_eq!(found("/a/0/b", "{\"a\": [{\"b\": 7}]}"), Ok(json!({"it": 7})));
        assert_eq!(found("", "7"), Ok(json!({"it": 7})));
        assert_eq!(found("header:X-A", ""), Ok(json!({"it": "1"})));
        assert_eq!(
            found("/b", "{}").unwrap_err(),
            "extract.it: the answer has nothing at /b"
        );
        assert_eq!(
            found("/b", "<p>").unwrap_err(),
            "extract.it: the answer is not JSON"
        );
        assert_eq!(
            found("header:etag", "").unwrap_err(),
            "extract.it: the answer has no header etag"
        );
        assert!(Extract::parse("a.b").is_err());
    }
}
