use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// What was to be allowed is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("network \"{value}\": {rule}")]
pub struct AddressPolicyError {
    /// What was given.
    pub value: String,
    /// What is allowed.
    pub rule: String,
}

/// A request got no answer. Of its URL only the host is named: the rest may hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The request cannot be sent as it stands.
    #[error("{field} of the request: {rule}")]
    InvalidRequest {
        /// Which part of it.
        field: String,
        /// What is allowed.
        rule: String,
    },
    /// The host is at an address that may not be connected to.
    #[error("{host}: its address {address} is not allowed")]
    Forbidden {
        /// The host, as it was asked for.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// The answer was not complete in time.
    #[error("{host}: no complete answer within {} s", after.as_secs_f64())]
    TimedOut {
        /// The host that was asked last.
        host: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The answer is larger than is allowed.
    #[error("{host}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// The host that answered.
        host: String,
        /// How large it may be.
        limit: usize,
    },
    /// The answer was yet another redirect.
    #[error("{host}: more than {limit} redirects")]
    TooManyRedirects {
        /// The host of the last one.
        host: String,
        /// How many are followed.
        limit: u32,
    },
    /// The answer leads to where no request can be sent.
    #[error("{host}: it redirects to what is not allowed: {rule}")]
    InvalidRedirect {
        /// The host that answered.
        host: String,
        /// What is allowed.
        rule: String,
    },
    /// The host was not reached, or did not speak HTTP.
    #[error("{host}: it cannot be reached")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The answer began, and broke off.
    #[error("{host}: the answer broke off")]
    Interrupted {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No client can be set up.
    #[error("encrypted connections cannot be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

impl OutboundError {
    pub(crate) fn invalid(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self::InvalidRequest {
            field: field.into(),
            rule: rule.into(),
        }
    }
}
