use chrono::{DateTime, Utc};
use ratchet_interfaces::{ExecutionId, NodeId, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use uuid::Uuid;

use super::orphans::{PUT_BACK, PUT_BACK_ANSWER, release_after};
use crate::batch::{Batch, Cell, Column, Kind};
use crate::row::{micros, text};
use crate::writer::{WriteError, Writer};

const KNOWN: &[Column] = &[("id", Kind::Id)];

const FAIL_EXECUTIONS: &str = "UPDATE executions SET status = 'failed', error = $4, completed_at = $3,
        duration_us = CASE WHEN started_at < $3 THEN $3 - started_at ELSE 0 END
    WHERE status = 'running' AND id NOT IN (SELECT b.id FROM {batch} AS b)
      AND job_id IN (SELECT id FROM jobs WHERE status = 'processing' AND lease_owner = $2)";

/// A job that is settled meanwhile loses its status and its open execution at once, so it is seen with both or with
/// neither.
const LOST: &str = "status = 'processing' AND lease_owner = $1
      AND NOT EXISTS (SELECT 1 FROM executions AS e WHERE e.job_id = jobs.id AND e.status = 'running')";

struct LostClaims {
    node: NodeId,
    known: Batch,
    now: DateTime<Utc>,
    reason: String,
}

pub(super) async fn recover(
    writer: &Writer,
    node: NodeId,
    known: &[ExecutionId],
    now: DateTime<Utc>,
    reason: &str,
) -> Result<u64, RepositoryError> {
    let mut batch = Batch::new(writer.backend(), KNOWN);
    // The nil UUID is no execution's; a batch has a row.
    batch.push([Cell::Id(Uuid::nil())]);
    for id in known {
        batch.push([Cell::Id(id.as_uuid())]);
    }
    let claims = LostClaims {
        node,
        known: batch,
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

async fn put_back(claims: &LostClaims, transaction: &DatabaseTransaction) -> Result<u64, WriteError> {
    let LostClaims {
        node,
        known,
        now,
        reason,
    } = claims;
    transaction
        .execute_raw(known.statement(
            FAIL_EXECUTIONS,
            [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()],
        ))
        .await?;
    let recovered = transaction
        .query_all_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            format!("{PUT_BACK} WHERE {LOST} {PUT_BACK_ANSWER}"),
            [node.as_uuid().into(), micros(*now).into(), reason.as_str().into()],
        ))
        .await?;
    release_after(&recovered, *now, transaction).await?;
    Ok(recovered.len() as u64)
}
