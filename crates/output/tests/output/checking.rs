//! What is said of a destination before anything is delivered to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratchet_interfaces::OutputDelivery;
use serde_json::{Value, json};

use crate::world::{destination, guarded, manager};

fn told(json: Value) -> Option<String> {
    manager(guarded("unused")).check(&destination(json))
}

fn hook(field: &str, value: Value) -> Option<String> {
    let mut webhook = json!({"url": "https://example.org/"});
    webhook[field] = value;
    told(json!({"destinationType": "webhook", "webhook": webhook}))
}

fn file(field: &str, value: Value) -> Option<String> {
    let mut options = json!({"path": "a"});
    options[field] = value;
    told(json!({"destinationType": "filesystem", "filesystem": options}))
}

#[test]
fn destinations_within_the_bounds_are_fine() {
    let url = |length: usize| format!("https://example.org/{}", "x".repeat(length - 20));
    for fine in [
        hook("url", json!(url(2_048))),
        hook("timeoutSeconds", json!(1)),
        hook("timeoutSeconds", json!(300)),
        hook(
            "signingSecret",
            json!(format!("whsec_{}", STANDARD.encode([1; 24]))),
        ),
        hook("headers", json!({"X-Team": "blue", "Authorization": "Custom x"})),
        hook(
            "retryPolicy",
            json!({"maxAttempts": 10, "initialDelaySeconds": 1, "maxDelaySeconds": 1, "backoffMultiplier": 10}),
        ),
        file("path", json!("reports/{{ task }}/{{ tick }}.json")),
        file("permissions", json!("0644")),
        told(json!({"destinationType": "stdio", "template": "{{ output }}", "stdio": {}})),
    ] {
        assert_eq!(fine, None);
    }
}

#[test]
fn what_is_wrong_is_told_with_field_value_and_rule() {
    let url = |length: usize| format!("https://example.org/{}", "x".repeat(length - 20));
    for (wrong, expected) in [
        (
            hook("url", json!(url(2_049))),
            "webhook.url has 2049 characters: 2048 are allowed",
        ),
        (
            hook("url", json!("ftp://example.org/")),
            "webhook: URL of the request: http and https are allowed",
        ),
        (
            hook("url", json!("example.org")),
            "webhook: URL of the request: relative URL without a base; an absolute one is allowed",
        ),
        (
            hook("url", json!("http://127.0.0.1/")),
            "webhook: 127.0.0.1: its address 127.0.0.1 is not allowed",
        ),
        (
            hook("url", json!("http://[::1]/")),
            "webhook: [::1]: its address ::1 is not allowed",
        ),
        (
            hook("timeoutSeconds", json!(0)),
            "webhook.timeoutSeconds is 0: 1 through 300 is allowed",
        ),
        (
            hook("timeoutSeconds", json!(301)),
            "webhook.timeoutSeconds is 301: 1 through 300 is allowed",
        ),
        (
            hook("retryPolicy", json!({"maxAttempts": 0})),
            "webhook.retryPolicy.maxAttempts is 0: 1 through 10 is allowed",
        ),
        (
            hook("retryPolicy", json!({"maxAttempts": 11})),
            "webhook.retryPolicy.maxAttempts is 11: 1 through 10 is allowed",
        ),
        (
            hook(
                "retryPolicy",
                json!({"initialDelaySeconds": 5, "maxDelaySeconds": 4}),
            ),
            "webhook.retryPolicy.maxDelaySeconds is 4: it must not be shorter than initialDelaySeconds",
        ),
        (
            hook("retryPolicy", json!({"initialDelaySeconds": -1})),
            "webhook.retryPolicy.initialDelaySeconds is -1: allowed is 0.001 through 604800 seconds",
        ),
        (
            hook("retryPolicy", json!({"backoffMultiplier": 0.5})),
            "webhook.retryPolicy.backoffMultiplier is 0.5: allowed is 1 through 10",
        ),
        (
            hook("headers", json!({"bad name": "x"})),
            "webhook: header \"bad name\" of the request: its name is not one of HTTP",
        ),
        (
            hook("headers", json!({"Content-Type": "x"})),
            "webhook.headers.Content-Type: webhook.contentType says it",
        ),
        (
            hook("headers", json!({"Host": "a\nb"})),
            "webhook: header \"Host\" of the request: its value has a character that HTTP does not allow",
        ),
        (
            hook("headers", json!({"Webhook-Id": "x"})),
            "webhook.headers.Webhook-Id: it is set by the signature of the message",
        ),
        (
            file("path", json!("../x")),
            "filesystem.path is \"../x\": \".\" and \"..\" are not allowed: it stays below the output folder",
        ),
        (
            file("path", json!("/etc/x")),
            "filesystem.path is \"/etc/x\": it must be relative to the output folder",
        ),
        (
            file("path", json!("{{ a")),
            "template filesystem.path, line 1, column 4: syntax error: unexpected end of input, expected end of variable block",
        ),
        (
            file("permissions", json!("999")),
            "filesystem.permissions is \"999\": three octal digits are allowed, for example 644",
        ),
        (
            told(json!({"destinationType": "stdio", "template": "{{ output | uper }}", "stdio": {}})),
            "template template, line 1, column 13: unknown filter: filter uper is unknown",
        ),
        (
            told(
                json!({"destinationType": "filesystem", "filesystem": {"path": "a", "format": "XML", "mode": "append"}}),
            ),
            "filesystem.mode is \"append\": a file in format XML is one document, and nothing can be added",
        ),
    ] {
        assert_eq!(wrong.as_deref(), Some(expected));
    }
}

#[test]
fn no_secret_is_in_what_is_told() {
    const SECRET: &str = "s3cret";
    for wrong in [
        hook("url", json!("https://me:s3cret@example.org/")),
        hook("url", json!("https://exa mple/s3cret")),
        hook("headers", json!({"X-Token": "s3cret\n"})),
        hook("signingSecret", json!("whsec_s3cret")),
        hook("signingSecret", json!("********")),
        hook(
            "authentication",
            json!({"authType": "bearer", "bearer": {"token": ""}}),
        ),
        hook(
            "authentication",
            json!({"authType": "bearer", "bearer": {"token": "s3cret\n"}}),
        ),
        hook(
            "authentication",
            json!({"authType": "bearer", "bearer": {"token": "********"}}),
        ),
        hook(
            "authentication",
            json!({"authType": "basic", "basic": {"username": "a:b", "password": "s3cret"}}),
        ),
        hook(
            "authentication",
            json!({"authType": "api_key", "apiKey": {"key": "s3cret", "headerName": "webhook-id"}}),
        ),
        hook(
            "authentication",
            json!({"authType": "api_key", "apiKey": {"key": "s3cret", "headerName": "a b"}}),
        ),
    ] {
        let told = wrong.unwrap();
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn the_destinations_of_the_manual_are_in_order() {
    let manual = include_str!("../../../../docs/outputs.md");
    let examples: Vec<&str> = manual
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        assert_eq!(told(serde_json::from_str(example).unwrap()), None, "{example}");
    }
}
