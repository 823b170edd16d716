use std::path::Path;

use ratchet_interfaces::ValidationIssue;
use serde_json::{Map, Value, json};

use super::field::whole_number;
use super::{Contained, Faults, Object};

/// Where a task's tests lie in its folder.
const TESTS_FOLDER: &str = "tests";
const TEST_BYTES: u64 = 4 << 20;
const MOST_TESTS: usize = 1_000;

const KEYS: [&str; 7] = [
    "name",
    "input",
    "expected",
    "expected_output",
    "expected_error",
    "should_fail",
    "mocks",
];
const MOCK_KEYS: [&str; 7] = ["url", "method", "status", "headers", "body", "json", "error"];

/// One test of a task: an input, and what must come of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TestCase {
    /// The file in the task's folder.
    pub file: String,
    /// What it is about.
    pub name: String,
    /// What the task gets.
    pub input: Value,
    /// What it must return; `None` when it does not matter.
    pub expected: Option<Value>,
    /// That it must fail.
    pub should_fail: bool,
    /// A part of what its failure must say.
    pub expected_error: Option<String>,
    /// What its requests are answered with.
    pub mocks: Vec<FetchMock>,
}

/// What a request is answered with in a test, where nothing reaches the network.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchMock {
    /// The URL; a `*` stands for any text.
    pub url: String,
    /// The method; `None` is any.
    pub method: Option<String>,
    /// The answer.
    pub answer: MockAnswer,
}

/// The answer of a [`FetchMock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MockAnswer {
    /// A response.
    Response {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body.
        body: String,
    },
    /// The request fails, for this reason.
    Error(String),
}

impl FetchMock {
    /// Whether it answers such a request.
    ///
    /// ```
    /// use ratchet_registry::{FetchMock, MockAnswer};
    /// let mock = FetchMock {
    ///     url: "https://api.example.com/*?page=1".to_owned(),
    ///     method: Some("GET".to_owned()),
    ///     answer: MockAnswer::Error("it is away".to_owned()),
    /// };
    /// assert!(mock.answers("get", "https://api.example.com/users?page=1"));
    /// assert!(!mock.answers("GET", "https://api.example.com/users?page=2"));
    /// assert!(!mock.answers("POST", "https://api.example.com/users?page=1"));
    /// ```
    #[must_use]
    pub fn answers(&self, method: &str, url: &str) -> bool {
        let mut method_suits = self
            .method
            .iter()
            .map(|wanted| wanted.eq_ignore_ascii_case(method));
        method_suits.next().unwrap_or(true) && matches(&self.url, url)
    }
}

/// Whether a text is a pattern's, in which each `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|begin| text.strip_prefix(begin)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

/// Reads the tests in a task's folder, in the order of their files.
///
/// # Errors
/// Everything that is wrong with them, each with file, field, value and rule.
pub fn read_test_cases(folder: &Path) -> Result<Vec<TestCase>, Vec<ValidationIssue>> {
    let mut faults = Faults::of(folder);
    let listed = Contained::open(folder).and_then(|files| Ok((files.list(TESTS_FOLDER, ".json")?, files)));
    let mut cases = Vec::new();
    match listed {
        Ok((names, _)) if names.len() > MOST_TESTS => {
            let message = format!("{} tests: at most {MOST_TESTS} are allowed", names.len());
            faults.file(TESTS_FOLDER, message);
        }
        Ok((names, files)) => {
            for name in names {
                match faults.json(&files, &name, TEST_BYTES) {
                    Some(Value::Object(fields)) => cases.push(TestCase::read(&name, fields, &mut faults)),
                    Some(_) => faults.file(&name, "a JSON object is needed".to_owned()),
                    None => {}
                }
            }
        }
        Err(error) => faults.file(TESTS_FOLDER, format!("cannot be read: {error}")),
    }
    match faults.issues.is_empty() {
        true => Ok(cases),
        false => Err(faults.issues),
    }
}

impl TestCase {
    fn read(file: &str, fields: Map<String, Value>, faults: &mut Faults) -> Self {
        let mut object = Object { file, fields, faults };
        let name = object.text("name", 200);
        let input = object.fields.remove("input").unwrap_or_else(|| json!({}));
        let expected = object.fields.remove("expected");
        let expected_output = object.fields.remove("expected_output");
        if let (Some(_), Some(other)) = (&expected, &expected_output) {
            object.refuse(
                "expected_output",
                other,
                "expected says the same: give one of them",
            );
        }
        let expected_error = object.text("expected_error", 10_000);
        let should_fail = object.flag("should_fail").unwrap_or(expected_error.is_some());
        let mut expected = expected.or(expected_output);
        if should_fail {
            // What a task that must fail returns can only be written down as nothing.
            expected = expected.filter(|expected| !expected.is_null());
            if let Some(expected) = &expected {
                object.refuse("expected", expected, "a task that must fail returns nothing");
            }
        }
        let mut mocks = Vec::new();
        match object.take("mocks") {
            None => {}
            Some(Value::Array(given)) => {
                for (place, mock) in given.into_iter().enumerate() {
                    let field = format!("mocks[{place}]");
                    match mock {
                        Value::Object(fields) => {
                            let file = format!("{file}: {field}");
                            mocks.extend(FetchMock::read(&file, fields, object.faults));
                        }
                        other => object.refuse(&field, &other, "a JSON object is needed"),
                    }
                }
            }
            Some(other) => object.refuse("mocks", &other, "allowed is a list of objects"),
        }
        let Object { fields: left, .. } = object;
        faults.misspelt(file, &left, &KEYS);
        Self {
            name: name.unwrap_or_else(|| {
                let begin = file.rfind('/').map_or(0, |place| place + 1);
                file[begin..].trim_end_matches(".json").to_owned()
            }),
            file: file.to_owned(),
            input,
            expected,
            should_fail,
            expected_error,
            mocks,
        }
    }
}

impl FetchMock {
    fn read(file: &str, fields: Map<String, Value>, faults: &mut Faults) -> Option<Self> {
        let mut object = Object { file, fields, faults };
        if !object.fields.contains_key("url") {
            object.missing("url", "a mock names the URL, in which * stands for any text");
        }
        let url = object.text("url", 10_000);
        let method = object.text("method", 20);
        let error = object.text("error", 1_000);
        let status = object.read("status", |value| whole_number(value, 100, 599, ""));
        let headers = object.read("headers", headers).unwrap_or_default();
        let body = object.read("body", |value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| "allowed is a text; for anything else there is json".to_owned())
        });
        let json = object.fields.remove("json");
        if let (Some(_), Some(json)) = (&body, &json) {
            object.refuse("json", json, "body says the same: give one of them");
        }
        if error.is_some() && (status.is_some() || body.is_some() || json.is_some()) {
            let told = Value::from(error.clone());
            object.refuse("error", &told, "a request that fails has no status and no body");
        }
        let left: Vec<(String, Value)> = std::mem::take(&mut object.fields).into_iter().collect();
        for (key, value) in left {
            let rule = format!("there is no such key; there are {}", MOCK_KEYS.join(", "));
            object.refuse(&key, &value, rule);
        }
        let answer = match error {
            Some(error) => MockAnswer::Error(error),
            None => {
                let mut headers = headers;
                let names_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case("content-type");
                if json.is_some() && !headers.iter().any(names_type) {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                MockAnswer::Response {
                    status: status
                        .and_then(|status| u16::try_from(status).ok())
                        .unwrap_or(200),
                    headers,
                    body: body
                        .or_else(|| json.map(|json| json.to_string()))
                        .unwrap_or_default(),
                }
            }
        };
        Some(Self {
            url: url?,
            method,
            answer,
        })
    }
}

fn headers(value: &Value) -> Result<Vec<(String, String)>, String> {
    let rule = || "allowed is an object of texts".to_owned();
    let fields = value.as_object().ok_or_else(rule)?;
    fields
        .iter()
        .map(|(name, value)| Ok((name.clone(), value.as_str().ok_or_else(rule)?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_is_any_text_and_nothing_else_is_a_pattern() {
        for (pattern, text, expected) in [
            ("https://a/b", "https://a/b", true),
            ("https://a/b", "https://a/bc", false),
            ("https://a/*", "https://a/", true),
            ("https://a/*", "https://a", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a*a", "a", false),
            ("a.b?c", "axb?c", false),
            ("*x*", "axb", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
