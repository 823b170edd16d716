//! What the repositories of one database have together.

use ratchet_interfaces::{JobFilter, JobSort, RepositoryError};
use ratchet_storage::test_support::TestDatabase;

use crate::harness::{assert_refused, on_each_database};
use crate::sample::{at, everything, job, stored_schedule, stored_task};

#[tokio::test]
async fn an_open_database_gives_a_sign_of_life() {
    on_each_database(async |repositories| {
        repositories.ping().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_closed_database_is_unavailable_to_every_verb() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedule = stored_schedule(&*repositories, "nightly").await;
        database.database().close().await.unwrap();
        database.database().close().await.unwrap();
        assert_refused!(repositories.ping().await, RepositoryError::Unavailable { .. });
        assert_refused!(
            repositories.schedules().schedule_find(schedule.id).await,
            RepositoryError::Unavailable { .. }
        );
        assert_refused!(
            repositories.schedules().schedule_delete(schedule.id).await,
            RepositoryError::Unavailable { .. }
        );
        assert_refused!(
            repositories
                .jobs()
                .job_create_many(&[job(schedule.task_id)], &[])
                .await,
            RepositoryError::Unavailable { .. }
        );
    }
}

#[tokio::test]
async fn what_was_written_is_there_when_the_database_is_opened_again() {
    for database in TestDatabase::each().await {
        let stored = stored_schedule(&*database.repositories(), "nightly").await;
        database.database().close().await.unwrap();
        let again = ratchet_storage::Database::connect(database.url()).await.unwrap();
        let found = again
            .repositories()
            .schedules()
            .schedule_find(stored.id)
            .await
            .unwrap();
        assert_eq!(found, Some(stored));
        again.close().await.unwrap();
    }
}

#[tokio::test]
async fn statements_are_counted_one_by_one() {
    // A connection to a file that is opened when it is first needed costs a statement: there are three that read.
    const CONNECTIONS: u64 = 3;
    on_each_database(async |repositories| {
        let schedule = stored_schedule(&*repositories, "nightly").await;
        let count = || repositories.statements_executed();

        let before = count();
        for _ in 0..50 {
            repositories.schedules().schedule_find(schedule.id).await.unwrap();
        }
        let questions = count() - before;
        assert!(
            (50..=50 + CONNECTIONS).contains(&questions),
            "a question is one: {questions}"
        );

        let before = count();
        for _ in 0..50 {
            repositories
                .jobs()
                .job_list(&JobFilter::default(), JobSort::default(), everything())
                .await
                .unwrap();
        }
        let lists = count() - before;
        assert!(
            (50..=50 + CONNECTIONS).contains(&lists),
            "a list that ends is one: {lists}"
        );

        let before = count();
        for second in 0..10 {
            repositories
                .schedules()
                .schedule_record_run(schedule.id, at(second), None)
                .await
                .unwrap();
        }
        assert_eq!(count() - before, 30, "a write is three: begin, update, commit");
    })
    .await;
}

#[tokio::test]
async fn an_idle_database_executes_nothing() {
    on_each_database(async |repositories| {
        stored_task(&*repositories, "greet").await;
        let before = repositories.statements_executed();
        // Whoever has something to do gets the chance to do it.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(repositories.statements_executed(), before);
    })
    .await;
}
