use std::fmt;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use url::Url;

use crate::OutboundError;

/// What is to be sent.
#[derive(Clone)]
pub struct OutboundRequest {
    /// The method, for example `POST`.
    pub method: String,
    /// An `http` or `https` URL. A name and password in it are sent as basic authentication.
    pub url: String,
    /// Further headers. A redirect to another origin gets only those that describe the content.
    pub headers: Vec<(String, String)>,
    /// The body; an empty one is none.
    pub body: Vec<u8>,
    /// How long the whole exchange may take, with all redirects, until the answer's last byte.
    pub timeout: Duration,
    /// How large the answer's body may be.
    pub max_body_bytes: usize,
    /// How many redirects are followed. With 0 a redirect is the answer.
    pub max_redirects: u32,
}

impl OutboundRequest {
    /// A request with this method: 30 seconds, 10 MiB, 10 redirects.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(30),
            max_body_bytes: 10 * 1024 * 1024,
            max_redirects: 10,
        }
    }

    /// A GET request, as [`OutboundRequest::new`].
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A POST request with this body, as [`OutboundRequest::new`].
    #[must_use]
    pub fn post(url: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into(),
            ..Self::new("POST", url)
        }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn parsed_method(&self) -> Result<Method, OutboundError> {
        let rule = "an HTTP method other than CONNECT and TRACE is allowed";
        match Method::from_bytes(self.method.as_bytes()) {
            Ok(method) if method != Method::CONNECT && method != Method::TRACE => Ok(method),
            _ => Err(OutboundError::invalid(
                format!("method \"{}\"", self.method),
                rule,
            )),
        }
    }

    pub(crate) fn parsed_url(&self) -> Result<Url, OutboundError> {
        let rule = |rule: &str| OutboundError::invalid("URL", rule);
        let url =
            Url::parse(&self.url).map_err(|error| rule(&format!("{error}; an absolute one is allowed")))?;
        if !is_web(&url) {
            return Err(rule("http and https are allowed"));
        }
        Ok(url)
    }

    pub(crate) fn parsed_headers(&self) -> Result<HeaderMap, OutboundError> {
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        for (name, value) in &self.headers {
            let field = || format!("header \"{name}\"");
            let parsed: HeaderName = name
                .parse()
                .map_err(|_| OutboundError::invalid(field(), "its name is not one of HTTP"))?;
            // The value is not shown: it may be a secret.
            let value: HeaderValue = value.parse().map_err(|_| {
                OutboundError::invalid(field(), "its value has a character that HTTP does not allow")
            })?;
            if OWN_HEADERS.contains(&parsed.as_str()) {
                return Err(OutboundError::invalid(field(), "it is set by the client itself"));
            }
            headers.append(parsed, value);
        }
        Ok(headers)
    }
}

/// What frames the message: a value that does not fit the body would let one request hide another.
const OWN_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

pub(crate) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

impl fmt::Debug for OutboundRequest {
    /// Without what may be a secret: the URL's rest, the headers' values, the body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("host", &url.as_ref().and_then(Url::host_str))
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("max_redirects", &self.max_redirects)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_cannot_be_sent_names_the_part_and_the_rule() {
        let cases = [
            (
                OutboundRequest::get("/path"),
                "URL of the request: relative URL without a base",
            ),
            (
                OutboundRequest::get("file:///etc/passwd"),
                "URL of the request: http and https are allowed",
            ),
            (OutboundRequest::get("http://"), "URL of the request: empty host"),
            (
                OutboundRequest::get("http://300.0.0.1/"),
                "URL of the request: invalid IPv4 address",
            ),
        ];
        for (request, message) in cases {
            let error = request.parsed_url().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        for method in ["", "CONNECT", "TRACE", "GET /", "GE\nT"] {
            let error = OutboundRequest::new(method, "http://a/")
                .parsed_method()
                .unwrap_err();
            assert!(error.to_string().ends_with("is allowed"), "{error}");
        }
        for (name, value, rule) in [
            ("a b", "x", "its name"),
            ("", "x", "its name"),
            ("a", "x\r\nb: y", "its value"),
            ("Content-Length", "5", "set by the client"),
            ("Transfer-Encoding", "chunked", "set by the client"),
        ] {
            let request = OutboundRequest::get("http://a/").with_header(name, value);
            let error = request.parsed_headers().unwrap_err().to_string();
            assert!(
                error.contains(rule) && error.starts_with(&format!("header \"{name}\"")),
                "{error}"
            );
        }
    }

    #[test]
    fn neither_an_error_nor_a_debug_text_shows_a_secret() {
        let request = OutboundRequest::post("https://me:secret@host/secret?key=secret", "secret")
            .with_header("X-Key", "secret");
        let text = format!("{request:?}");
        assert!(
            !text.contains("secret") && text.contains("host") && text.contains("X-Key"),
            "{text}"
        );
        let request = request.with_header("X-Other", "secret\n");
        assert!(
            !request
                .parsed_headers()
                .unwrap_err()
                .to_string()
                .contains("secret")
        );
    }
}
