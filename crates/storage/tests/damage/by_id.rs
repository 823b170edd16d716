use chrono::DateTime;
use ratchet_interfaces::{
    ExecutionFilter, ExecutionSort, JobFilter, JobSort, NodeId, Page, PageRequest, RepositoryError,
    ScheduleFilter, ScheduleSelection, ScheduleSort, Scope, Token, TokenId, UnifiedJob,
};
use ratchet_storage::test_support::TestDatabase;

use crate::raw::damage;
use crate::sample::{claim, stored_jobs, stored_schedules};

/// The noun, the id and the column that an error names.
fn named<T: std::fmt::Debug>(result: Result<T, RepositoryError>) -> (&'static str, String, &'static str) {
    match result {
        Err(RepositoryError::CorruptRow { what, id, column, .. }) => (what, id, column),
        other => panic!("{other:?}"),
    }
}

fn first() -> PageRequest {
    PageRequest::new(0, 10).unwrap()
}

#[tokio::test]
async fn a_schedule_with_a_value_that_is_none_of_its_type_is_named_with_the_column() {
    for database in TestDatabase::each().await {
        if database.file().is_none() {
            // PostgreSQL has no such values.
            continue;
        }
        let repositories = database.repositories();
        let schedules = repositories.schedules();
        let stored = stored_schedules(&*repositories, &["nightly"]).await;
        let id = stored[0].id;
        for (change, column) in [
            ("description = CAST(X'FF' AS TEXT)", "description"),
            ("description = NULL, priority = 99999", "priority"),
        ] {
            damage(&database, &[&format!("UPDATE schedules SET {change}")]).await;
            let expected = ("schedule", id.to_string(), column);
            let selected = ScheduleSelection::Named(vec!["nightly".to_owned()]);
            let (filter, sort) = (ScheduleFilter::default(), ScheduleSort::default());
            assert_eq!(named(schedules.schedule_find(id).await), expected);
            assert_eq!(named(schedules.schedule_find_by_name("nightly").await), expected);
            assert_eq!(named(schedules.schedule_list_selected(&selected).await), expected);
            assert_eq!(named(schedules.schedule_scan(None, 10).await), expected);
            assert_eq!(
                named(schedules.schedule_list(&filter, sort, first()).await),
                expected
            );
        }
    }
}

#[tokio::test]
async fn a_job_and_an_execution_with_a_text_that_is_none_are_named_with_the_column() {
    for database in TestDatabase::each().await {
        if database.file().is_none() {
            continue;
        }
        let repositories = database.repositories();
        let (jobs, executions) = (repositories.jobs(), repositories.executions());
        let job = stored_jobs(&*repositories, 1).await.remove(0).id;
        jobs.job_claim_many(claim(NodeId::new(), 1)).await.unwrap();
        let list = |request| {
            let executions = repositories.executions();
            async move {
                let (filter, sort) = (ExecutionFilter::default(), ExecutionSort::default());
                executions.execution_list(&filter, sort, request).await
            }
        };
        let execution = list(first()).await.unwrap().items[0].id;
        damage(&database, &["UPDATE jobs SET progress = CAST(X'FF' AS TEXT)"]).await;
        let expected = ("execution", execution.to_string(), "progress");
        assert_eq!(named(executions.execution_find(execution).await), expected);
        assert_eq!(named(list(first()).await), expected);
        let (page, damaged) = Page::readable(first(), list).await.unwrap();
        assert_eq!((page.items.len(), damaged.len()), (0, 1));

        // What an execution that runs says is in the row of its job.
        let expected = ("job", job.to_string(), "progress");
        assert_eq!(named(jobs.job_find(job).await), expected);
        assert_eq!(
            named::<Vec<UnifiedJob>>(jobs.job_find_many(&[job]).await),
            expected
        );
        let (filter, sort) = (JobFilter::default(), JobSort::default());
        assert_eq!(named(jobs.job_list(&filter, sort, first()).await), expected);
    }
}

#[tokio::test]
async fn a_token_with_a_text_that_is_none_is_named_with_the_column() {
    for database in TestDatabase::each().await {
        if database.file().is_none() {
            continue;
        }
        let tokens = database.repositories().tokens();
        let token = Token {
            id: TokenId::new(),
            name: "deploy".to_owned(),
            scope: Scope::Write,
            hash: [0xa7; 32],
            created_at: DateTime::UNIX_EPOCH,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        tokens.token_create(&token).await.unwrap();
        damage(&database, &["UPDATE tokens SET scope = CAST(X'FF' AS TEXT)"]).await;
        let expected = ("token", token.id.to_string(), "scope");
        assert_eq!(named(tokens.token_find(token.id).await), expected);
        assert_eq!(named(tokens.token_find_by_name("deploy").await), expected);
    }
}
