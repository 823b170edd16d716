use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratchet_interfaces::{RepositoryError, Token, TokenId};

/// What was found out about tokens holds for so long. Another process that changes tokens waits as long before it says so:
/// see [`super::Access::tokens_changed`].
pub(super) const KNOWN_FOR: Duration = Duration::from_millis(100);

/// What was found out about tokens a moment ago, so that not every request asks the database.
#[derive(Debug, Default)]
pub(super) struct KnownTokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How often tokens were changed over this server.
    changes: u64,
    /// Whether there is one, and until when that holds.
    any: Option<(Duration, bool)>,
    /// Those that there are, each with when it ceases to hold.
    tokens: HashMap<TokenId, (Duration, Token)>,
}

impl KnownTokens {
    /// Forgets all, also what is just being found out.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        let changes = known.changes + 1;
        *known = Known {
            changes,
            ..Known::default()
        };
    }

    /// Whether there is a token, by `look` if it is not known.
    pub(super) async fn is_any(
        &self,
        now: Duration,
        look: impl Future<Output = Result<bool, RepositoryError>>,
    ) -> Result<bool, RepositoryError> {
        let changes = {
            let known = self.known();
            if let Some((until, any)) = known.any
                && now < until
            {
                return Ok(any);
            }
            known.changes
        };
        let any = look.await?;
        let mut known = self.known();
        if known.changes == changes {
            known.any = Some((now + KNOWN_FOR, any));
        }
        Ok(any)
    }

    /// The token, by `look` if it is not known. That there is none is not kept: anybody can ask for those.
    pub(super) async fn find(
        &self,
        id: TokenId,
        now: Duration,
        look: impl Future<Output = Result<Option<Token>, RepositoryError>>,
    ) -> Result<Option<Token>, RepositoryError> {
        let changes = {
            let known = self.known();
            if let Some((until, token)) = known.tokens.get(&id)
                && now < *until
            {
                return Ok(Some(token.clone()));
            }
            known.changes
        };
        let found = look.await?;
        let mut known = self.known();
        if known.changes == changes
            && let Some(token) = &found
        {
            known.tokens.retain(|_, (until, _)| now < *until);
            known.tokens.insert(id, (now + KNOWN_FOR, token.clone()));
        }
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use chrono::DateTime;
    use ratchet_interfaces::Scope;

    use super::*;
    use crate::auth::IssuedToken;

    fn token() -> Token {
        IssuedToken::new("ci".to_owned(), Scope::Read, None, DateTime::UNIX_EPOCH)
            .unwrap()
            .token
    }

    #[tokio::test]
    async fn what_was_found_out_holds_for_a_moment() {
        let known = KnownTokens::default();
        let looks = Cell::new(0);
        let token = token();
        let is_any = |millis| {
            known.is_any(Duration::from_millis(millis), async {
                looks.set(looks.get() + 1);
                Ok(true)
            })
        };
        let find = |millis| {
            known.find(token.id, Duration::from_millis(millis), async {
                looks.set(looks.get() + 1);
                Ok(Some(token.clone()))
            })
        };
        for (millis, expected) in [(0, 2), (99, 2), (100, 4), (199, 4), (200, 6)] {
            assert!(is_any(millis).await.unwrap());
            assert_eq!(find(millis).await.unwrap().as_ref(), Some(&token));
            assert_eq!(looks.get(), expected, "{millis}");
        }
    }

    #[tokio::test]
    async fn what_is_forgotten_is_found_out_anew_also_where_it_was_just_being_found_out() {
        let known = KnownTokens::default();
        let now = Duration::ZERO;
        let any = |any| known.is_any(now, ready(Ok(any)));
        assert!(!any(false).await.unwrap());
        known.forget();
        assert!(any(true).await.unwrap());
        known.forget();

        let token = token();
        let changed_meanwhile = async {
            known.forget();
            Ok(Some(token.clone()))
        };
        assert!(
            known
                .find(token.id, now, changed_meanwhile)
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(known.find(token.id, now, ready(Ok(None))).await.unwrap(), None);
        let changed_meanwhile = async {
            known.forget();
            Ok(false)
        };
        assert!(!known.is_any(now, changed_meanwhile).await.unwrap());
        assert!(any(true).await.unwrap());
    }

    #[tokio::test]
    async fn that_there_is_no_such_token_is_not_kept() {
        let known = KnownTokens::default();
        let token = token();
        let find = |found| known.find(token.id, Duration::ZERO, ready(Ok(found)));
        assert_eq!(find(None).await.unwrap(), None);
        assert_eq!(find(Some(token.clone())).await.unwrap(), Some(token.clone()));
    }
}
