use chrono::{DateTime, Utc};
use ratchet_interfaces::{NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::failure::During;
use crate::reader::Reader;
use crate::row::{awaited, micros};
use crate::writer::{Transaction, WriteError, Writer};

const RENEW: &str = "UPDATE jobs SET lease_until = $2 WHERE status = 'processing' AND lease_owner = $1";

const NEXT_END: &str = "SELECT MIN(lease_until) FROM jobs WHERE status = 'processing' AND lease_owner <> $1";

pub(super) async fn renew(
    writer: &Writer,
    node: NodeId,
    until: DateTime<Utc>,
) -> Result<u64, RepositoryError> {
    writer
        .write((node, until), |(node, until), transaction| {
            Box::pin(write(*node, *until, transaction))
        })
        .await
        .map_err(|error| error.during("renewing the leases on running jobs"))
}

async fn write(node: NodeId, until: DateTime<Utc>, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let statement = renew_statement(transaction.get_database_backend(), node, until);
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}

fn renew_statement(backend: DbBackend, node: NodeId, until: DateTime<Utc>) -> Statement {
    Statement::from_sql_and_values(backend, RENEW, [node.as_uuid().into(), micros(until).into()])
}

pub(super) async fn next_end(
    reader: &Reader,
    node: NodeId,
) -> Result<Option<DateTime<Utc>>, RepositoryError> {
    const DURING: &str = "looking for the next lease to end";
    let backend = reader.get_database_backend();
    let statement = Statement::from_sql_and_values(backend, NEXT_END, [node.as_uuid().into()]);
    let row = reader.query_one_raw(statement).await.during(DURING)?;
    let end: Option<i64> = match row {
        Some(row) => row.try_get_by_index(0).during(DURING)?,
        None => None,
    };
    Ok(awaited(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn leases_are_looked_for_among_the_jobs_in_processing_only() {
        let statement = renew_statement(DbBackend::Sqlite, NodeId::new(), DateTime::UNIX_EPOCH);
        assert_eq!(steps(statement).await, ["SCAN jobs USING INDEX jobs_processing"]);
    }
}
