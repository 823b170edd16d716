//! The list of executions. Those that have ended are rows of their own; one that runs is in its job's row: so that there
//! are two tables, whose rows are merged along their ids, or, sorted by their end, follow each other.

use ratchet_interfaces::{
    ExecutionCondition, ExecutionFilter, ExecutionSort, ExecutionStatus, RepositoryError, SortOrder,
    TextMatch,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use uuid::Uuid;

use crate::failure::During;
use crate::list::{Counted, Cut, Part, direction, limits};
use crate::restriction::Restriction;
use crate::row::execution::{Entity, Model};
use crate::row::found;

/// A part of the list.
#[derive(Clone, Debug)]
pub(super) struct Executions {
    ended: Option<Restriction>,
    running: Option<Restriction>,
    by_end: bool,
    order: SortOrder,
}

/// The parts of a list, in their order.
pub(super) fn parts(backend: DbBackend, filter: &ExecutionFilter, sort: ExecutionSort) -> Vec<Executions> {
    let (ended, running) = (ended(backend, filter), running(backend, filter));
    match sort {
        ExecutionSort::Started(order) => vec![Executions {
            ended: Some(ended),
            running: Some(running),
            by_end: false,
            order,
        }],
        ExecutionSort::CompletedAt(order) => vec![
            Executions {
                ended: Some(ended),
                running: None,
                by_end: true,
                order,
            },
            Executions {
                ended: None,
                running: Some(running),
                by_end: false,
                order,
            },
        ],
    }
}

impl Executions {
    /// Finds the ids of some of them.
    pub(super) fn cut_statement(&self, cut: Cut) -> Statement {
        let direction = direction(self.order, cut.backwards);
        let end = if self.by_end { "completed_at, " } else { "" };
        let (tables, mut values) = self.tables(|table, restriction| {
            let id = if table == ENDED {
                "id"
            } else {
                "execution_id AS id"
            };
            format!("SELECT {end}{id} FROM {table} WHERE {restriction}")
        });
        let order = if self.by_end {
            format!("completed_at {direction}, id {direction}")
        } else {
            format!("id {direction}")
        };
        let next = values.len() + 1;
        values.extend(limits(cut));
        let sql = format!(
            "{} ORDER BY {order} LIMIT ${next} OFFSET ${}",
            tables.join(" UNION ALL "),
            next + 1
        );
        Statement::from_sql_and_values(self.backend(), sql, values)
    }

    fn backend(&self) -> DbBackend {
        let either = self.ended.as_ref().or(self.running.as_ref());
        either.map_or(DbBackend::Sqlite, Restriction::backend)
    }

    /// What is asked of each table. The parameters of the second are those behind the first's.
    fn tables(&self, ask: impl Fn(&str, &str) -> String) -> (Vec<String>, Vec<Value>) {
        let (mut tables, mut values) = (Vec::new(), Vec::new());
        for (table, restriction) in [(ENDED, &self.ended), (RUNNING, &self.running)] {
            if let Some(restriction) = restriction {
                tables.push(ask(table, &restriction.sql_behind(values.len())));
                values.extend(restriction.values().iter().cloned());
            }
        }
        (tables, values)
    }
}

const ENDED: &str = "executions";
const RUNNING: &str = "jobs";

impl Counted for Executions {
    fn count_statement(&self) -> Statement {
        let (tables, values) =
            self.tables(|table, restriction| format!("(SELECT COUNT(*) FROM {table} WHERE {restriction})"));
        Statement::from_sql_and_values(self.backend(), format!("SELECT {}", tables.join(" + ")), values)
    }
}

impl Part<Model> for Executions {
    async fn cut(
        &self,
        db: &impl ConnectionTrait,
        cut: Cut,
        during: &'static str,
    ) -> Result<Vec<Model>, RepositoryError> {
        let ids: Vec<Uuid> = db
            .query_all_raw(self.cut_statement(cut))
            .await
            .during(during)?
            .iter()
            .map(|row| row.try_get("", "id"))
            .collect::<Result<_, _>>()
            .during(during)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows: Vec<Model> = db
            .query_all_raw(rows_statement(self.backend(), &ids))
            .await
            .during(during)?
            .iter()
            .map(|row| found::model::<Entity, Model>(row, during))
            .collect::<Result<_, _>>()?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        Ok(rows)
    }
}

/// The rows behind ids. One that has ended meanwhile keeps its id.
pub(super) fn rows_statement(backend: DbBackend, ids: &[Uuid]) -> Statement {
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    Statement::from_sql_and_values(
        backend,
        format!("SELECT * FROM attempts WHERE id IN ({})", places.join(", ")),
        ids.iter().map(|id| Value::from(*id)),
    )
}

fn ended(backend: DbBackend, filter: &ExecutionFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    for condition in filter.conditions() {
        match condition {
            ExecutionCondition::Id(choice) => rows.choice("id", choice),
            ExecutionCondition::JobId(choice) => rows.choice("job_id", choice),
            ExecutionCondition::TaskId(choice) => {
                let mut jobs = Restriction::none(backend);
                jobs.choice("j.task_id", choice);
                rows.exists("SELECT 1 FROM jobs AS j WHERE j.id = executions.job_id", jobs);
            }
            ExecutionCondition::Status(choice) => {
                rows.choice("status", choice);
                // The index of those that did not succeed has only them.
                if !choice.is_met_by(Some(&ExecutionStatus::Completed)) {
                    rows.term("status <> 'completed'");
                }
            }
            ExecutionCondition::Attempt(bound) => rows.bound("attempt", bound),
            ExecutionCondition::Node(choice) => rows.choice("node", choice),
            ExecutionCondition::Error(text) => rows.text("error", text),
            ExecutionCondition::ErrorKind(choice) => rows.choice("error_kind", choice),
            ExecutionCondition::StartedAt(bound) => rows.time("started_at", bound),
            ExecutionCondition::CompletedAt(bound) => rows.time("completed_at", bound),
            ExecutionCondition::Duration(bound) => rows.time("duration_us", bound),
        }
    }
    rows
}

/// What a running one has no value of yet is decided here.
fn running(backend: DbBackend, filter: &ExecutionFilter) -> Restriction {
    let mut rows = Restriction::none(backend);
    rows.term("status = 'processing'");
    for condition in filter.conditions() {
        match condition {
            ExecutionCondition::Id(choice) => rows.choice("execution_id", choice),
            ExecutionCondition::JobId(choice) => rows.choice("id", choice),
            ExecutionCondition::TaskId(choice) => rows.choice("task_id", choice),
            ExecutionCondition::Status(choice) => {
                rows.decided(choice.is_met_by(Some(&ExecutionStatus::Running)));
            }
            ExecutionCondition::Attempt(bound) => rows.bound("attempts", bound),
            ExecutionCondition::Node(choice) => rows.choice("lease_owner", choice),
            ExecutionCondition::Error(TextMatch::Contains(_)) => rows.decided(false),
            ExecutionCondition::Error(TextMatch::Choice(choice)) => rows.decided(choice.is_met_by(None)),
            ExecutionCondition::ErrorKind(choice) => rows.decided(choice.is_met_by(None)),
            ExecutionCondition::StartedAt(bound) => rows.time("started_at", bound),
            ExecutionCondition::CompletedAt(bound) => rows.decided(bound.is_met_by(None)),
            ExecutionCondition::Duration(bound) => rows.decided(bound.is_met_by(None)),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use ratchet_interfaces::{Choice, JobId};

    use super::*;
    use crate::list::Cut;
    use crate::query_plan::{found_in_order, steps};

    async fn found(condition: Option<ExecutionCondition>, sort: ExecutionSort) -> Vec<String> {
        let parts = parts(DbBackend::Sqlite, &ExecutionFilter::of(condition), sort);
        found_in_order(parts[0].cut_statement(Cut::DEEP)).await
    }

    /// Those that run are few, and may be sorted.
    async fn first_step(condition: Option<ExecutionCondition>, sort: ExecutionSort) -> String {
        let parts = parts(DbBackend::Sqlite, &ExecutionFilter::of(condition), sort);
        steps(parts[0].cut_statement(Cut::DEEP)).await.swap_remove(0)
    }

    #[tokio::test]
    async fn a_page_of_executions_is_found_in_the_index_of_its_filter_or_its_order() {
        let order = SortOrder::Descending;
        assert_eq!(
            found(None, ExecutionSort::CompletedAt(order)).await,
            ["SCAN executions USING COVERING INDEX executions_ends"]
        );
        let started = ExecutionSort::Started(order);
        assert_eq!(first_step(None, started).await, "SCAN executions");
        let of_job = ExecutionCondition::JobId(Choice::Is(JobId::new()));
        assert_eq!(
            first_step(Some(of_job), started).await,
            "SEARCH executions USING COVERING INDEX executions_job_id (job_id=?)"
        );
        let failed = ExecutionCondition::Status(Choice::Is(ExecutionStatus::Failed));
        assert_eq!(
            first_step(Some(failed), started).await,
            "SEARCH executions USING COVERING INDEX executions_unsuccessful (status=?)"
        );
    }

    #[tokio::test]
    async fn executions_are_read_by_their_ids() {
        let steps = steps(rows_statement(DbBackend::Sqlite, &[Uuid::nil(), Uuid::max()])).await;
        assert_eq!(
            steps,
            [
                "SEARCH e USING PRIMARY KEY (id=?)",
                "SEARCH j USING PRIMARY KEY (id=?)",
                "SCAN r USING INDEX jobs_processing",
                // What these three have found.
                "SCAN attempts"
            ]
        );
    }
}
