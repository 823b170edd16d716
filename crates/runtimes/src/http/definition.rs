use std::collections::BTreeMap;
use std::time::Duration;

use ratchet_interfaces::TaskDefinition;
use ratchet_template::{Template, TemplateError};
use serde::Deserialize;
use serde_json::Value;

use super::answer::Extract;
use super::body_template::BodyTemplate;
use super::expected_status::ExpectedStatus;
use super::url_template::{UrlTemplate, parsed};

/// What a task's source says of its request, checked as far as it can be without a run.
#[derive(Debug)]
pub(super) struct HttpDefinition {
    pub(super) method: String,
    pub(super) url: UrlTemplate,
    pub(super) query: Vec<(String, Template)>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<BodyTemplate>,
    pub(super) expected_status: ExpectedStatus,
    pub(super) extract: Option<Vec<(String, Extract)>>,
    pub(super) timeout: Duration,
    pub(super) max_body_bytes: usize,
    pub(super) max_redirects: u32,
}

/// `request.json`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default)]
    query: BTreeMap<String, String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    expected_status: Option<Vec<Value>>,
    extract: Option<BTreeMap<String, String>>,
    #[serde(default = "timeout_seconds")]
    timeout_seconds: u64,
    #[serde(default = "max_body_bytes")]
    max_body_bytes: u64,
    #[serde(default = "max_redirects")]
    max_redirects: u32,
}

fn get() -> String {
    "GET".to_owned()
}

const fn timeout_seconds() -> u64 {
    30
}

const fn max_body_bytes() -> u64 {
    1 << 20
}

const fn max_redirects() -> u32 {
    5
}

impl HttpDefinition {
    const MAX_TIMEOUT_SECONDS: u64 = 3_600;
    const MAX_BODY_BYTES: u64 = 64 << 20;
    const MAX_REDIRECTS: u32 = 20;

    /// Reads a task's source, or says what is wrong with it.
    pub(super) fn of(task: &TaskDefinition) -> Result<Self, String> {
        let Some(source) = &task.source else {
            return Err("it has no request.json, which says what to ask for".to_owned());
        };
        serde_json::from_str(source)
            .map_err(|error| error.to_string())
            .and_then(Self::read)
            .map_err(|wrong| format!("request.json: {wrong}"))
    }

    fn read(written: Written) -> Result<Self, String> {
        let Written {
            method,
            url,
            query,
            headers,
            body,
            expected_status,
            extract,
            timeout_seconds,
            max_body_bytes,
            max_redirects,
        } = written;
        if !is_token(&method) || matches!(method.as_str(), "CONNECT" | "TRACE") {
            return Err(format!(
                "method is \"{method}\": a method of HTTP other than CONNECT and TRACE is allowed"
            ));
        }
        if let Some(name) = headers.keys().find(|name| !is_token(name)) {
            return Err(format!("headers has \"{name}\": it is no name of HTTP"));
        }
        within("timeout_seconds", timeout_seconds, 1, Self::MAX_TIMEOUT_SECONDS)?;
        within("max_body_bytes", max_body_bytes, 1, Self::MAX_BODY_BYTES)?;
        within(
            "max_redirects",
            max_redirects.into(),
            0,
            Self::MAX_REDIRECTS.into(),
        )?;
        if !url.contains(['{', '}']) {
            parsed(&url)?;
        }
        Ok(Self {
            method,
            url: UrlTemplate::parse(&url).map_err(told)?,
            query: templates("query", query).map_err(told)?,
            headers: templates("headers", headers).map_err(told)?,
            body: body.as_ref().map(BodyTemplate::parse).transpose().map_err(told)?,
            expected_status: expected_status
                .as_deref()
                .map_or_else(|| Ok(ExpectedStatus::default()), ExpectedStatus::parse)?,
            extract: extract
                .map(|extract| {
                    let read = |(name, text): (String, String)| {
                        Extract::parse(&text)
                            .map(|extract| (name.clone(), extract))
                            .map_err(|rule| format!("extract.{name} is \"{text}\": {rule}"))
                    };
                    extract.into_iter().map(read).collect::<Result<_, _>>()
                })
                .transpose()?,
            timeout: Duration::from_secs(timeout_seconds),
            // It is within 64 MiB.
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_redirects,
        })
    }
}

fn templates(field: &str, of: BTreeMap<String, String>) -> Result<Vec<(String, Template)>, TemplateError> {
    of.into_iter()
        .map(|(name, text)| {
            let template = Template::parse(&format!("{field}.{name}"), &text)?;
            Ok((name, template))
        })
        .collect()
}

fn told(error: TemplateError) -> String {
    error.to_string()
}

fn within(field: &str, value: u64, least: u64, most: u64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("{field} is {value}: {least} to {most} is allowed"))
}

/// Whether a text is a token, as RFC 9110 calls what methods and the names of headers are.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::TaskId;
    use serde_json::json;

    use super::*;

    fn read(source: &Value) -> Result<HttpDefinition, String> {
        let mut task = TaskDefinition::new(TaskId::new(), "a", "1", "http");
        task.source = Some(source.to_string());
        HttpDefinition::of(&task)
    }

    #[test]
    fn a_url_alone_is_a_get_with_bounds() {
        let definition = read(&json!({"url": "https://a.example/"})).unwrap();
        assert_eq!(definition.method, "GET");
        assert_eq!(definition.timeout, Duration::from_secs(30));
        assert_eq!(
            (definition.max_body_bytes, definition.max_redirects),
            (1 << 20, 5)
        );
        assert!(definition.body.is_none() && definition.extract.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field_and_the_rule() {
        let of = |field: &str, value: Value| {
            let mut source = json!({"url": "https://a.example/"});
            source[field] = value;
            read(&source).unwrap_err()
        };
        for (field, value, told) in [
            (
                "verb",
                json!("GET"),
                "unknown field `verb`, expected one of `method`, `url`",
            ),
            ("method", json!("GE T"), "method is \"GE T\": a method of HTTP"),
            (
                "method",
                json!("CONNECT"),
                "method is \"CONNECT\": a method of HTTP",
            ),
            ("url", json!("/path"), "url: relative URL without a base"),
            ("url", json!("ftp://a/"), "url: http and https are allowed"),
            ("url", json!("https://a/{{ x"), "template url, line 1"),
            ("query", json!({"a": "{{"}), "template query.a, line 1"),
            (
                "headers",
                json!({"X-A": "{{ x | y }}"}),
                "template headers.X-A, line 1",
            ),
            (
                "headers",
                json!({"a b": "c"}),
                "headers has \"a b\": it is no name of HTTP",
            ),
            ("headers", json!({"a\r\nb": "c"}), "headers has \"a\r\nb\""),
            ("body", json!({"a": [1, "{{"]}), "template body.a[1], line 1"),
            ("expected_status", json!([700]), "expected_status has 700"),
            ("extract", json!({"a": "b"}), "extract.a is \"b\": "),
            (
                "timeout_seconds",
                json!(0),
                "timeout_seconds is 0: 1 to 3600 is allowed",
            ),
            (
                "max_body_bytes",
                json!(1 << 30),
                "max_body_bytes is 1073741824: 1 to 67108864 is allowed",
            ),
            (
                "max_redirects",
                json!(21),
                "max_redirects is 21: 0 to 20 is allowed",
            ),
        ] {
            let error = of(field, value);
            assert!(error.starts_with(&format!("request.json: {told}")), "{error}");
        }
        let task = TaskDefinition::new(TaskId::new(), "a", "1", "http");
        assert!(HttpDefinition::of(&task).unwrap_err().contains("request.json"));
    }
}
