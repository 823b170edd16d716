use chrono::{DateTime, Utc};
use ratchet_interfaces::{Secret, Token};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::IssuedToken;
use crate::named::{Name, ScopeName};

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(crate) struct TokenView {
    id: String,
    /// What it is called: unique among those that are not revoked.
    name: String,
    /// What it allows.
    scope: ScopeName,
    created_at: DateTime<Utc>,
    /// It is refused from this instant on; null is never.
    expires_at: Option<DateTime<Utc>>,
    /// When it was shown last, to the minute.
    last_used_at: Option<DateTime<Utc>>,
    /// It is refused since this instant.
    revoked_at: Option<DateTime<Utc>>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let Token {
            id,
            name,
            scope,
            hash: _,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        } = token;
        Self {
            id: id.to_string(),
            name,
            scope: Name(scope),
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        }
    }
}

/// A token that was made just now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewToken {
    #[serde(flatten)]
    of_token: TokenView,
    /// What its owner shows from now on. It is told this once; an answer that is replayed has null.
    #[schema(value_type = Option<String>, example = "rat_<id>_<secret>")]
    token: Option<Secret>,
}

impl NewToken {
    pub(super) fn with_secret(issued: IssuedToken) -> Self {
        let IssuedToken { token, text } = issued;
        Self {
            of_token: token.into(),
            token: Some(text),
        }
    }

    pub(super) fn without_secret(token: Token) -> Self {
        Self {
            of_token: token.into(),
            token: None,
        }
    }
}
