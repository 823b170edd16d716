use std::fmt::Write;

use chrono::{DateTime, Utc};
use ratchet_interfaces::{Scope, Secret, Token, TokenId};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// What every token begins with, so that scanners for leaked secrets know one.
const PREFIX: &str = "rat_";
/// How many hexadecimal digits an id has, and a secret of 256 bits.
const ID_DIGITS: usize = 32;
const SECRET_DIGITS: usize = 64;

/// A new token, and the text that its owner shows from now on: `rat_<id>_<secret>`. The text exists only here; it is shown
/// once, and stored nowhere.
#[derive(Clone, Debug)]
pub(crate) struct IssuedToken {
    /// What is stored.
    pub(crate) token: Token,
    /// What is shown.
    pub(crate) text: Secret,
}

impl IssuedToken {
    /// Makes a token with 256 bits from the operating system's source of randomness.
    ///
    /// Its SHA-256 is stored. A slow hash such as argon2 defends passwords, which can be guessed; nobody tries 2^256
    /// secrets, and a slow hash at every request would make the server easy to keep busy.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub(crate) fn new(
        name: String,
        scope: Scope,
        expires_at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Self, std::io::Error> {
        let mut random = [0; SECRET_DIGITS / 2];
        getrandom::fill(&mut random).map_err(std::io::Error::from)?;
        let mut secret = String::with_capacity(SECRET_DIGITS);
        for byte in random {
            // Writing to a String does not fail.
            let _ = write!(secret, "{byte:02x}");
        }
        let token = Token {
            id: TokenId::new(),
            name,
            scope,
            hash: hash(&secret),
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let text = format!("{PREFIX}{}_{secret}", token.id.as_uuid().simple());
        Ok(Self {
            token,
            text: Secret::new(text),
        })
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a request shows as its token.
pub(super) struct ShownToken<'a> {
    pub(super) id: TokenId,
    secret: &'a str,
}

impl<'a> ShownToken<'a> {
    /// Reads what has the form of a token.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let has = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        if !has(id, ID_DIGITS) || !has(secret, SECRET_DIGITS) {
            return None;
        }
        let id = Uuid::try_parse(id).ok()?;
        Some(Self {
            id: TokenId::from_uuid(id),
            secret,
        })
    }

    /// Whether it is this token. How long the comparison takes says nothing of how much is alike.
    pub(super) fn is(&self, token: &Token) -> bool {
        hash(self.secret).ct_eq(&token.hash).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued() -> IssuedToken {
        IssuedToken::new("ci".to_owned(), Scope::Read, None, DateTime::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_token_is_known_by_its_text_and_by_no_other() {
        let (one, other) = (issued(), issued());
        let shown = ShownToken::read(one.text.expose()).unwrap();
        assert_eq!(shown.id, one.token.id);
        assert!(shown.is(&one.token));
        assert!(!shown.is(&other.token));
        assert_ne!(one.token.hash, other.token.hash);
        assert!(!format!("{one:?}").contains(&one.text.expose()[40..]));
    }

    #[test]
    fn what_is_stored_does_not_have_the_secret() {
        let issued = issued();
        let secret = issued.text.expose().rsplit('_').next().unwrap();
        assert_eq!(secret.len(), 64);
        let stored: String = issued
            .token
            .hash
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_ne!(stored, secret);
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let text = issued().text.expose().to_owned();
        for other in [
            "",
            "rat_",
            "rat__",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}0"),
            &text.replace("rat_", "cat_"),
            &format!("{}ä", &text[..text.len() - 2]),
        ] {
            assert!(ShownToken::read(other).is_none(), "{other}");
        }
    }
}
