use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::{Page, PageRequest, RepositoryError, Token, TokenFilter, TokenId};

/// The table `tokens`. Whoever shows one is looked up here at every request, so that a token counts, and does not count any
/// more, from the next request on, also where another process wrote it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenRepository: Send + Sync {
    /// Stores a new token.
    ///
    /// # Errors
    /// `AlreadyExists` when a token that is not revoked has its name.
    async fn token_create(&self, token: &Token) -> Result<(), RepositoryError>;

    /// The token with this id, revoked or not.
    async fn token_find(&self, id: TokenId) -> Result<Option<Token>, RepositoryError>;

    /// The token with this name that is not revoked.
    async fn token_find_by_name(&self, name: &str) -> Result<Option<Token>, RepositoryError>;

    /// Whether there is a token that is not revoked. One that has expired is: that time passes opens no door.
    async fn token_exists(&self) -> Result<bool, RepositoryError>;

    /// A page of the tokens that match, newest first, and how many match.
    async fn token_list(
        &self,
        filter: &TokenFilter,
        page: PageRequest,
    ) -> Result<Page<Token>, RepositoryError>;

    /// Revokes a token for good. False when there is none, or it was revoked before.
    async fn token_revoke(&self, id: TokenId, at: DateTime<Utc>) -> Result<bool, RepositoryError>;

    /// Notes that a token was used. An instant that is earlier than the one noted changes nothing.
    async fn token_touch(&self, id: TokenId, at: DateTime<Utc>) -> Result<(), RepositoryError>;
}
