use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratchet_interfaces::{RepositoryError, Token, TokenId, TokenRepository};

use super::secret::ShownToken;

/// How long what the database said of a token is taken for true. What is done over this server's API holds at once;
/// what is done beside it, by the command line or another server, holds so much later at the most.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// Of how many tokens something is known at most.
const MOST: usize = 1_000;

/// What was read of the tokens a moment ago, so that not every request asks the database.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How often it was all forgotten: what was asked before is not to be known after.
    forgotten: u64,
    exists: Option<Fact<bool>>,
    /// Only of those whose secret was shown, which strangers cannot.
    tokens: HashMap<TokenId, Fact<Token>>,
}

#[derive(Clone, Debug)]
struct Fact<T> {
    what: T,
    /// In monotonic time.
    until: Duration,
}

impl<T> Fact<T> {
    fn holds(&self, now: Duration) -> bool {
        now < self.until
    }
}

impl KnownTokens {
    /// Whether there is any token that was not revoked.
    pub(super) async fn exist(
        &self,
        repository: &dyn TokenRepository,
        now: Duration,
    ) -> Result<bool, RepositoryError> {
        let forgotten = {
            let known = self.known();
            if let Some(fact) = known.exists.as_ref().filter(|fact| fact.holds(now)) {
                return Ok(fact.what);
            }
            known.forgotten
        };
        let what = repository.token_exists().await?;
        let mut known = self.known();
        if known.forgotten == forgotten {
            let until = now + KNOWN_FOR;
            known.exists = Some(Fact { what, until });
        }
        Ok(what)
    }

    /// The token that is shown, if it is one.
    pub(super) async fn find(
        &self,
        shown: &ShownToken<'_>,
        repository: &dyn TokenRepository,
        now: Duration,
    ) -> Result<Option<Token>, RepositoryError> {
        let forgotten = {
            let known = self.known();
            if let Some(fact) = known.tokens.get(&shown.id).filter(|fact| fact.holds(now)) {
                return Ok(Some(fact.what.clone()).filter(|token| shown.is(token)));
            }
            known.forgotten
        };
        let found = repository.token_find(shown.id).await?;
        let found = found.filter(|token| shown.is(token));
        let mut known = self.known();
        if let Some(token) = &found
            && known.forgotten == forgotten
        {
            if known.tokens.len() >= MOST {
                known.tokens.retain(|_, fact| fact.holds(now));
            }
            if known.tokens.len() < MOST {
                let (what, until) = (token.clone(), now + KNOWN_FOR);
                known.tokens.insert(token.id, Fact { what, until });
            }
        }
        Ok(found)
    }

    /// Forgets everything: a token was made or revoked.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        *known = Known {
            forgotten: known.forgotten + 1,
            ..Known::default()
        };
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::{MockTokenRepository, Scope};

    use super::*;
    use crate::auth::IssuedToken;

    fn issued() -> IssuedToken {
        IssuedToken::new("ci".to_owned(), Scope::Read, None, DateTime::UNIX_EPOCH).unwrap()
    }

    #[tokio::test]
    async fn the_database_is_asked_once_a_second_whether_there_are_tokens() {
        let mut repository = MockTokenRepository::new();
        repository.expect_token_exists().times(1).returning(|| Ok(false));
        let known = KnownTokens::default();
        for _ in 0..2 {
            assert!(!known.exist(&repository, Duration::ZERO).await.unwrap());
        }
        repository.checkpoint();
        repository.expect_token_exists().times(1).returning(|| Ok(true));
        assert!(known.exist(&repository, KNOWN_FOR).await.unwrap());
    }

    #[tokio::test]
    async fn a_token_is_read_once_a_second_and_at_once_after_one_was_revoked() {
        let IssuedToken { token, text } = issued();
        let shown = ShownToken::read(text.expose()).unwrap();
        let mut repository = MockTokenRepository::new();
        let stored = token.clone();
        repository
            .expect_token_find()
            .times(3)
            .returning(move |_| Ok(Some(stored.clone())));
        let known = KnownTokens::default();
        let late = KNOWN_FOR - Duration::from_millis(1);
        for now in [Duration::ZERO, late, KNOWN_FOR] {
            assert_eq!(
                known.find(&shown, &repository, now).await.unwrap(),
                Some(token.clone())
            );
        }
        known.forget();
        assert!(
            known
                .find(&shown, &repository, KNOWN_FOR)
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn a_wrong_secret_is_none_whether_the_token_is_known_or_not() {
        let IssuedToken { token, text } = issued();
        let shown = ShownToken::read(text.expose()).unwrap();
        let other = issued();
        let mut wrong = ShownToken::read(other.text.expose()).unwrap();
        wrong.id = token.id;
        let mut repository = MockTokenRepository::new();
        repository
            .expect_token_find()
            .returning(move |_| Ok(Some(token.clone())));
        let known = KnownTokens::default();
        assert_eq!(
            known.find(&wrong, &repository, Duration::ZERO).await.unwrap(),
            None
        );
        assert!(
            known
                .find(&shown, &repository, Duration::ZERO)
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(
            known.find(&wrong, &repository, Duration::ZERO).await.unwrap(),
            None
        );
    }
}
