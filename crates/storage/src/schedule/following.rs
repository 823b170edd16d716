//! Which schedule follows which: nobody follows itself, by way of whomever, and nobody is deleted who is followed.
//!
//! On PostgreSQL two edits at once might close a circle of which neither sees the other half. So whoever has a schedule
//! follow another holds one lock until the commit, and looks at the chain in a later statement, which sees what was
//! committed while it waited.

use ratchet_interfaces::{RepositoryError, ScheduleId, UnifiedSchedule};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use uuid::Uuid;

use crate::writer::{Transaction, WriteError};

/// Held by who has a schedule follow another.
const POSTGRES_LOCK: i64 = 0x7261_7463_6865_7404;

/// How many of those that follow a schedule an error names.
const NAMED: i64 = 5;

/// From a schedule along those that it follows, until the end or until it comes up again. A circle without it would not
/// end: the error is then that of those within.
const CHAIN: &str = "WITH RECURSIVE chain (id, name, follows_id, place) AS (
        SELECT id, name, follows_id, 0 FROM schedules WHERE id = $1
        UNION ALL
        SELECT s.id, s.name, s.follows_id, c.place + 1 FROM chain AS c JOIN schedules AS s ON s.id = c.follows_id
        WHERE (c.place = 0 OR c.id <> $1) AND c.place < 1000
    )
    SELECT id, name FROM chain ORDER BY place";

const FOLLOWERS: &str =
    "SELECT name, COUNT(*) OVER () FROM schedules WHERE follows_id = $1 ORDER BY name LIMIT $2";

/// The schedules that follow others, in the form in which they are checked.
pub(super) fn of<'a>(schedules: impl IntoIterator<Item = &'a UnifiedSchedule>) -> Vec<ScheduleId> {
    schedules
        .into_iter()
        .filter(|schedule| schedule.follows().is_some())
        .map(|schedule| schedule.id)
        .collect()
}

/// To be called before these are written.
pub(super) async fn lock(following: &[ScheduleId], transaction: &Transaction<'_>) -> Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    if following.is_empty() || backend != DbBackend::Postgres {
        return Ok(());
    }
    let lock = "SELECT pg_advisory_xact_lock($1)";
    transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            lock,
            [POSTGRES_LOCK.into()],
        ))
        .await
        .map(drop)
}

/// To be called when these are written: refuses one that follows itself.
pub(super) async fn check(following: &[ScheduleId], transaction: &Transaction<'_>) -> Result<(), WriteError> {
    for id in following {
        let chain =
            Statement::from_sql_and_values(transaction.get_database_backend(), CHAIN, [id.as_uuid().into()]);
        let mut names: Vec<String> = Vec::new();
        let mut last: Option<Uuid> = None;
        for row in transaction.query_all_raw(chain).await? {
            last = Some(row.try_get_by_index(0)?);
            names.push(row.try_get_by_index::<String>(1)?);
        }
        if names.len() > 1 && last == Some(id.as_uuid()) {
            let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
            let circle = names.join(" follows ");
            return Err(RepositoryError::FollowingCycle { circle }.into());
        }
    }
    Ok(())
}

/// Refuses to delete a schedule that others follow.
pub(super) async fn refuse_deletion(id: ScheduleId, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    let values = [id.as_uuid().into(), NAMED.into()];
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), FOLLOWERS, values);
    let mut names: Vec<String> = Vec::new();
    let mut total = 0;
    for row in transaction.query_all_raw(statement).await? {
        names.push(format!("\"{}\"", row.try_get_by_index::<String>(0)?));
        total = row.try_get_by_index(1)?;
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut followers = names.join(", ");
    if total > NAMED {
        followers.push_str(&format!(" and {} more", total - NAMED));
    }
    let id = id.to_string();
    Err(RepositoryError::IsFollowed { id, followers }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps_on;

    #[tokio::test]
    async fn a_chain_and_who_follows_are_found_by_key() {
        let id: sea_orm::Value = ScheduleId::new().as_uuid().into();
        let statement = |sql: &str, values: Vec<sea_orm::Value>| {
            Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)
        };
        assert_eq!(
            steps_on("s", statement(CHAIN, vec![id.clone()])).await,
            ["SEARCH s USING INDEX sqlite_autoindex_schedules_1 (id=?)"]
        );
        assert_eq!(
            steps_on("schedules", statement(FOLLOWERS, vec![id, NAMED.into()])).await,
            ["SEARCH schedules USING INDEX schedules_follows_id (follows_id=?)"]
        );
    }
}
