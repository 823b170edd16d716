use std::time::Duration;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{RepositoryError, with_causes};
use tokio::sync::watch;

use crate::auth::caller::Identity;
use crate::state::{ApiState, Services};

/// What other processes did to the tokens of the database is seen after so long at the latest.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// After how long it is tried again where the database did not answer.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Tells all whose answers have no end that tokens of this server are others now.
#[derive(Debug)]
pub(super) struct TokenNews(watch::Sender<()>);

impl Default for TokenNews {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl TokenNews {
    pub(super) fn tell(&self) {
        self.0.send_replace(());
    }
}

/// That somebody may be answered, for as long as the answer takes: a token may expire or be revoked meanwhile, and who
/// needed none may need one.
pub(crate) struct Permit {
    identity: Identity,
    services: Services,
    open_without_tokens: bool,
    news: watch::Receiver<()>,
    /// When the database is asked next, on the clock that never goes back.
    look_at: Duration,
}

impl Permit {
    pub(crate) fn new(identity: Identity, services: Services, state: &ApiState) -> Self {
        let access = state.access();
        Self {
            open_without_tokens: access.config.open_without_tokens,
            news: access.token_news.0.subscribe(),
            look_at: services.clock.monotonic() + LOOKED_AT_EVERY,
            identity,
            services,
        }
    }

    /// Whether it still holds. The database is asked where something may have changed, and else nothing.
    pub(crate) async fn holds(&mut self) -> bool {
        if matches!(self.identity, Identity::CommandLine) {
            return true;
        }
        if self
            .expires_at()
            .is_some_and(|expires| expires <= self.services.clock.now())
        {
            return false;
        }
        let now = self.services.clock.monotonic();
        let is_news = self.news.has_changed().unwrap_or(false);
        if !is_news && now < self.look_at {
            return true;
        }
        self.news.mark_unchanged();
        match self.is_stored().await {
            Ok(is_stored) => {
                self.look_at = now + LOOKED_AT_EVERY;
                is_stored
            }
            Err(error) => {
                tracing::warn!(
                    error = with_causes(&error),
                    "whether a token is still valid could not be read"
                );
                self.look_at = now + TRIED_AGAIN_AFTER;
                true
            }
        }
    }

    /// Waits until it may hold no more: [`holds`](Self::holds) says whether it does. Dropping the future cancels the wait.
    pub(crate) async fn in_doubt(&mut self) {
        if matches!(self.identity, Identity::CommandLine) {
            return std::future::pending().await;
        }
        let expires = self.expires_at();
        let clock = &self.services.clock;
        let left = self.look_at.saturating_sub(clock.monotonic());
        let expiry = async {
            match expires {
                Some(expires) => {
                    clock.wait_until(expires).await;
                }
                None => std::future::pending().await,
            }
        };
        let news = async {
            if self.news.changed().await.is_err() {
                // The server ends, and with it every answer.
                std::future::pending().await
            }
        };
        tokio::select! {
            () = news => self.news.mark_changed(),
            () = clock.sleep(left) => {}
            () = expiry => {}
        }
    }

    fn expires_at(&self) -> Option<DateTime<Utc>> {
        match &self.identity {
            Identity::Token(token) => token.expires_at,
            Identity::Local | Identity::CommandLine => None,
        }
    }

    async fn is_stored(&self) -> Result<bool, RepositoryError> {
        let tokens = self.services.repositories.tokens();
        Ok(match &self.identity {
            Identity::Token(token) => tokens
                .token_find(token.id)
                .await?
                .is_some_and(|token| token.is_valid(self.services.clock.now())),
            Identity::Local => self.open_without_tokens && !tokens.token_exists().await?,
            Identity::CommandLine => true,
        })
    }
}
