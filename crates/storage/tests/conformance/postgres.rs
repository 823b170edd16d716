//! What is true of PostgreSQL only: several servers use one database, and its connections may be lost. Where there
//! is no server, [`TestDatabase::postgres`] says so, and these tests have nothing to look at.

use std::collections::HashSet;

use ratchet_interfaces::{JobId, NodeId, RepositoryError};
use ratchet_storage::Database;
use ratchet_storage::test_support::TestDatabase;
use sea_orm::sqlx::{self, Connection, PgConnection};

use crate::harness::{assert_refused, at_once};
use crate::sample::{at, claim, schedule, stored_jobs, stored_schedule};

#[tokio::test]
async fn lost_connections_are_replaced_without_a_word() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let repositories = database.repositories();
    let stored = stored_schedule(&*repositories, "nightly").await;
    let mut administrator = PgConnection::connect(database.url()).await.unwrap();
    for round in 1..=3 {
        // Several connections are in the pool.
        at_once(0..4, |_| {
            let schedules = repositories.schedules();
            async move { schedules.schedule_find(stored.id).await.unwrap() }
        })
        .await;
        let lost = sqlx::query(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
        )
        .execute(&mut administrator)
        .await
        .unwrap();
        assert!(lost.rows_affected() > 0);
        if round == 2 {
            let found = repositories.schedules().schedule_find(stored.id).await.unwrap();
            assert_eq!(found.unwrap().run_count, 1);
        }
        repositories
            .schedules()
            .schedule_record_run(stored.id, at(60), None)
            .await
            .unwrap();
        let found = repositories.schedules().schedule_find(stored.id).await.unwrap();
        assert_eq!(found.unwrap().run_count, round);
    }
    administrator.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_one_queue() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let second = Database::connect(database.url()).await.unwrap();
    let stored = stored_jobs(&*database.repositories(), 100).await;
    let claimed = at_once([database.repositories(), second.repositories()], |repositories| {
        let node = NodeId::new();
        async move {
            let mut mine: Vec<JobId> = Vec::new();
            loop {
                let some = repositories
                    .jobs()
                    .job_claim_many(claim(node, 3))
                    .await
                    .unwrap()
                    .jobs;
                if some.is_empty() {
                    break mine;
                }
                mine.extend(some.iter().map(|claimed| claimed.job.id));
            }
        }
    })
    .await;
    let all: Vec<JobId> = claimed.into_iter().flatten().collect();
    assert_eq!(all.len(), 100, "no job was handed out twice");
    let all: HashSet<JobId> = all.into_iter().collect();
    assert_eq!(all, stored.iter().map(|job| job.id).collect());
    second.close().await.unwrap();
}

#[tokio::test]
async fn a_claim_does_not_wait_for_a_job_that_somebody_else_is_taking() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let repositories = database.repositories();
    let mut stored = stored_jobs(&*repositories, 3).await;
    stored.sort_by_key(|job| job.id);
    let mut other = PgConnection::connect(database.url()).await.unwrap();
    let mut taking = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE")
        .bind(stored[0].id.as_uuid())
        .execute(&mut *taking)
        .await
        .unwrap();
    let claimed = repositories
        .jobs()
        .job_claim_many(claim(NodeId::new(), 2))
        .await
        .unwrap()
        .jobs;
    let claimed: Vec<JobId> = claimed.iter().map(|claimed| claimed.job.id).collect();
    assert_eq!(claimed, [stored[1].id, stored[2].id]);
    taking.rollback().await.unwrap();
    let claimed = repositories
        .jobs()
        .job_claim_many(claim(NodeId::new(), 2))
        .await
        .unwrap()
        .jobs;
    assert_eq!(claimed[0].job.id, stored[0].id);
}

#[tokio::test]
async fn a_name_that_is_too_long_for_its_index_is_refused_for_good() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let repositories = database.repositories();
    let stored = stored_schedule(&*repositories, "nightly").await;
    // What an index holds is compressed: a name of one letter only would fit.
    let long: String = (0..400).map(|_| NodeId::new().to_string()).collect();
    let answer = repositories
        .schedules()
        .schedule_create(&schedule(&long, stored.task_id))
        .await;
    assert_refused!(answer, RepositoryError::Refused { .. });
}
