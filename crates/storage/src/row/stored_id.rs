use std::fmt;

use sea_orm::{DbErr, QueryResult, Value};
use uuid::Uuid;

/// A row's `id` as it stands there, so that a row can be named and changed though its id is none: SQLite keeps ids
/// as bytes, and takes any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoredId {
    Uuid(Uuid),
    Bytes(Vec<u8>),
}

impl StoredId {
    /// Comes before every other id that the database can hold.
    pub(crate) const fn first(backend: sea_orm::DbBackend) -> Self {
        match backend {
            sea_orm::DbBackend::Sqlite => Self::Bytes(Vec::new()),
            _ => Self::Uuid(Uuid::nil()),
        }
    }

    /// The id as what it should be, if it is that.
    pub(crate) const fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(id) => Some(*id),
            Self::Bytes(_) => None,
        }
    }

    /// The column `id` of a row.
    pub(crate) fn of(row: &QueryResult) -> Result<Self, DbErr> {
        match row.try_get("", "id") {
            Ok(id) => Ok(Self::Uuid(id)),
            // PostgreSQL has only UUIDs in the column, so that this is of a SQLite row, or fails as well.
            Err(_) => row.try_get("", "id").map(Self::Bytes),
        }
    }
}

impl From<StoredId> for Value {
    fn from(id: StoredId) -> Self {
        match id {
            StoredId::Uuid(id) => id.into(),
            StoredId::Bytes(bytes) => bytes.into(),
        }
    }
}

impl fmt::Display for StoredId {
    /// A UUID, or the bytes as SQL writes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(id) => id.fmt(f),
            Self::Bytes(bytes) => {
                f.write_str("X'")?;
                for byte in bytes {
                    write!(f, "{byte:02X}")?;
                }
                f.write_str("'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_none_is_written_as_sql_writes_it() {
        assert_eq!(StoredId::Bytes(vec![0, 0xab, 9]).to_string(), "X'00AB09'");
        assert_eq!(StoredId::Uuid(Uuid::nil()).to_string(), Uuid::nil().to_string());
    }
}
