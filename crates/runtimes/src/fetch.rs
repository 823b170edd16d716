use async_trait::async_trait;
use ratchet_outbound::{OutboundClient, OutboundError, OutboundRequest, OutboundResponse};

/// Sends the requests of tasks. A test of a task answers them itself.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Sends the request and has its answer, of whatever status.
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError>;
}

#[async_trait]
impl Fetch for OutboundClient {
    async fn fetch(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        self.send(request).await
    }
}
