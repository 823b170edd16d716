use chrono::{DateTime, Utc};

use crate::filter::conditions;
use crate::name::named_enum;
use crate::{Choice, Filter, InstantBound, TextMatch, TokenId};

named_enum! {
    /// What a token allows. The greater includes the lesser.
    pub enum Scope: "scope" {
        /// Everything may be seen but tokens and the audit log.
        Read = "read",
        /// And everything but tokens may be changed.
        Write = "write",
        /// And tokens may be made and revoked, and the audit log seen.
        Admin = "admin",
    }
}

/// What a client of the API shows to say who it is. Of its secret only the hash is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token's id, which is a part of it.
    pub id: TokenId,
    /// What it is called: unique among those that are not revoked.
    pub name: String,
    /// What it allows.
    pub scope: Scope,
    /// The SHA-256 of its secret.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// It is refused from this instant on.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was shown last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// It is refused since this instant.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A value that a token cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct TokenRule {
    /// The field, as the API calls it.
    pub field: &'static str,
    /// Its value, and what is allowed.
    pub rule: String,
}

impl Token {
    /// The most characters of a name.
    pub const LONGEST_NAME: usize = 100;

    /// Whether it may be shown at this instant.
    #[must_use]
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires| now < expires)
    }

    /// Whether a new token may have this name, and expire then.
    ///
    /// # Errors
    /// [`TokenRule`] names the field, its value, and what is allowed.
    pub fn check(name: &str, expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), TokenRule> {
        let length = name.chars().count();
        let refused = |field, rule| Err(TokenRule { field, rule });
        if !(1..=Self::LONGEST_NAME).contains(&length) {
            let rule = format!(
                "it has {length} characters: 1 to {} are allowed",
                Self::LONGEST_NAME
            );
            return refused("name", rule);
        }
        if name.chars().any(char::is_control) || name.trim() != name {
            let rule = format!(
                "{name:?} is not allowed: it has no control characters, and no space at its beginning or end"
            );
            return refused("name", rule);
        }
        // An entry of the audit log must not be taken for one of nobody's.
        if crate::AuditEntry::is_reserved(name) || name.parse::<TokenId>().is_ok() {
            let rule = format!("{name:?} is not allowed: \"local\", \"command line\" and ids are no names");
            return refused("name", rule);
        }
        if let Some(expires) = expires_at
            && expires <= now
        {
            let rule = format!("{} is past: it lies in the future", expires.to_rfc3339());
            return refused("expiresAt", rule);
        }
        Ok(())
    }
}

/// Which tokens a list holds.
pub type TokenFilter = Filter<TokenCondition>;

conditions! {
    /// What a token must be to stand in a list.
    pub enum TokenCondition {
        /// See [`Token::id`].
        Id(Choice<TokenId>) = "id",
        /// See [`Token::name`].
        Name(TextMatch) = "name",
        /// See [`Token::scope`].
        Scope(Choice<Scope>) = "scope",
        /// Whether [`Token::revoked_at`] is there.
        Revoked(bool) = "revoked",
        /// See [`Token::created_at`].
        CreatedAt(InstantBound) = "created_at",
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    #[test]
    fn a_scope_includes_the_lesser_ones() {
        assert!(Scope::Read < Scope::Write && Scope::Write < Scope::Admin);
    }

    #[test]
    fn a_token_ends_at_the_instant_at_which_it_expires_and_when_it_is_revoked() {
        let token = Token {
            id: TokenId::new(),
            name: "deploy".to_owned(),
            scope: Scope::Write,
            hash: [0; 32],
            created_at: NOW,
            expires_at: Some(NOW + TimeDelta::seconds(1)),
            last_used_at: None,
            revoked_at: None,
        };
        assert!(token.is_valid(NOW + TimeDelta::milliseconds(999)));
        assert!(!token.is_valid(NOW + TimeDelta::seconds(1)));
        let for_ever = Token {
            expires_at: None,
            ..token
        };
        assert!(for_ever.is_valid(DateTime::<Utc>::MAX_UTC));
        let revoked = Token {
            revoked_at: Some(NOW),
            ..for_ever
        };
        assert!(!revoked.is_valid(NOW));
    }

    #[test]
    fn a_name_that_could_be_mistaken_and_an_end_that_has_come_are_refused() {
        for name in [
            "",
            " a",
            "a\n",
            "local",
            "command line",
            "00000000-0000-0000-0000-000000000001",
            &"x".repeat(101),
        ] {
            let refused = Token::check(name, None, NOW).unwrap_err();
            assert_eq!(refused.field, "name", "{name}");
        }
        assert_eq!(Token::check("a", Some(NOW), NOW).unwrap_err().field, "expiresAt");
        Token::check("CI of the Straße", Some(NOW + TimeDelta::seconds(1)), NOW).unwrap();
    }
}
