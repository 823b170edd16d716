use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use url::{Host, Url};

use crate::connector::{ForbiddenAddress, GuardedConnector, Resolver, system_resolver};
use crate::roots::root_certificates;
use crate::{AddressPolicy, OutboundError, OutboundRequest, OutboundResponse, OutboundStream, redirect};

/// Sends requests to where its policy permits. It is cheap to clone; the clones share their connections.
#[derive(Clone)]
pub struct OutboundClient {
    policy: Arc<AddressPolicy>,
    client: Client<HttpsConnector<GuardedConnector>, Full<Bytes>>,
}

impl std::fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundClient").finish_non_exhaustive()
    }
}

impl OutboundClient {
    const IDLE_CONNECTIONS_PER_HOST: usize = 8;
    /// Shorter than what servers usually keep an idle connection for, so that few are found dead.
    const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

    /// A client with this policy.
    ///
    /// # Errors
    /// [`OutboundError::Setup`], when encryption cannot be set up.
    pub fn new(policy: AddressPolicy) -> Result<Self, OutboundError> {
        Self::with_resolver(policy, system_resolver())
    }

    fn with_resolver(policy: AddressPolicy, resolver: Resolver) -> Result<Self, OutboundError> {
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| OutboundError::Setup(error.into()))?
            .with_root_certificates(root_certificates())
            .with_no_client_auth();
        let policy = Arc::new(policy);
        let connector = HttpsConnector::from((GuardedConnector::new(Arc::clone(&policy), resolver), tls));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Self::IDLE_TIMEOUT)
            .pool_max_idle_per_host(Self::IDLE_CONNECTIONS_PER_HOST)
            .build(connector);
        Ok(Self { policy, client })
    }

    /// Whether a request can be sent at all, as far as that can be said without sending it: a URL, method and headers as
    /// they must be, and an address that is permitted, if the URL names one.
    ///
    /// # Errors
    /// [`OutboundError::InvalidRequest`] or [`OutboundError::Forbidden`].
    pub fn check(&self, request: &OutboundRequest) -> Result<(), OutboundError> {
        request.parsed_method()?;
        request.parsed_headers()?;
        let url = request.parsed_url()?;
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        if self.policy.permits(address) {
            return Ok(());
        }
        Err(OutboundError::Forbidden {
            host: url.host_str().unwrap_or_default().to_owned(),
            address,
        })
    }

    /// Sends a request, follows its redirects, and reads the whole answer. An answer of any status is an answer.
    ///
    /// # Errors
    /// [`OutboundError`] says what kept the answer from being had.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let (timeout, max_redirects) = (request.timeout, request.max_redirects);
        let mut exchange = self.exchange(request)?;
        let answer = tokio::time::timeout(timeout, exchange.answer(max_redirects)).await;
        answer.unwrap_or_else(|_| Err(exchange.timed_out(timeout)))
    }

    /// Sends a request, and hands its answer over as soon as that begins, to be read as it comes. The request's timeout is for
    /// the beginning; a redirect is an answer, and its body may be of any size.
    ///
    /// # Errors
    /// [`OutboundError`] says what kept an answer from beginning.
    pub async fn open(&self, request: OutboundRequest) -> Result<OutboundStream, OutboundError> {
        let timeout = request.timeout;
        let mut exchange = self.exchange(request)?;
        match tokio::time::timeout(timeout, exchange.hop()).await {
            Ok(response) => Ok(OutboundStream::new(exchange.host(), response?)),
            Err(_) => Err(exchange.timed_out(timeout)),
        }
    }

    fn exchange(&self, request: OutboundRequest) -> Result<Exchange<'_>, OutboundError> {
        let (method, url) = (request.parsed_method()?, request.parsed_url()?);
        let mut headers = request.parsed_headers()?;
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(USER_AGENT_VALUE));
        // What is compressed could grow without end when it is read; nothing here would read it.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(Exchange {
            client: self,
            method,
            url,
            headers,
            body: request.body.into(),
            max_body_bytes: request.max_body_bytes,
            cuts_body: request.cuts_body,
        })
    }
}

const USER_AGENT_VALUE: &str = concat!("ratchet/", env!("CARGO_PKG_VERSION"));

/// A request and where it stands.
struct Exchange<'a> {
    client: &'a OutboundClient,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    max_body_bytes: usize,
    cuts_body: bool,
}

impl Exchange<'_> {
    async fn answer(&mut self, max_redirects: u32) -> Result<OutboundResponse, OutboundError> {
        let mut followed = 0;
        loop {
            let response = self.hop().await?;
            let target = match redirect::target(&self.url, response.status(), response.headers()) {
                Some(target) if max_redirects > 0 => target,
                _ => return self.read(response).await,
            };
            if followed == max_redirects {
                return Err(OutboundError::TooManyRedirects {
                    host: self.host(),
                    limit: max_redirects,
                });
            }
            followed += 1;
            let target = target.map_err(|rule| OutboundError::InvalidRedirect {
                host: self.host(),
                rule: rule.to_owned(),
            })?;
            if redirect::becomes_get(response.status(), &self.method) {
                self.method = Method::GET;
                self.body = Bytes::new();
                redirect::strip_content(&mut self.headers);
            }
            if target.origin() != self.url.origin() {
                redirect::strip_for_another_origin(&mut self.headers);
                self.headers
                    .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            self.url = target;
        }
    }

    /// Sends the request to where it stands now.
    async fn hop(&mut self) -> Result<Response<Incoming>, OutboundError> {
        self.take_credentials()?;
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.url.as_str())
            .body(Full::new(self.body.clone()))
            .map_err(|error| OutboundError::invalid("URL", error.to_string()))?;
        *request.headers_mut() = self.headers.clone();
        self.client
            .client
            .request(request)
            .await
            .map_err(|error| match forbidden_address(&error) {
                Some(address) => OutboundError::Forbidden {
                    host: self.host(),
                    address,
                },
                None => OutboundError::Unreachable {
                    host: self.host(),
                    source: error.into(),
                },
            })
    }

    /// A name and password in the URL become a header, by which they are treated as any other secret.
    fn take_credentials(&mut self) -> Result<(), OutboundError> {
        if self.url.username().is_empty() && self.url.password().is_none() {
            return Ok(());
        }
        let mut pair: Vec<u8> = percent_decode_str(self.url.username()).collect();
        pair.push(b':');
        pair.extend(percent_decode_str(self.url.password().unwrap_or_default()));
        let impossible = |_| OutboundError::invalid("URL", "it cannot have a name and password");
        self.url.set_username("").map_err(impossible)?;
        self.url.set_password(None).map_err(impossible)?;
        let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|error| OutboundError::invalid("URL", error.to_string()))?;
        self.headers.entry(AUTHORIZATION).or_insert(value);
        Ok(())
    }

    /// Reads an answer to its end, or as far as it may be long.
    async fn read(&self, response: Response<Incoming>) -> Result<OutboundResponse, OutboundError> {
        let too_large = || OutboundError::TooLarge {
            host: self.host(),
            limit: self.max_body_bytes,
        };
        let (head, mut incoming) = response.into_parts();
        if !self.cuts_body && incoming.size_hint().lower() > self.max_body_bytes as u64 {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| OutboundError::Interrupted {
                host: self.host(),
                source: error.into(),
            })?;
            if let Some(data) = frame.data_ref() {
                let room = self.max_body_bytes - body.len();
                if data.len() > room {
                    if !self.cuts_body {
                        return Err(too_large());
                    }
                    // The connection ends with the answer that is not read to its end.
                    body.extend_from_slice(&data[..room]);
                    break;
                }
                body.extend_from_slice(data);
            }
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter();
        Ok(OutboundResponse {
            status: head.status.as_u16(),
            url: self.url.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body,
        })
    }

    fn timed_out(&self, after: Duration) -> OutboundError {
        OutboundError::TimedOut {
            host: self.host(),
            after,
        }
    }

    fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }
}

/// The address for which the guard refused to connect, if that is what the error comes from.
fn forbidden_address(error: &(dyn Error + 'static)) -> Option<std::net::IpAddr> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(ForbiddenAddress(address)) = error.downcast_ref() {
            return Some(*address);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
