//! Which fields there are, and where.

use serde_json::{Map, Value};

use crate::nearest::advice;

pub(crate) const SCHEDULE: &[&str] = &[
    "task",
    "cron",
    "every",
    "after",
    "timezone",
    "description",
    "enabled",
    "input",
    "policies",
    "priority",
    "maxRetries",
    "timeoutSeconds",
    "outputs",
    "metadata",
];

pub(crate) const POLICIES: &[&str] = &[
    "misfire",
    "graceSeconds",
    "catchUpMax",
    "catchUpWindowSeconds",
    "overlap",
    "bufferLimit",
    "spreadSeconds",
    "maxRuns",
    "pauseAfterFailures",
];

/// Objects of an output, by the path to them, and their fields.
const OUTPUTS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "destinationType",
            "template",
            "results",
            "stdio",
            "filesystem",
            "webhook",
        ],
    ),
    (
        "stdio",
        &["stream", "format", "includeMetadata", "lineBuffered", "prefix"],
    ),
    (
        "filesystem",
        &[
            "path",
            "format",
            "compression",
            "mode",
            "permissions",
            "includeMetadata",
        ],
    ),
    (
        "webhook",
        &[
            "url",
            "method",
            "headers",
            "timeoutSeconds",
            "contentType",
            "retryPolicy",
            "authentication",
            "signingSecret",
        ],
    ),
    (
        "webhook.retryPolicy",
        &[
            "maxAttempts",
            "initialDelaySeconds",
            "maxDelaySeconds",
            "backoffMultiplier",
        ],
    ),
    (
        "webhook.authentication",
        &["authType", "bearer", "basic", "apiKey"],
    ),
    ("webhook.authentication.bearer", &["token"]),
    ("webhook.authentication.basic", &["username", "password"]),
    ("webhook.authentication.apiKey", &["key", "headerName"]),
];

/// The object whose members are called as its owner likes.
pub(crate) const HEADERS: &str = "webhook.headers";

/// Tells of each member that is no field.
pub(crate) fn check(object: &Map<String, Value>, known: &[&str], mut wrong: impl FnMut(&str, String)) {
    for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
        wrong(name, advice(name, known));
    }
}

/// The same for an output, at all depths. `path` is that within the output.
pub(crate) fn check_output(value: &Value, path: &str, wrong: &mut impl FnMut(&str, String)) {
    let Value::Object(object) = value else {
        return;
    };
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    let Some((_, known)) = OUTPUTS.iter().find(|(place, _)| *place == path) else {
        return;
    };
    check(object, known, |name, rule| wrong(&below(name), rule));
    for (name, value) in object {
        check_output(value, &below(name), wrong);
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{OutputDestination, SchedulePolicies};
    use serde_json::json;

    use super::*;

    fn unknown(output: &Value) -> Vec<String> {
        let mut found = Vec::new();
        check_output(output, "", &mut |path, _| found.push(path.to_owned()));
        found
    }

    #[test]
    fn each_field_of_an_output_that_is_stored_is_known() {
        for output in [
            json!({"destinationType": "stdio", "template": "t", "stdio": {"prefix": "a"}}),
            json!({"destinationType": "filesystem", "filesystem": {
                "path": "a", "compression": "GZIP", "permissions": "644"
            }}),
            json!({"destinationType": "webhook", "webhook": {
                "url": "https://example.org", "headers": {"A": "b"}, "signingSecret": "whsec_a",
                "authentication": {"authType": "api_key", "apiKey": {"key": "k", "headerName": "X"}},
            }}),
        ] {
            let destination: OutputDestination = serde_json::from_value(output).unwrap();
            let stored = serde_json::to_value(&destination).unwrap();
            assert_eq!(unknown(&stored), Vec::<String>::new());
        }
    }

    #[test]
    fn an_unknown_field_is_found_however_deep_and_headers_may_have_any_name() {
        let output = json!({"destinationType": "webhook", "wbhook": {}, "webhook": {
            "url": "https://example.org", "headers": {"X-Any": "b"}, "retryPolicy": {"maxAttemps": 3},
        }});
        assert_eq!(unknown(&output), ["wbhook", "webhook.retryPolicy.maxAttemps"]);
    }

    #[test]
    fn there_are_as_many_policies_as_a_schedule_has() {
        // A policy that is added breaks this pattern, and is to be added above.
        let SchedulePolicies {
            misfire: _,
            grace: _,
            catch_up_max: _,
            catch_up_window: _,
            overlap: _,
            buffer_limit: _,
            spread: _,
            max_runs: _,
            pause_after_failures: _,
        } = SchedulePolicies::default();
        assert_eq!(POLICIES.len(), 9);
    }
}
