use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{Clock, Token, TokenId, with_causes};

use crate::auth::known::{KNOWN_FOR, KnownTokens};
use crate::auth::permit::TokenNews;
use crate::config::ApiConfig;
use crate::idempotency::RunningKeys;
use crate::rate::RateLimit;
use crate::state::Services;

/// The last use of a token is noted no more often than this.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Old rows are deleted no more often than this, while changes come in.
const PRUNED_EVERY: Duration = Duration::from_secs(3_600);

/// What the routes know of those who ask, besides what the database does.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) config: ApiConfig,
    pub(crate) rate: RateLimit,
    pub(crate) running: RunningKeys,
    pub(super) token_news: TokenNews,
    pub(super) known: KnownTokens,
    /// Whether requests come from this process alone.
    pub(super) trusts_everybody: bool,
    /// When the use of a token was noted last: as many as there are tokens in use.
    noted: Mutex<HashMap<TokenId, DateTime<Utc>>>,
    next_pruning: Mutex<Duration>,
}

impl Access {
    pub(crate) fn new(config: ApiConfig) -> Self {
        Self {
            rate: RateLimit::new(config.requests_per_second),
            config,
            running: RunningKeys::default(),
            token_news: TokenNews::default(),
            known: KnownTokens::default(),
            trusts_everybody: false,
            noted: Mutex::default(),
            next_pruning: Mutex::default(),
        }
    }

    /// For requests of this process alone.
    pub(crate) fn of_this_process() -> Self {
        Self {
            trusts_everybody: true,
            ..Self::new(ApiConfig::default())
        }
    }

    /// A token was made or revoked, or may have been. When this returns, every server of the database goes by that: this one
    /// looks again, also at whoever is being answered, and a command waits until a server beside it does.
    pub(crate) async fn tokens_changed(&self, clock: &dyn Clock) {
        self.known.forget();
        self.token_news.tell();
        if self.trusts_everybody {
            clock.sleep(KNOWN_FOR).await;
        }
    }

    /// Notes that a token was used, beside the request.
    pub(super) fn note_use(&self, token: &Token, services: &Services) {
        let now = services.clock.now();
        if !self.is_worth_noting(token, now) {
            return;
        }
        let (tokens, id) = (services.repositories.tokens(), token.id);
        tokio::spawn(async move {
            if let Err(error) = tokens.token_touch(id, now).await {
                tracing::warn!(
                    token.id = %id,
                    error = with_causes(&error),
                    "the last use of a token could not be noted"
                );
            }
        });
    }

    fn is_worth_noting(&self, token: &Token, now: DateTime<Utc>) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.get(&token.id).copied().max(token.last_used_at);
        let is_due = last.is_none_or(|last| now - last >= USE_NOTED_EVERY);
        if is_due {
            noted.insert(token.id, now);
        }
        is_due
    }

    /// Whether old rows are to be deleted now; true once in a while. A command leaves that to the server.
    pub(crate) fn begins_pruning(&self, now: Duration) -> bool {
        if self.trusts_everybody {
            return false;
        }
        let mut next = self.next_pruning.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = *next <= now;
        if is_due {
            *next = now + PRUNED_EVERY;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::IssuedToken;

    #[test]
    fn the_use_of_a_token_is_noted_once_a_minute_and_not_before_the_database_is_a_minute_behind() {
        let access = Access::new(ApiConfig::default());
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let mut token = IssuedToken::new("ci".to_owned(), ratchet_interfaces::Scope::Read, None, at(0))
            .unwrap()
            .token;
        let noted = |token: &Token, second| access.is_worth_noting(token, at(second));
        assert!(noted(&token, 0));
        assert!(!noted(&token, 59));
        assert!(noted(&token, 60));
        token.last_used_at = Some(at(100));
        assert!(!noted(&token, 150));
        assert!(noted(&token, 160));
        let other = Token {
            id: TokenId::new(),
            ..token
        };
        assert!(noted(&other, 160));
    }

    #[test]
    fn old_rows_are_deleted_at_the_first_change_and_then_once_an_hour() {
        let access = Access::new(ApiConfig::default());
        let begins = |second| access.begins_pruning(Duration::from_secs(second));
        assert_eq!(
            [0, 1, 3_599, 3_600, 3_601].map(begins),
            [true, false, false, true, false]
        );
    }
}
