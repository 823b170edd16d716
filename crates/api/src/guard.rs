use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use crate::error::ApiError;
use crate::origin::Origin;
use crate::state::ApiState;

/// How long a request may take, from its first byte to its answer's.
const LONGEST: Duration = Duration::from_secs(30);

/// Answers a request that takes too long, or ends in a panic.
pub(crate) async fn to_an_answer(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    tokio::select! {
        answer = AssertUnwindSafe(next.run(request)).catch_unwind() => {
            // The panic itself has been told by the hook; whoever waits for the answer gets one.
            answer.unwrap_or_else(|_| {
                tracing::error!("a request ended in a panic");
                ApiError::internal().into_response()
            })
        }
        () = state.clock().sleep(LONGEST) => ApiError::timed_out(format!(
            "it took longer than {} s; what it was to change may be changed or not: read it again",
            LONGEST.as_secs()
        ))
        .into_response(),
    }
}

/// Refuses what a browser sends for a page of elsewhere.
///
/// Where no token is needed, that the server listens on loopback only is what keeps others out; a page could get around
/// it by a name of its own that leads to 127.0.0.1, or by sending a request whose answer it need not read. A request with
/// a valid token may name any host, as it does behind a proxy, and may come from a page of that host.
pub(crate) fn check(request: &Parts, has_token: bool, allowed: &[Origin]) -> Result<(), ApiError> {
    let authority = request.uri.authority().map(|authority| authority.as_str());
    let hosts = request.headers.get_all(HOST).iter();
    let hosts: Vec<&str> = authority
        .into_iter()
        .chain(hosts.map(|host| host.to_str().unwrap_or("")))
        .collect();
    if let Some(host) = hosts.iter().find(|host| !has_token && !is_local(host)) {
        return Err(ApiError::forbidden(format!(
            "Host is \"{host}\": only requests to localhost, 127.0.0.1 or [::1] are answered without a token"
        )));
    }
    for origin in request.headers.get_all(ORIGIN) {
        if allowed.iter().any(|allowed| allowed.header() == origin) {
            continue;
        }
        let origin = origin.to_str().unwrap_or("");
        let authority = origin
            .parse::<Uri>()
            .ok()
            .and_then(|origin| origin.authority().map(ToString::to_string));
        let is_allowed = authority.is_some_and(|authority| {
            is_local(&authority)
                || (has_token && hosts.iter().any(|host| host.eq_ignore_ascii_case(&authority)))
        });
        if !is_allowed {
            return Err(ApiError::forbidden(format!(
                "Origin is \"{origin}\": only pages of this server, and those that server.cors_origins names, may send \
                 requests"
            )));
        }
    }
    Ok(())
}

/// Whether an authority, `host` or `host:port`, is this machine.
fn is_local(authority: &str) -> bool {
    let (host, rest) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some(parts) => parts,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let local = host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    local && port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for local in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "example.org",
            "localhost.example.org",
            "localhost:80@example.org",
            "127.0.0.1.example.org",
            "10.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::1].example.org",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }

    fn checked(headers: &[(&str, &str)], has_token: bool, allowed: &[Origin]) -> Result<(), ApiError> {
        let mut request = Request::builder().uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        check(&parts, has_token, allowed)
    }

    #[test]
    fn a_page_of_elsewhere_is_refused_and_one_of_here_is_not() {
        for header in [
            ("host", "rebound.example.org:8080"),
            ("origin", "https://example.org"),
            ("origin", "null"),
            ("origin", "file://"),
        ] {
            let refusal = checked(&[header], false, &[]).unwrap_err();
            assert_eq!(refusal.status().as_u16(), 403, "{header:?}");
        }
        assert!(checked(&[("host", "localhost:8080")], false, &[]).is_ok());
        assert!(checked(&[("origin", "http://127.0.0.1:3000")], false, &[]).is_ok());
    }

    #[test]
    fn with_a_token_any_host_may_be_named_and_a_page_of_that_host_may_ask() {
        let host = ("host", "jobs.example.org");
        assert!(checked(&[host], true, &[]).is_ok());
        assert!(checked(&[host, ("origin", "https://jobs.example.org")], true, &[]).is_ok());
        for origin in ["https://example.org", "null", "https://jobs.example.org:8443"] {
            let refusal = checked(&[host, ("origin", origin)], true, &[]).unwrap_err();
            assert_eq!(refusal.status().as_u16(), 403, "{origin}");
        }
        // Without one, the same is what a page does that has a name of its own for this machine.
        assert!(checked(&[host, ("origin", "https://jobs.example.org")], false, &[]).is_err());
    }

    #[test]
    fn a_page_that_is_named_in_the_settings_may_ask() {
        let allowed: [Origin; 1] = ["https://example.org".parse().unwrap()];
        for has_token in [false, true] {
            assert!(checked(&[("origin", "https://example.org")], has_token, &allowed).is_ok());
            assert!(checked(&[("origin", "https://example.org:1")], has_token, &allowed).is_err());
        }
    }
}
