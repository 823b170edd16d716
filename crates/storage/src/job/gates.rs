//! Jobs before which a limit stands: that of their concurrency key, or that of their task.
//!
//! Such a job has a `gate`, and waits in an index by gate. A claim looks at each gate where jobs wait, counts what runs,
//! and takes from behind a gate that is open as many as it lets through. A gate that is closed costs one look, however
//! many wait behind it; a claim costs as much as there are gates where jobs wait. Without such jobs it costs one look into
//! an empty index.
//!
//! On PostgreSQL two nodes could count at the same time and let through one too many, so who looks at gates holds a lock
//! until its claim is committed.

use std::collections::HashMap;

use ratchet_interfaces::ClaimRequest;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement};
use uuid::Uuid;

use super::claim::{Pick, aged_since, heads, put_in_order};
use crate::row::{StoredId, Unreadable, micros};
use crate::writer::Transaction;

/// So many are looked at where jobs of several tasks share a key and those at its head have to wait for a limit of their
/// task: later ones need not.
const LOOKED_AT: usize = 100;

/// Held by who counts what runs.
const POSTGRES_LOCK: i64 = 0x7261_7463_6865_7403;

/// Which jobs wait at gates. The words are those of the partial index.
pub(super) const GATED: &str = "status IN ('queued', 'retrying') AND gate IS NOT NULL";

const RUNNING: &str = "SELECT task_id, concurrency_key, COUNT(*) FROM jobs WHERE status = 'processing'
    GROUP BY task_id, concurrency_key";

/// What runs, counted.
#[derive(Debug, Default)]
struct Running {
    of_task: HashMap<Uuid, u64>,
    with_key: HashMap<String, u64>,
}

/// A job that waits at a gate.
#[derive(Debug)]
struct Candidate {
    pick: Pick,
    task: Uuid,
    key: Option<String>,
    max_concurrent: Option<u64>,
    max_per_key: u64,
}

/// What was found at gates.
#[derive(Debug, Default)]
pub(super) struct Picked {
    /// Those that may be taken, the most important first.
    pub(super) picks: Vec<Pick>,
    /// Those that cannot be: their row is damaged.
    pub(super) unfit: Vec<Unreadable>,
}

/// The jobs that may be taken from behind gates, at most `limit`.
pub(super) async fn pick(
    request: &ClaimRequest,
    limit: usize,
    transaction: &Transaction<'_>,
) -> Result<Picked, DbErr> {
    let backend = transaction.get_database_backend();
    if transaction.query_one_raw(any(backend)).await?.is_none() {
        return Ok(Picked::default());
    }
    if backend == DbBackend::Postgres {
        transaction
            .execute_raw(Statement::from_sql_and_values(
                backend,
                "SELECT pg_advisory_xact_lock($1)",
                [POSTGRES_LOCK.into()],
            ))
            .await?;
    }
    let mut running = running(transaction).await?;
    let mut candidates = Vec::new();
    let mut unfit = Vec::new();
    for gate in gates(transaction).await? {
        let mut waiting = waiting_at(&first(&gate, request, limit), transaction).await?;
        let keeps_others = waiting.rows == limit && waiting.unfit.is_empty();
        if keeps_others && limit < LOOKED_AT && waiting.candidates.iter().all(|it| running.task_is_full(it)) {
            waiting = waiting_at(&first(&gate, request, LOOKED_AT), transaction).await?;
        }
        candidates.append(&mut waiting.candidates);
        unfit.append(&mut waiting.unfit);
        if request.aged > 0 {
            let aged = limit.min(request.aged as usize);
            let mut waiting = waiting_at(&longest(&gate, request, aged), transaction).await?;
            candidates.append(&mut waiting.candidates);
        }
    }
    candidates.sort_unstable_by_key(|candidate| candidate.pick.id);
    candidates.dedup_by_key(|candidate| candidate.pick.id);
    put_in_order(&mut candidates, request, |candidate| candidate.pick);
    let mut picks = Vec::new();
    for candidate in candidates {
        if picks.len() == limit {
            break;
        }
        if running.lets_through(&candidate) {
            picks.push(candidate.pick);
        }
    }
    Ok(Picked { picks, unfit })
}

impl Running {
    fn task_is_full(&self, candidate: &Candidate) -> bool {
        let of_task = self.of_task.get(&candidate.task).copied().unwrap_or_default();
        candidate.max_concurrent.is_some_and(|most| of_task >= most)
    }

    /// Whether one more may run; if so, it is counted.
    fn lets_through(&mut self, candidate: &Candidate) -> bool {
        if self.task_is_full(candidate) {
            return false;
        }
        if let Some(key) = &candidate.key {
            let with_key = self.with_key.entry(key.clone()).or_default();
            if *with_key >= candidate.max_per_key {
                return false;
            }
            *with_key += 1;
        }
        *self.of_task.entry(candidate.task).or_default() += 1;
        true
    }
}

/// When the next job that waits at a gate may run, of those that may not run yet, in SQL: what is due by `now` already waits
/// for another to end.
pub(super) fn next_run_after(now: &str) -> String {
    format!("SELECT MIN(run_after) FROM jobs WHERE {GATED} AND run_after > {now}")
}

fn any(backend: DbBackend) -> Statement {
    Statement::from_string(backend, format!("SELECT 1 FROM jobs WHERE {GATED} LIMIT 1"))
}

async fn running(transaction: &Transaction<'_>) -> Result<Running, DbErr> {
    let statement = Statement::from_string(transaction.get_database_backend(), RUNNING);
    let mut running = Running::default();
    for row in transaction.query_all_raw(statement).await? {
        let count: i64 = row.try_get_by_index(2)?;
        let count = count.unsigned_abs();
        *running.of_task.entry(row.try_get_by_index(0)?).or_default() += count;
        if let Some(key) = row.try_get_by_index(1)? {
            *running.with_key.entry(key).or_default() += count;
        }
    }
    Ok(running)
}

/// Those at the head of a gate.
#[derive(Debug)]
struct Waiting {
    candidates: Vec<Candidate>,
    unfit: Vec<Unreadable>,
    rows: usize,
}

/// Each gate where jobs wait, found by leaping from one to the next.
async fn gates(transaction: &Transaction<'_>) -> Result<Vec<String>, DbErr> {
    transaction
        .query_all_raw(gates_statement(transaction.get_database_backend()))
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect()
}

fn gates_statement(backend: DbBackend) -> Statement {
    let sql = format!(
        "WITH RECURSIVE gates (gate) AS (
             SELECT MIN(gate) FROM jobs WHERE {GATED}
             UNION ALL
             SELECT (SELECT MIN(j.gate) FROM jobs AS j WHERE j.{} AND j.gate > g.gate)
             FROM gates AS g WHERE g.gate IS NOT NULL
         ) SELECT gate FROM gates WHERE gate IS NOT NULL",
        GATED.replace(" gate", " j.gate")
    );
    Statement::from_string(backend, sql)
}

async fn waiting_at(asked: &Asked<'_>, transaction: &Transaction<'_>) -> Result<Waiting, DbErr> {
    let statement = asked.statement(transaction.get_database_backend());
    let rows = transaction.query_all_raw(statement).await?;
    let mut waiting = Waiting {
        candidates: Vec::new(),
        unfit: Vec::new(),
        rows: rows.len(),
    };
    for row in &rows {
        match StoredId::of(row)? {
            StoredId::Uuid(id) => waiting.candidates.push(Candidate::of(id, row)?),
            id @ StoredId::Bytes(_) => waiting.unfit.push(Unreadable::no_uuid(id)),
        }
    }
    Ok(waiting)
}

/// What is asked of those who wait at a gate.
#[derive(Debug)]
struct Asked<'a> {
    gate: &'a str,
    /// They could have run by then.
    due: i64,
    limit: usize,
    /// Whether it is for those that may run longest, or for the most important ones.
    by_age: bool,
}

fn first<'a>(gate: &'a str, request: &ClaimRequest, limit: usize) -> Asked<'a> {
    Asked {
        gate,
        due: micros(request.now),
        limit,
        by_age: false,
    }
}

fn longest<'a>(gate: &'a str, request: &ClaimRequest, limit: usize) -> Asked<'a> {
    Asked {
        gate,
        due: aged_since(request),
        limit,
        by_age: true,
    }
}

impl Asked<'_> {
    fn statement(&self, backend: DbBackend) -> Statement {
        let lock = match backend {
            DbBackend::Postgres => "FOR UPDATE OF j SKIP LOCKED",
            _ => "",
        };
        let (which, order) = if self.by_age {
            let condition = format!("{GATED} AND gate = $1");
            let heads = heads(&condition, "$2", "$3");
            let oldest =
                format!("j.id IN (SELECT id FROM ({heads}) AS oldest ORDER BY run_after, id LIMIT $3)");
            (oldest, "j.run_after, j.id")
        } else {
            let due = "j.gate = $1 AND j.run_after <= $2".to_owned();
            (due, "j.priority DESC, j.run_after, j.id")
        };
        let sql = format!(
            "SELECT j.id, j.priority, j.run_after, j.task_id, j.concurrency_key, t.max_concurrent, t.max_per_key
             FROM jobs AS j JOIN tasks AS t ON t.id = j.task_id
             WHERE j.{} AND {which} ORDER BY {order} LIMIT $3 {lock}",
            GATED.replace(" gate", " j.gate")
        );
        let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
        Statement::from_sql_and_values(backend, sql, [self.gate.into(), self.due.into(), limit.into()])
    }
}

impl Candidate {
    fn of(id: Uuid, row: &QueryResult) -> Result<Self, DbErr> {
        let max_concurrent: Option<i64> = row.try_get_by_index(5)?;
        let max_per_key: Option<i64> = row.try_get_by_index(6)?;
        Ok(Self {
            pick: Pick {
                id,
                priority: row.try_get_by_index(1)?,
                run_after: row.try_get_by_index(2)?,
            },
            task: row.try_get_by_index(3)?,
            key: row.try_get_by_index(4)?,
            max_concurrent: max_concurrent.map(i64::unsigned_abs),
            max_per_key: max_per_key.map_or(1, i64::unsigned_abs),
        })
    }
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::JobPriority;

    use super::*;
    use crate::query_plan::steps;

    #[tokio::test]
    async fn a_gate_is_found_by_a_leap_and_those_who_wait_there_in_their_order() {
        assert_eq!(
            steps(any(DbBackend::Sqlite)).await,
            ["SEARCH jobs USING COVERING INDEX jobs_gated (gate>?)"]
        );
        let mut leaps = steps(gates_statement(DbBackend::Sqlite)).await;
        leaps.retain(|step| step.contains("jobs_gated"));
        assert_eq!(leaps.len(), 2, "{leaps:?}");
        assert_eq!(leaps[1], "SEARCH j USING COVERING INDEX jobs_gated (gate>?)");
        let asked = |by_age| Asked {
            gate: "key a",
            due: 0,
            limit: 1,
            by_age,
        };
        let waiting = steps(asked(false).statement(DbBackend::Sqlite)).await;
        assert_eq!(waiting[0], "SEARCH j USING INDEX jobs_gated (gate=?)");
        assert!(
            !waiting.iter().any(|step| step.contains("TEMP B-TREE")),
            "{waiting:?}"
        );
        let mut heads = steps(asked(true).statement(DbBackend::Sqlite)).await;
        heads.retain(|step| step.contains(" jobs "));
        let head = "SEARCH jobs USING COVERING INDEX jobs_gated (gate=? AND priority=? AND run_after<?)";
        assert_eq!(heads, [head; JobPriority::ALL.len()]);
    }
}
