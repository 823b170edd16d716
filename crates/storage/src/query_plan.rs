//! What SQLite does for a statement, for tests: which index it uses, and that it scans no table.

use sea_orm::{ConnectionTrait, Database, Statement};

use crate::test_support::TestDatabase;

/// All that it does, in its order.
pub(crate) async fn plan(statement: Statement) -> Vec<String> {
    let database = TestDatabase::sqlite().await;
    let db = Database::connect(database.url()).await.unwrap();
    let explained = Statement {
        sql: format!("EXPLAIN QUERY PLAN {}", statement.sql),
        ..statement
    };
    let steps: Vec<String> = db
        .query_all_raw(explained)
        .await
        .unwrap()
        .iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect();
    assert!(!steps.is_empty());
    steps
}

/// How the rows of a page are found, before they are read by their ids: the steps that touch a table. Fails where all
/// that match are sorted.
pub(crate) async fn found_in_order(statement: Statement) -> Vec<String> {
    let mut plan = plan(statement).await;
    if let Some(found) = plan.iter().position(|step| step == "SCAN p") {
        plan.truncate(found);
    }
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}");
    plan.retain(|step| step.starts_with("SEARCH ") || step.starts_with("SCAN "));
    plan
}

/// The steps that touch a table, in their order. A `SEARCH` goes to the rows that it wants; a `SCAN` goes through all.
pub(crate) async fn steps(statement: Statement) -> Vec<String> {
    plan(statement)
        .await
        .into_iter()
        .filter(|step| step.starts_with("SEARCH ") || step.starts_with("SCAN "))
        .filter(|step| !step.starts_with("SCAN (subquery"))
        .collect()
}

/// The steps on one table of the database, by the name that the statement gives it: how a batch is unpacked is another
/// matter.
pub(crate) async fn steps_on(table: &str, statement: Statement) -> Vec<String> {
    let mut steps = steps(statement).await;
    steps.retain(|step| step.split(' ').nth(1) == Some(table));
    steps
}
