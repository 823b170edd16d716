use chrono::{DateTime, Utc};
use ratchet_interfaces::{Secret, Token};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::IssuedToken;
use crate::example;
use crate::named::{Name, ScopeName};

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// Its id.
    #[schema(example = json!(example::TOKEN))]
    id: String,
    /// What it is called: unique among those that are not revoked.
    #[schema(example = "deploy")]
    name: String,
    /// What it allows.
    scope: ScopeName,
    /// When it was made.
    #[schema(example = "2026-01-01T12:00:00Z")]
    created_at: DateTime<Utc>,
    /// It is refused from this instant on; null is never.
    #[schema(example = "2030-01-01T00:00:00Z")]
    expires_at: Option<DateTime<Utc>>,
    /// When it was shown last, to the minute.
    #[schema(example = "2026-01-05T08:00:00Z")]
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
