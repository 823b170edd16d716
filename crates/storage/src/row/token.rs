use ratchet_interfaces::{RepositoryError, Token, TokenId};
use sea_orm::entity::prelude::*;

use super::{Reading, micros, text};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub scope: String,
    pub hash: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub last_used_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A stored hash that is none.
#[derive(Debug, thiserror::Error)]
#[error("it is not 64 hexadecimal digits")]
pub(crate) struct NoHash;

/// A hash as it is stored, and read.
struct StoredHash([u8; 32]);

impl std::str::FromStr for StoredHash {
    type Err = NoHash;

    fn from_str(digits: &str) -> Result<Self, NoHash> {
        let mut hash = [0; 32];
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NoHash);
        }
        for (byte, place) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[place..place + 2], 16).map_err(|_| NoHash)?;
        }
        Ok(Self(hash))
    }
}

impl std::fmt::Display for StoredHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(crate) fn model(token: &Token) -> Model {
    let Token {
        id,
        name,
        scope,
        hash,
        created_at,
        expires_at,
        last_used_at,
        revoked_at,
    } = token;
    Model {
        id: id.as_uuid(),
        name: text(name),
        scope: scope.as_str().to_owned(),
        hash: StoredHash(*hash).to_string(),
        created_at: micros(*created_at),
        expires_at: expires_at.map(micros),
        last_used_at: last_used_at.map(micros),
        revoked_at: revoked_at.map(micros),
    }
}

pub(crate) fn read(row: Model) -> Result<Token, RepositoryError> {
    let Model {
        id,
        name,
        scope,
        hash,
        created_at,
        expires_at,
        last_used_at,
        revoked_at,
    } = row;
    let id = TokenId::from_uuid(id);
    let reading = Reading::of("token", &id);
    let StoredHash(hash) = reading.name("hash", &hash)?;
    Ok(Token {
        id,
        name,
        scope: reading.name("scope", &scope)?,
        hash,
        created_at: reading.instant("created_at", created_at)?,
        expires_at: reading.instant_or_none("expires_at", expires_at)?,
        last_used_at: reading.instant_or_none("last_used_at", last_used_at)?,
        revoked_at: reading.instant_or_none("revoked_at", revoked_at)?,
    })
}
