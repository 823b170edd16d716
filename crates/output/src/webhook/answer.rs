use chrono::{DateTime, Utc};
use ratchet_interfaces::{DeliveryError, DeliveryReceipt, Secret, WebhookOptions};
use ratchet_outbound::OutboundResponse;

/// So many characters of an answer are told.
const EXCERPT: usize = 200;

/// A secret as short as this is in many a text by chance.
const SHORTEST_HIDDEN: usize = 4;

/// What an answer means: 2xx that it arrived; 408, 425, 429 and 5xx that it may another time; all else that it will not.
pub(super) fn judge(
    response: &OutboundResponse,
    options: &WebhookOptions,
    now: DateTime<Utc>,
) -> Result<DeliveryReceipt, DeliveryError> {
    let status = response.status;
    let mut told = format!("HTTP {status}");
    let excerpt = excerpt(&response.body, options);
    if !excerpt.is_empty() {
        told = format!("{told}: {excerpt}");
    }
    match status {
        200..=299 => Ok(DeliveryReceipt { detail: Some(told) }),
        300..=399 => Err(DeliveryError::Refused {
            message: format!("{told}: no redirect is followed; webhook.url must be where it leads to"),
            retryable: false,
            retry_after: None,
        }),
        _ => Err(DeliveryError::Refused {
            message: told,
            retryable: matches!(status, 408 | 425 | 429 | 500..=599),
            retry_after: response.retry_after(now),
        }),
    }
}

/// The beginning of an answer on one line. Some receivers echo what they were sent: no secret of ours is repeated.
fn excerpt(body: &[u8], options: &WebhookOptions) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in options.secrets() {
        if secret.len() >= SHORTEST_HIDDEN {
            text = text.replace(secret, Secret::MASK);
        }
    }
    if let Some(authentication) = &options.authentication {
        let (_, credentials) = super::credentials(authentication);
        text = text.replace(&credentials, Secret::MASK);
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = words.chars().filter(|character| !character.is_control());
    shown.take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<DeliveryReceipt, DeliveryError> {
        let options: WebhookOptions = serde_json::from_value(json!({
            "url": "https://example.org/",
            "authentication": {"authType": "basic", "basic": {"username": "me", "password": "s3cret"}},
        }))
        .unwrap();
        let response = OutboundResponse {
            status,
            url: "https://example.org/".to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        };
        judge(&response, &options, "2026-11-24T06:00:00Z".parse().unwrap())
    }

    #[test]
    fn only_a_2xx_is_an_arrival_and_only_what_may_pass_is_retried() {
        for status in [200, 201, 202, 204, 299] {
            let receipt = answer(status, &[], "").unwrap();
            assert_eq!(receipt.detail, Some(format!("HTTP {status}")));
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(answer(status, &[], "").unwrap_err().is_retryable(), "{status}");
        }
        for status in [
            301, 302, 307, 308, 304, 400, 401, 403, 404, 409, 410, 422, 600, 999,
        ] {
            assert!(!answer(status, &[], "").unwrap_err().is_retryable(), "{status}");
        }
    }

    #[test]
    fn a_receiver_that_asks_to_be_left_alone_is() {
        let wait = |value| {
            answer(503, &[("retry-after", value)], "")
                .unwrap_err()
                .retry_after()
        };
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(
            wait("Tue, 24 Nov 2026 06:01:00 GMT"),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn an_answer_is_told_in_short_without_secrets() {
        let told = |body: &str| answer(400, &[], body).unwrap_err().to_string();
        assert_eq!(told("bad\r\n\t\u{1b}[31m  thing"), "HTTP 400: bad [31m thing");
        assert_eq!(
            told(&"ü".repeat(10_000)),
            format!("HTTP 400: {}", "ü".repeat(200))
        );
        assert_eq!(
            told("you sent s3cret and Basic bWU6czNjcmV0"),
            "HTTP 400: you sent ******** and ********"
        );
    }
}
