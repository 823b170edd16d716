use std::net::IpAddr;
use std::sync::Arc;

use ratchet_interfaces::{AuditEntry, Token, TokenId};

use crate::operation::Operation;
use crate::rate::Client;

/// Who sends a request.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// Somebody on this machine; nobody needs a token.
    Local,
    /// This process itself, which has the database.
    CommandLine,
    Token(Token),
}

/// A request that may be done: who sends it, from where, and what for.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) operation: Arc<Operation>,
}

#[cfg(test)]
impl Caller {
    /// Somebody on this machine who asks for an operation of a test's own.
    pub(crate) fn local(id: &str, method: axum::http::Method, scope: ratchet_interfaces::Scope) -> Self {
        Self {
            identity: Identity::Local,
            peer: None,
            operation: Arc::new(Operation::new(id.to_owned(), method, scope)),
        }
    }
}

impl Identity {
    pub(crate) const fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Local | Self::CommandLine => None,
            Self::Token(token) => Some(token.id),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Local => AuditEntry::LOCAL,
            Self::CommandLine => AuditEntry::COMMAND_LINE,
            Self::Token(token) => &token.name,
        }
    }

    /// As whom requests are counted.
    pub(super) fn client(&self, peer: Option<IpAddr>) -> Client {
        match self {
            Self::Local | Self::CommandLine => Client::at(peer),
            Self::Token(token) => Client::Token(token.id),
        }
    }
}
