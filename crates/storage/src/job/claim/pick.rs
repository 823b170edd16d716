use std::fmt::Write;

use ratchet_interfaces::{ClaimRequest, JobPriority};
use sea_orm::{DbBackend, Statement};

use super::{OPEN, WAITING, aged_since};
use crate::row::{micros, rank};

/// The statement that picks at most `limit` jobs, the first to be run first.
pub(super) fn statement(backend: DbBackend, request: &ClaimRequest, limit: usize) -> Statement {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let aged = i64::from(request.aged).min(most);
    let mut values = vec![micros(request.now).into(), most.into()];
    if aged > 0 {
        values.extend([aged_since(request).into(), aged.into()]);
    }
    let sql = match backend {
        DbBackend::Postgres => on_postgres(aged > 0),
        _ => on_sqlite(aged > 0),
    };
    Statement::from_sql_and_values(backend, sql, values)
}

/// The first entries of each priority of the jobs that meet the condition, as many as `limit` says, that could have run
/// by `due`; all three are SQL.
pub(in crate::job) fn heads(condition: &str, due: &str, limit: &str) -> String {
    let mut heads = String::new();
    for priority in JobPriority::ALL {
        let separator = if heads.is_empty() { "" } else { " UNION ALL " };
        write!(
            heads,
            "{separator}SELECT * FROM (SELECT id, priority, run_after FROM jobs
                 WHERE {condition} AND priority = {} AND run_after <= {due} ORDER BY run_after, id LIMIT {limit}) AS p{}",
            rank(*priority),
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
    }
    heads
}

/// At most `limit` entries of each priority, and of those the first; before them the aged ones.
fn on_sqlite(aged: bool) -> String {
    let first = format!(
        "SELECT id, priority, run_after FROM ({}) ORDER BY priority DESC, run_after, id LIMIT $2",
        heads(OPEN, "$1", "$2")
    );
    if !aged {
        return first;
    }
    format!(
        "WITH aged AS MATERIALIZED (
             SELECT id, priority, run_after FROM ({}) ORDER BY run_after, id LIMIT $4
         )
         SELECT id, priority, run_after FROM (
             SELECT 0 AS turn, id, priority, run_after FROM aged
             UNION ALL
             SELECT 1, id, priority, run_after FROM ({first}) WHERE id NOT IN (SELECT id FROM aged)
         ) ORDER BY turn, priority DESC, run_after, id LIMIT $2",
        heads(OPEN, "$3", "$4")
    )
}

/// Each priority takes what the more important ones have left of the limit, so that no row is locked in vain; a row
/// that another node has locked is left to that node.
fn on_postgres(aged: bool) -> String {
    let mut with = "WITH ".to_owned();
    let mut taken: Vec<String> = Vec::new();
    let mut exclude = String::new();
    if aged {
        write!(
            with,
            "aged AS MATERIALIZED (SELECT id, priority, run_after FROM jobs WHERE {WAITING} AND id IN (
                 SELECT id FROM ({}) AS oldest ORDER BY run_after, id LIMIT $4) FOR UPDATE SKIP LOCKED), ",
            heads(OPEN, "$3", "$4")
        )
        .expect("a string takes everything that is written to it");
        taken.push("aged".to_owned());
        exclude.push_str("AND id NOT IN (SELECT id FROM aged)");
    }
    for (place, priority) in JobPriority::ALL.iter().rev().enumerate() {
        let left = taken.iter().fold("$2::bigint".to_owned(), |left, earlier| {
            format!("{left} - (SELECT count(*) FROM {earlier})")
        });
        write!(
            with,
            "{}{priority} AS MATERIALIZED (SELECT id, priority, run_after FROM jobs
                 WHERE {OPEN} AND priority = {} AND run_after <= $1 {exclude}
                 ORDER BY run_after, id LIMIT {left} FOR UPDATE SKIP LOCKED)",
            if place == 0 { "" } else { ", " },
            rank(*priority)
        )
        .expect("a string takes everything that is written to it");
        taken.push(priority.to_string());
    }
    let picked: Vec<String> = taken
        .iter()
        .map(|name| format!("SELECT id, priority, run_after FROM {name}"))
        .collect();
    format!("{with} {}", picked.join(" UNION ALL "))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ratchet_interfaces::NodeId;

    use super::*;
    use crate::query_plan::steps;

    fn request(aged: u32) -> ClaimRequest {
        ClaimRequest {
            node: NodeId::new(),
            now: DateTime::UNIX_EPOCH,
            limit: 10,
            aged,
            lease_until: DateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_claim_reads_the_head_of_each_priority_from_the_index_alone() {
        for (aged, times) in [(0, 1), (2, 2)] {
            let mut steps = steps(statement(DbBackend::Sqlite, &request(aged), 10)).await;
            steps.retain(|step| step.contains(" jobs "));
            let head = "SEARCH jobs USING COVERING INDEX jobs_waiting (priority=? AND run_after<?)";
            assert_eq!(steps, vec![head; JobPriority::ALL.len() * times]);
        }
    }
}
