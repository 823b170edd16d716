use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ratchet_interfaces::with_causes;
use ratchet_outbound::{
    AddressPolicy, OutboundClient, OutboundError, OutboundRequest, OutboundResponse, OutboundStream,
};
use serde_json::Value;
use sse_stream::SseByteStream;

use super::{Answer, Call, SERVER_VARIABLE};
use crate::cli::{CliError, note};
use crate::command::table::harmless;
use crate::http::INSTANCE;

/// Longer than a server takes for a request that it does not give up.
const PATIENCE: Duration = Duration::from_secs(35);
/// How long a server of this machine may take to say which it is.
const PATIENCE_FOR_A_NAME: Duration = Duration::from_secs(3);
/// A page of the API may have inputs of 2 MiB in each of its 100 rows.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What happens at a server, as it happens.
pub(super) type Events = SseByteStream<OutboundStream>;

/// A server that is spoken to over HTTP.
pub(super) struct Remote {
    client: OutboundClient,
    /// The URL, without a slash at its end.
    base: String,
    token: Option<String>,
}

impl Remote {
    /// The server at a URL that somebody gave.
    pub(super) fn named(url: &str, token: Option<String>) -> Result<Self, CliError> {
        let base = url.trim().trim_end_matches('/');
        // Whoever copies it from the documentation of the API means the server.
        let base = base.strip_suffix(ratchet_api::PREFIX).unwrap_or(base);
        let refused = |rule: &str| {
            Err(CliError::Usage(format!(
                "the server (--server, {SERVER_VARIABLE}) is \"{url}\": {rule}, as in http://127.0.0.1:8080 or \
                 https://ratchet.example.org"
            )))
        };
        let Some((scheme, rest)) = base.split_once("://") else {
            return refused("it begins with http:// or https://");
        };
        if !matches!(scheme, "http" | "https") {
            return refused("it begins with http:// or https://");
        }
        if rest.contains(['?', '#', '@']) {
            return refused("it has no name, password, query or fragment");
        }
        let remote = Self::new(base.to_owned(), token)?;
        if let Err(error) = remote.client.check(&OutboundRequest::get(base)) {
            return refused(&with_causes(&error));
        }
        if remote.token.is_some() && scheme == "http" && !is_loopback(rest) {
            note(&format!("warning: the token goes to {base} without encryption"));
        }
        Ok(remote)
    }

    /// A server that listens on this address of this machine.
    pub(super) fn at(address: SocketAddr, token: Option<String>) -> Result<Self, CliError> {
        let ip = match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            other => other,
        };
        Self::new(format!("http://{}", SocketAddr::new(ip, address.port())), token)
    }

    fn new(base: String, token: Option<String>) -> Result<Self, CliError> {
        // Whoever types the address may reach it.
        let everywhere =
            AddressPolicy::allowing(["0.0.0.0/0", "::/0"]).map_err(|error| CliError::failed(&error))?;
        let client = OutboundClient::new(everywhere).map_err(|error| CliError::failed(&error))?;
        Ok(Self { client, base, token })
    }

    /// Whether it is the server of this id. One that does not answer is none.
    pub(super) async fn is(&self, instance: &str) -> bool {
        let request = OutboundRequest {
            timeout: PATIENCE_FOR_A_NAME,
            max_redirects: 0,
            ..OutboundRequest::get(format!("{}/live", self.base))
        };
        let answer = self.client.send(request).await;
        answer.is_ok_and(|answer| answer.header(INSTANCE) == Some(instance))
    }

    pub(super) async fn send(&self, call: Call) -> Result<Answer, CliError> {
        let mut request = self.request(&call);
        if let Some(etag) = call.if_match {
            request = request.with_header("if-match", etag);
        }
        if let Some(body) = call.body {
            request = request.with_header("content-type", "application/json");
            request.body = body.to_string().into_bytes();
        }
        let answer = self.client.send(request).await;
        self.read(&answer.map_err(|error| self.unanswered(&error))?)
    }

    /// A stream of events, without an end.
    pub(super) async fn events(&self, call: Call) -> Result<Events, CliError> {
        let request = self.request(&call).with_header("accept", "text/event-stream");
        let stream = self.client.open(request).await;
        let stream = stream.map_err(|error| self.unanswered(&error))?;
        match stream.status {
            200 => Ok(SseByteStream::new(stream)),
            status => Err(CliError::Failed(format!("{} answers {status}", self.base))),
        }
    }

    fn request(&self, call: &Call) -> OutboundRequest {
        let request = OutboundRequest {
            timeout: PATIENCE,
            max_body_bytes: MOST_BYTES,
            max_redirects: 0,
            ..OutboundRequest::new(call.method.as_str(), format!("{}{}", self.base, call.target()))
        };
        match &self.token {
            Some(token) => request.with_header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn read(&self, answer: &OutboundResponse) -> Result<Answer, CliError> {
        let body = if answer.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer.body).map_err(|_| self.other(answer, "and no JSON"))?
        };
        match answer.status {
            200..300 if !body.is_null() && !is_of_the_api(&body) => {
                return Err(self.other(answer, "and other JSON than the API's"));
            }
            300..400 => {
                let place = match answer.header("location") {
                    Some(place) => format!("and leads to {}", harmless(place)),
                    None => "and leads elsewhere".to_owned(),
                };
                return Err(self.other(answer, &place));
            }
            // What a proxy says so is understood nevertheless.
            401 | 429 | 503 => {}
            400.. if !body["error"]["message"].is_string() => {
                return Err(self.other(answer, "and no reason"));
            }
            _ => {}
        }
        Ok(Answer {
            status: answer.status,
            retry_after: answer
                .header("retry-after")
                .and_then(|seconds| seconds.parse().ok()),
            etag: answer.header("etag").map(str::to_owned),
            body,
        })
    }

    /// The error that what answers is not what this is the client of.
    fn other(&self, answer: &OutboundResponse, how: &str) -> CliError {
        let Self { base, .. } = self;
        let (status, text) = (answer.status, answer.status_text());
        CliError::Failed(format!(
            "{base} answers {status} {text} {how}: is it a Ratchet server? It is named by --server or {SERVER_VARIABLE}"
        ))
    }

    fn unanswered(&self, error: &OutboundError) -> CliError {
        let base = &self.base;
        match error {
            OutboundError::Unreachable { source, .. } => CliError::Away(format!(
                "{base} cannot be reached: {}. See that a server runs there, and that --server or {SERVER_VARIABLE} is right",
                with_causes(&**source)
            )),
            OutboundError::TimedOut { after, .. } => CliError::Failed(format!(
                "{base} has not answered within {} s; what was to change may be changed or not: look before you repeat it",
                after.as_secs()
            )),
            OutboundError::Interrupted { .. } => CliError::Away(format!(
                "{base} broke its answer off; what was to change may be changed or not: look before you repeat it"
            )),
            other => CliError::Failed(format!("{base}: {}", with_causes(other))),
        }
    }
}

/// Whether it has what every answer has of a request that was done.
fn is_of_the_api(body: &Value) -> bool {
    ["data", "stats", "success"]
        .iter()
        .any(|member| body.get(member).is_some())
}

/// Whether what stands behind the scheme begins with a host of this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_a_url_of_the_web_alone() {
        for wrong in [
            "",
            "localhost:8080",
            "ftp://host",
            "http://",
            "http://me:secret@host",
            "http://host/?a=b",
            "http://300.0.0.1",
        ] {
            let Err(error) = Remote::named(wrong, None) else {
                panic!("{wrong} is taken");
            };
            assert!(matches!(error, CliError::Usage(_)), "{wrong}");
            assert!(error.to_string().contains("--server"), "{error}");
        }
        for (url, base) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            (" https://host/behind/ ", "https://host/behind"),
            ("https://host/api/v1/", "https://host"),
        ] {
            assert_eq!(Remote::named(url, None).ok().unwrap().base, base);
        }
    }

    #[test]
    fn a_server_that_listens_everywhere_is_found_on_loopback() {
        for (address, base) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.7:80", "http://10.0.0.7:80"),
        ] {
            let remote = Remote::at(address.parse().unwrap(), None).ok().unwrap();
            assert_eq!(remote.base, base);
        }
    }

    #[test]
    fn what_is_no_ratchet_server_is_told_of_by_its_url_and_what_it_answers() {
        let remote = Remote::named("http://127.0.0.1:8080", None).ok().unwrap();
        let answer = |status, body: &str| OutboundResponse {
            status,
            headers: vec![("location".to_owned(), "https://login.example.org/".to_owned())],
            body: body.as_bytes().to_vec(),
            url: String::new(),
        };
        for (status, body, told) in [
            (200, "<html>", "200 OK and no JSON"),
            (200, "[]", "200 OK and other JSON"),
            (200, "{\"hello\": 1}", "200 OK and other JSON"),
            (302, "", "302 Found and leads to https://login.example.org/"),
            (502, "", "502 Bad Gateway and no reason"),
            (403, "{\"error\": \"no\"}", "403 Forbidden and no reason"),
        ] {
            let error = remote.read(&answer(status, body)).unwrap_err().to_string();
            let begins = format!("http://127.0.0.1:8080 answers {told}");
            assert!(
                error.starts_with(&begins) && error.contains("--server"),
                "{error}"
            );
        }
        for (status, body) in [
            (200, "{\"data\": null}"),
            (200, "{\"success\": true}"),
            (204, ""),
            (404, "{\"error\": {\"message\": \"none\"}}"),
        ] {
            assert_eq!(remote.read(&answer(status, body)).unwrap().status, status);
        }
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for local in ["localhost", "localhost:80/x", "127.0.0.1:80", "[::1]:80", "[::1]"] {
            assert!(is_loopback(local), "{local}");
        }
        for other in ["example.org", "10.0.0.1:80", "localhost.example.org", "[::2]:80"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
