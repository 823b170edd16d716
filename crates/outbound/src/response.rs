use std::time::Duration;

use chrono::{DateTime, Utc};

/// What was answered.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundResponse {
    /// The status, for example 200.
    pub status: u16,
    /// Where the answer came from, after all redirects, without a name and password.
    pub url: String,
    /// The headers, their names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl OutboundResponse {
    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// How long the answer asks to be left alone, by its `Retry-After`: seconds, or an instant. One that has passed is
    /// no time at all.
    #[must_use]
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // What is too large for a number is as good as for ever.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        let until = DateTime::parse_from_rfc2822(value).ok()?;
        Some((until.to_utc() - now).to_std().unwrap_or_default())
    }
}

impl std::fmt::Debug for OutboundResponse {
    /// Without what may be a secret: the headers' values and the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OutboundResponse")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(value: &str) -> Option<Duration> {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let response = OutboundResponse {
            status: 503,
            url: "http://a/".into(),
            headers: vec![("retry-after".into(), value.into())],
            body: Vec::new(),
        };
        response.retry_after(now)
    }

    #[test]
    fn a_time_to_be_left_alone_is_seconds_or_an_instant() {
        assert_eq!(asks("120"), Some(Duration::from_secs(120)));
        assert_eq!(asks(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            asks("Sun, 01 Mar 2026 12:01:30 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(asks("Sun, 01 Mar 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(
            asks("99999999999999999999999"),
            Some(Duration::from_secs(u64::MAX))
        );
        for nonsense in ["", "soon", "-5", "1.5"] {
            assert_eq!(asks(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_debug_text_shows_no_secret() {
        let response = OutboundResponse {
            status: 200,
            url: "http://a/secret".into(),
            headers: vec![("set-cookie".into(), "secret".into())],
            body: b"secret".to_vec(),
        };
        assert!(!format!("{response:?}").contains("secret"));
    }
}
