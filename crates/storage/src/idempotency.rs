use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    IdempotencyClaim, IdempotencyKey, IdempotencyRepository, IdempotencyState, KeptAnswer, RepositoryError,
};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use crate::failure::During;
use crate::row::{Reading, json, micros, text};
use crate::store::Store;
use crate::writer::{Transaction, WriteError};

/// The table `idempotency_keys`.
pub(crate) struct IdempotencyKeys {
    store: Arc<Store>,
}

impl IdempotencyKeys {
    pub(crate) const fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl IdempotencyRepository for IdempotencyKeys {
    async fn idempotency_claim(&self, claim: &IdempotencyClaim) -> Result<IdempotencyState, RepositoryError> {
        self.store
            .writer
            .write(claim.clone(), |wanted, transaction| {
                Box::pin(claim_key(wanted, transaction))
            })
            .await
            .map_err(|error| error.during("claiming an idempotency key"))
    }

    async fn idempotency_keep(
        &self,
        key: &IdempotencyKey,
        answer: &KeptAnswer,
    ) -> Result<(), RepositoryError> {
        self.store
            .writer
            .write((key.clone(), answer.clone()), |(key, answer), transaction| {
                Box::pin(keep(key, answer, transaction))
            })
            .await
            .map_err(|error| error.during("keeping an answer"))
    }

    async fn idempotency_release(&self, key: &IdempotencyKey) -> Result<(), RepositoryError> {
        self.store
            .writer
            .write(key.clone(), |key, transaction| {
                Box::pin(release(key, transaction))
            })
            .await
            .map_err(|error| error.during("freeing an idempotency key"))
    }

    async fn idempotency_prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u64, RepositoryError> {
        self.store
            .writer
            .write((micros(before), limit), |(before, limit), transaction| {
                Box::pin(prune(*before, *limit, transaction))
            })
            .await
            .map_err(|error| error.during("deleting old idempotency keys"))
    }
}

/// The key's columns, in their order.
fn columns(key: &IdempotencyKey) -> [Value; 3] {
    let IdempotencyKey { client, route, key } = key;
    [client, route, key].map(|part| text(part).into())
}

async fn claim_key(
    claim: &IdempotencyClaim,
    transaction: &Transaction<'_>,
) -> Result<IdempotencyState, WriteError> {
    let IdempotencyClaim {
        key,
        fingerprint,
        at,
        expired_before,
    } = claim;
    let backend = transaction.get_database_backend();
    let values = columns(key).into_iter().chain([
        text(fingerprint).into(),
        micros(*at).into(),
        micros(*expired_before).into(),
    ]);
    // The row is locked from here on, whoever has it.
    let claimed = transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            "INSERT INTO idempotency_keys AS k
                 (client, route, idempotency_key, fingerprint, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client, route, idempotency_key) DO UPDATE SET
                 fingerprint = excluded.fingerprint, created_at = excluded.created_at,
                 status = NULL, headers = NULL, body = NULL
             WHERE k.created_at < $6",
            values,
        ))
        .await?;
    if claimed.rows_affected() == 1 {
        return Ok(IdempotencyState::Claimed);
    }
    let found = transaction
        .query_one_raw(Statement::from_sql_and_values(
            backend,
            "SELECT fingerprint, status, headers, body FROM idempotency_keys
             WHERE client = $1 AND route = $2 AND idempotency_key = $3",
            columns(key),
        ))
        .await?;
    // It can only have been freed between the two statements.
    let row = found.ok_or(WriteError::Conflict)?;
    let taken: String = row.try_get_by("fingerprint")?;
    if taken == text(fingerprint) {
        Ok(state(key, &row)?)
    } else {
        Ok(IdempotencyState::OfAnother)
    }
}

fn state(key: &IdempotencyKey, row: &QueryResult) -> Result<IdempotencyState, RepositoryError> {
    const DURING: &str = "reading a kept answer";
    let status: Option<i64> = row.try_get_by("status").during(DURING)?;
    let Some(status) = status else {
        return Ok(IdempotencyState::Unanswered);
    };
    let headers: Option<String> = row.try_get_by("headers").during(DURING)?;
    let body: Option<String> = row.try_get_by("body").during(DURING)?;
    let reading = Reading::of("idempotency key", &key.key);
    let headers = reading.present("headers", headers)?;
    Ok(IdempotencyState::Answered(KeptAnswer {
        status: reading.number("status", status)?,
        headers: reading.json("headers", &headers)?,
        body: reading.present("body", body)?,
    }))
}

async fn keep(
    key: &IdempotencyKey,
    answer: &KeptAnswer,
    transaction: &Transaction<'_>,
) -> Result<(), WriteError> {
    let KeptAnswer {
        status,
        headers,
        body,
    } = answer;
    let values =
        columns(key)
            .into_iter()
            .chain([i64::from(*status).into(), json(headers).into(), text(body).into()]);
    transaction
        .execute_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
             WHERE client = $1 AND route = $2 AND idempotency_key = $3 AND status IS NULL",
            values,
        ))
        .await?;
    Ok(())
}

async fn release(key: &IdempotencyKey, transaction: &Transaction<'_>) -> Result<(), WriteError> {
    transaction
        .execute_raw(Statement::from_sql_and_values(
            transaction.get_database_backend(),
            "DELETE FROM idempotency_keys
             WHERE client = $1 AND route = $2 AND idempotency_key = $3 AND status IS NULL",
            columns(key),
        ))
        .await?;
    Ok(())
}

async fn prune(before: i64, limit: u32, transaction: &Transaction<'_>) -> Result<u64, WriteError> {
    let statement = Statement::from_sql_and_values(
        transaction.get_database_backend(),
        "DELETE FROM idempotency_keys WHERE (client, route, idempotency_key) IN
            (SELECT client, route, idempotency_key FROM idempotency_keys
             WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        [before.into(), i64::from(limit).into()],
    );
    Ok(transaction.execute_raw(statement).await?.rows_affected())
}
