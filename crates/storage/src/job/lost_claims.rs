use chrono::{DateTime, Utc};
use ratchet_interfaces::{ExecutionId, NodeId, Recovery, RepositoryError};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::ended_execution;
use super::orphans::{put_back_sql, recovery};
use crate::row::{micros, text};
use crate::writer::{Transaction, WriteError, Writer};

/// A job that is settled meanwhile loses its status and its running attempt at once, so it is seen with both or with
/// neither.
const OF_NODE: &str = "j.lease_owner = $1";

struct LostClaims {
    node: NodeId,
    known: Vec<ExecutionId>,
    now: DateTime<Utc>,
    reason: String,
}

pub(super) async fn recover(
    writer: &Writer,
    node: NodeId,
    known: &[ExecutionId],
    now: DateTime<Utc>,
    reason: &str,
) -> Result<Recovery, RepositoryError> {
    let claims = LostClaims {
        node,
        known: known.to_vec(),
        now,
        reason: text(reason),
    };
    writer
        .write(claims, |claims, transaction| {
            Box::pin(put_back(claims, transaction))
        })
        .await
        .map_err(|error| error.during("recovering jobs whose claim got no answer"))
}

async fn put_back(claims: &LostClaims, transaction: &Transaction<'_>) -> Result<Recovery, WriteError> {
    let lost = lost(claims, transaction).await?;
    let backend = transaction.get_database_backend();
    // They are few: as many as one claim takes at the most. One statement each keeps the statements simple.
    let (mut failed, mut recovered) = (Vec::new(), Vec::new());
    for job in lost {
        let values = || {
            [
                job.into(),
                micros(claims.now).into(),
                sea_orm::Value::from(claims.reason.as_str()),
            ]
        };
        let fail = ended_execution::write_returning("'failed'", "$3", "$2", "jobs AS j WHERE j.id = $1");
        let fail = Statement::from_sql_and_values(backend, fail, values());
        failed.extend(transaction.query_all_raw(fail).await?);
        let put_back = Statement::from_sql_and_values(backend, put_back_sql(backend, "j.id = $1"), values());
        recovered.extend(transaction.query_all_raw(put_back).await?);
    }
    recovery(&failed, &recovered, claims.now, transaction).await
}

/// The jobs that the node processes by attempts that it does not know.
async fn lost(claims: &LostClaims, transaction: &Transaction<'_>) -> Result<Vec<Uuid>, WriteError> {
    let backend = transaction.get_database_backend();
    let lock = match backend {
        sea_orm::DbBackend::Postgres => "ORDER BY j.id FOR UPDATE",
        _ => "",
    };
    let sql = format!(
        "SELECT j.id, j.execution_id FROM jobs AS j WHERE j.status = 'processing' AND {OF_NODE} {lock}"
    );
    let statement = Statement::from_sql_and_values(backend, sql, [claims.node.as_uuid().into()]);
    let mut lost = Vec::new();
    for row in transaction.query_all_raw(statement).await? {
        let attempt: Option<Uuid> = row.try_get_by_index(1)?;
        if !attempt.is_some_and(|id| claims.known.contains(&ExecutionId::from_uuid(id))) {
            lost.push(row.try_get_by_index(0)?);
        }
    }
    Ok(lost)
}
