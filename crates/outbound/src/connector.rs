use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::AddressPolicy;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;
type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Says at which addresses a host is.
pub(crate) type Resolver = Arc<dyn Fn(String) -> Lookup + Send + Sync>;

/// The machine's own resolver.
pub(crate) fn system_resolver() -> Resolver {
    Arc::new(|host| {
        // The port is the request's; the connector puts it in.
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    })
}

/// The host is at this address, and must not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the address {0} is not allowed")]
pub(crate) struct ForbiddenAddress(pub(crate) IpAddr);

/// Connects to addresses that the policy permits. What is checked is what is connected to: there is no second look-up
/// by which a name could come to mean another address.
#[derive(Clone)]
pub(crate) struct GuardedConnector {
    policy: Arc<AddressPolicy>,
    connector: HttpConnector<GuardedResolver>,
}

impl GuardedConnector {
    pub(crate) fn new(policy: AddressPolicy, resolver: Resolver) -> Self {
        let policy = Arc::new(policy);
        let mut connector = HttpConnector::new_with_resolver(GuardedResolver {
            policy: Arc::clone(&policy),
            resolver,
        });
        connector.enforce_http(false);
        connector.set_nodelay(true);
        Self { policy, connector }
    }
}

impl Service<Uri> for GuardedConnector {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // A literal never gets to the resolver.
        let host = uri.host().unwrap_or_default();
        let literal = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        if let Ok(address) = literal
            && !self.policy.permits(address)
        {
            return Box::pin(async move { Err(ForbiddenAddress(address).into()) });
        }
        let connecting = self.connector.call(uri);
        Box::pin(async move { Ok(connecting.await?) })
    }
}

/// Gives the addresses of a name that may be connected to.
#[derive(Clone)]
struct GuardedResolver {
    policy: Arc<AddressPolicy>,
    resolver: Resolver,
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let policy = Arc::clone(&self.policy);
        let lookup = (self.resolver)(name.as_str().to_owned());
        Box::pin(async move {
            let found = lookup.await?;
            let (permitted, refused): (Vec<_>, Vec<_>) = found
                .into_iter()
                .partition(|address| policy.permits(address.ip()));
            match (permitted.is_empty(), refused.first()) {
                (true, Some(address)) => Err(ForbiddenAddress(address.ip()).into()),
                _ => Ok(permitted.into_iter()),
            }
        })
    }
}
