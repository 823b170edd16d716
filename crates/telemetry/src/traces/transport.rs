use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ratchet_outbound::{OutboundClient, OutboundRequest};
use tokio::runtime::Handle;

/// How long a collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends spans over the client that everything else is sent over, in the runtime of everything else: the thread that
/// gathers spans has none.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) client: OutboundClient,
    pub(super) runtime: Handle,
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut outbound = OutboundRequest::new(parts.method.as_str(), parts.uri.to_string());
        for (name, value) in &parts.headers {
            outbound = outbound.with_header(name.as_str(), value.to_str()?);
        }
        outbound.body = body.to_vec();
        outbound.timeout = PATIENCE;
        outbound.max_redirects = 0;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { client.send(outbound).await });
        let answer = sent.await??;
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.into())?)
    }
}
