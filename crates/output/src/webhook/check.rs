use std::fmt::Display;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ratchet_interfaces::{Secret, WebhookAuthentication, WebhookOptions};

const MAX_URL: usize = 2_048;
const MAX_HEADERS: usize = 50;
const TIMEOUT: RangeInclusive<u32> = 1..=300;
const ATTEMPTS: RangeInclusive<u32> = 1..=10;
/// What the Standard Webhooks specification allows of a key, in bytes.
const KEY: RangeInclusive<usize> = 24..=64;

/// What is wrong with a webhook, as far as it can be said without knowing which addresses are allowed.
pub(super) fn check(options: &WebhookOptions) -> Result<(), String> {
    let WebhookOptions {
        url,
        method: _,
        headers,
        timeout_seconds,
        content_type: _,
        retry_policy,
        authentication,
        signing_secret,
    } = options;
    let length = url.chars().count();
    if length > MAX_URL {
        return Err(format!(
            "webhook.url has {length} characters: {MAX_URL} are allowed"
        ));
    }
    if options.origin().contains("a URL with a name") {
        return Err(
            "webhook.url has a name and password in it: they belong into webhook.authentication".to_owned(),
        );
    }
    within("webhook.timeoutSeconds", timeout_seconds, &TIMEOUT)?;
    within(
        "webhook.retryPolicy.maxAttempts",
        &retry_policy.max_attempts,
        &ATTEMPTS,
    )?;
    retry_policy.backoff().map_err(|error| {
        let (field, rule) = match error.field {
            "initial_seconds" => ("initialDelaySeconds", error.rule),
            "max_seconds" if error.rule.contains("initial") => (
                "maxDelaySeconds",
                "it must not be shorter than initialDelaySeconds",
            ),
            "max_seconds" => ("maxDelaySeconds", error.rule),
            _ => ("backoffMultiplier", error.rule),
        };
        let value = match field {
            "initialDelaySeconds" => retry_policy.initial_delay_seconds,
            "maxDelaySeconds" => retry_policy.max_delay_seconds,
            _ => retry_policy.backoff_multiplier,
        };
        format!("webhook.retryPolicy.{field} is {value}: {rule}")
    })?;
    if headers.len() > MAX_HEADERS {
        return Err(format!(
            "webhook.headers has {} entries: {MAX_HEADERS} are allowed",
            headers.len()
        ));
    }
    for name in headers.keys() {
        if let Some(instead) = is_set_otherwise(name, authentication.as_ref()) {
            return Err(format!("webhook.headers.{}: {instead}", name.escape_debug()));
        }
    }
    if let Some(authentication) = authentication {
        check_authentication(authentication)?;
    }
    if options.secrets().contains(&Secret::MASK) {
        return Err(format!(
            "webhook: \"{}\" stands for a secret that is not shown: give the secret itself",
            Secret::MASK
        ));
    }
    match signing_secret {
        Some(secret) => check_key(secret),
        None => Ok(()),
    }
}

fn within<T: PartialOrd + Display>(field: &str, value: &T, range: &RangeInclusive<T>) -> Result<(), String> {
    if range.contains(value) {
        return Ok(());
    }
    Err(format!(
        "{field} is {value}: {} through {} is allowed",
        range.start(),
        range.end()
    ))
}

/// What says the header instead.
fn is_set_otherwise(name: &str, authentication: Option<&WebhookAuthentication>) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "content-type" => Some("webhook.contentType says it"),
        "webhook-id" | "webhook-timestamp" | "webhook-signature" => {
            Some("it is set by the signature of the message")
        }
        "authorization" => authentication.map(|_| "webhook.authentication says it"),
        _ => None,
    }
}

fn check_authentication(authentication: &WebhookAuthentication) -> Result<(), String> {
    let given = |field: &str, text: &str| {
        if text.is_empty() {
            Err(format!(
                "webhook.authentication.{field} is empty: a text is allowed"
            ))
        } else {
            Ok(())
        }
    };
    match authentication {
        WebhookAuthentication::Bearer { bearer } => given("bearer.token", bearer.token.expose()),
        WebhookAuthentication::Basic { basic } if basic.username.contains(':') => {
            Err("webhook.authentication.basic.username has a colon, by which the name ends".to_owned())
        }
        WebhookAuthentication::Basic { basic } => given("basic.username", &basic.username),
        WebhookAuthentication::ApiKey { api_key } => {
            given("apiKey.key", api_key.key.expose())?;
            match is_set_otherwise(&api_key.header_name, None) {
                Some(instead) => Err(format!("webhook.authentication.apiKey.headerName: {instead}")),
                None => Ok(()),
            }
        }
    }
}

fn check_key(secret: &Secret) -> Result<(), String> {
    let key = secret.expose();
    let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap_or(key));
    match key {
        Ok(key) if KEY.contains(&key.len()) => Ok(()),
        _ => Err(format!(
            "webhook.signingSecret: \"whsec_\" and the Base64 of {} through {} bytes is allowed",
            KEY.start(),
            KEY.end()
        )),
    }
}
