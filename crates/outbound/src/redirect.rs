use hyper::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, HeaderName, LOCATION,
    USER_AGENT,
};
use hyper::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::request::is_web;

/// The headers that go to another origin too: what describes the content, and holds no secret.
const CARRIED: [HeaderName; 6] = [
    ACCEPT,
    ACCEPT_LANGUAGE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    USER_AGENT,
];

/// Where an answer leads, if it does; the rule that is broken when no request can go there.
pub(crate) fn target(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Result<Url, &'static str>> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = headers.get(LOCATION)?;
    let target = str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| from.join(location).ok());
    Some(match target {
        None => Err("a URL is allowed"),
        Some(target) if !is_web(&target) => Err("http and https are allowed"),
        Some(target) => Ok(target),
    })
}

/// Whether the redirected request is a GET without a body, whatever the first one was.
pub(crate) fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => method == Method::POST,
        303 => method != Method::HEAD,
        _ => false,
    }
}

/// Takes out what another origin must not see.
pub(crate) fn strip_for_another_origin(headers: &mut HeaderMap) {
    let mut carried = HeaderMap::with_capacity(CARRIED.len());
    for name in CARRIED {
        for value in headers.get_all(&name) {
            carried.append(name.clone(), value.clone());
        }
    }
    *headers = carried;
}

/// Takes out what describes the body that is no longer sent.
pub(crate) fn strip_content(headers: &mut HeaderMap) {
    for name in [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE] {
        headers.remove(name);
    }
}
