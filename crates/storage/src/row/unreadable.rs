use ratchet_interfaces::{RepositoryError, with_causes};
use sea_orm::{DbErr, QueryResult};

use super::StoredId;

/// A row that was found and cannot be read. Whoever finds one takes it out of the way of the others.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) id: StoredId,
    /// What cannot be read, and why, in words.
    pub(crate) reason: String,
}

impl Unreadable {
    /// A job whose id is none.
    pub(crate) fn no_uuid(id: StoredId) -> Self {
        Self {
            reason: format!("the stored id of job {id} is no UUID"),
            id,
        }
    }

    /// Reads the model of a row and what it stands for. The outer error is one of the result, not of the row.
    pub(crate) fn or_read<M: sea_orm::FromQueryResult, T>(
        row: &QueryResult,
        read: impl FnOnce(M) -> Result<T, RepositoryError>,
    ) -> Result<Result<T, Self>, DbErr> {
        let id = StoredId::of(row)?;
        let reason = match M::from_query_result(row, "").map(read) {
            Ok(Ok(value)) => return Ok(Ok(value)),
            Ok(Err(corrupt)) => with_causes(&corrupt),
            Err(mistyped) => with_causes(&mistyped),
        };
        Ok(Err(Self { id, reason }))
    }
}
