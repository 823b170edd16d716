//! The queue: which waiting jobs are taken next, and when the next one may be.
//!
//! The index `jobs_waiting` is in the order (priority, run_after, id) and holds the waiting jobs only. Each priority
//! is asked on its own, so that a claim reads no more entries than it may take: in one walk through the index, jobs
//! of a high priority that wait for a later instant would stand in the way of those of a lower one.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use ratchet_interfaces::{ClaimRequest, ClaimedJob, ExecutionId, JobPriority, RepositoryError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Statement};

use crate::batch::{Batch, Cell, Column, Kind};
use crate::failure::During;
use crate::reader::Reader;
use crate::row::job::{Model, read};
use crate::row::{Reading, length, micros, rank};
use crate::writer::{WriteError, Writer};

/// A lease outlives the timeout of its job by this: the process that enforces the timeout also has to tell of it.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// A lease that is longer ends at no instant that can be stored.
const LONGEST_LEASE: TimeDelta = TimeDelta::days(36_500_000);

/// Which jobs wait. The statuses stand in the text, as they do in the partial index.
const WAITING: &str = "status IN ('queued', 'retrying')";

const OPENED: &[Column] = &[("id", Kind::Id), ("job_id", Kind::Id)];

const OPEN_EXECUTIONS: &str = "INSERT INTO executions (id, job_id, attempt, status, input, started_at, node)
    SELECT b.id, j.id, j.attempts, 'running', j.input, $2, $3
    FROM {batch} AS b JOIN jobs AS j ON j.id = b.job_id WHERE true";

pub(super) async fn claim(
    writer: &Writer,
    request: ClaimRequest,
) -> Result<Vec<ClaimedJob>, RepositoryError> {
    if request.limit == 0 {
        return Ok(Vec::new());
    }
    writer
        .write(request, |request, transaction| {
            Box::pin(take(request, transaction))
        })
        .await
        .map_err(|error| error.during("claiming jobs"))
}

pub(super) async fn next_run_after(reader: &Reader) -> Result<Option<DateTime<Utc>>, RepositoryError> {
    const DURING: &str = "looking for the next waiting job";
    let earliest: Vec<String> = JobPriority::ALL
        .iter()
        .map(|priority| {
            format!(
                "SELECT MIN(run_after) AS earliest FROM jobs WHERE {WAITING} AND priority = {}",
                rank(*priority)
            )
        })
        .collect();
    let sql = format!(
        "SELECT MIN(earliest) FROM ({}) AS each_priority",
        earliest.join(" UNION ALL ")
    );
    let row = reader
        .query_one_raw(Statement::from_string(reader.get_database_backend(), sql))
        .await
        .during(DURING)?;
    let next: Option<i64> = match row {
        Some(row) => row.try_get_by_index(0).during(DURING)?,
        None => None,
    };
    Reading::of("job", &"that waits").instant_or_none("run_after", next)
}

async fn take(
    request: &ClaimRequest,
    transaction: &DatabaseTransaction,
) -> Result<Vec<ClaimedJob>, WriteError> {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_sql_and_values(
        backend,
        take_sql(backend),
        [
            micros(request.now).into(),
            i64::from(request.limit).into(),
            request.node.as_uuid().into(),
            length(request.default_timeout.min(LONGEST_LEASE)).into(),
        ],
    );
    let mut jobs = Vec::new();
    for row in transaction.query_all_raw(statement).await? {
        jobs.push(read(Model::from_query_result(&row, "")?)?);
    }
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    // RETURNING answers in no particular order.
    jobs.sort_by_key(|job| (std::cmp::Reverse(job.priority), job.run_after, job.id));
    let claimed: Vec<ClaimedJob> = jobs
        .into_iter()
        .map(|job| ClaimedJob {
            job,
            execution_id: ExecutionId::new(),
        })
        .collect();
    let opened = Batch::all(backend, OPENED, &claimed, |batch, claimed| {
        batch.push([
            Cell::Id(claimed.execution_id.as_uuid()),
            Cell::Id(claimed.job.id.as_uuid()),
        ]);
    });
    for batch in &opened {
        transaction
            .execute_raw(batch.statement(
                OPEN_EXECUTIONS,
                [micros(request.now).into(), request.node.as_uuid().into()],
            ))
            .await?;
    }
    Ok(claimed)
}

fn take_sql(backend: DbBackend) -> String {
    let (with, picked) = match backend {
        DbBackend::Postgres => pick_on_postgres(),
        _ => (String::new(), pick_on_sqlite()),
    };
    format!(
        "{with} UPDATE jobs SET status = 'processing', attempts = attempts + 1, started_at = $1,
             lease_owner = $3, lease_until = $1 + COALESCE(timeout_seconds * 1000000, $4) + {}
         WHERE id IN ({picked}) RETURNING *",
        length(GRACE)
    )
}

/// At most `limit` entries of each priority, and of those the first.
fn pick_on_sqlite() -> String {
    let mut each = String::new();
    for priority in JobPriority::ALL {
        let separator = if each.is_empty() { "" } else { " UNION ALL " };
        write!(
            each,
            "{separator}SELECT * FROM (SELECT id, priority, run_after FROM jobs
                 WHERE {WAITING} AND priority = {} AND run_after <= $1 ORDER BY run_after, id LIMIT $2)",
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
    }
    format!("SELECT id FROM ({each}) ORDER BY priority DESC, run_after, id LIMIT $2")
}

/// Each priority takes what the more important ones have left of the limit, so that no row is locked in vain; a row
/// that another node has locked is left to that node.
fn pick_on_postgres() -> (String, String) {
    let mut with = String::new();
    let mut taken = Vec::new();
    for priority in JobPriority::ALL.iter().rev() {
        let separator = if with.is_empty() { "WITH " } else { ", " };
        let left = taken.iter().fold("$2::bigint".to_owned(), |left, earlier| {
            format!("{left} - (SELECT count(*) FROM {earlier})")
        });
        write!(
            with,
            "{separator}{priority} AS MATERIALIZED (SELECT id FROM jobs
                 WHERE {WAITING} AND priority = {} AND run_after <= $1
                 ORDER BY run_after, id LIMIT {left} FOR UPDATE SKIP LOCKED)",
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
        taken.push(priority.to_string());
    }
    let picked: Vec<String> = taken
        .iter()
        .map(|name| format!("SELECT id FROM {name}"))
        .collect();
    (with, picked.join(" UNION ALL "))
}
