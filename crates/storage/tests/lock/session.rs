use std::time::Duration;

use futures_util::FutureExt;
use ratchet_storage::test_support::TestDatabase;
use ratchet_storage::{Database, DatabaseLock, StorageError};
use sea_orm::sqlx::{self, Connection, PgConnection};

use crate::proxy::Proxy;

/// Longer than anything here takes, so that a lock that is never taken fails its test.
const FAR_TOO_LONG: Duration = Duration::from_secs(60);

const HOLDER: &str = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

async fn holder(raw: &mut PgConnection) -> Option<i32> {
    sqlx::query_scalar(HOLDER).fetch_optional(raw).await.unwrap()
}

/// Asks until another session than `earlier` has the lock.
async fn next_holder(raw: &mut PgConnection, earlier: i32) -> i32 {
    let asking = async {
        loop {
            match holder(raw).await {
                Some(pid) if pid != earlier => return pid,
                _ => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(FAR_TOO_LONG, asking).await.unwrap()
}

async fn end(raw: &mut PgConnection, pid: i32) {
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(pid)
        .execute(raw)
        .await
        .unwrap();
}

fn is_lost(lock: &DatabaseLock) -> bool {
    lock.lost().now_or_never().is_some()
}

#[tokio::test]
async fn the_lock_is_taken_again_when_its_session_ends() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let lock = database.database().lock_exclusively().await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let mut pid = holder(&mut raw).await.unwrap();
    for _ in 0..3 {
        end(&mut raw, pid).await;
        pid = next_holder(&mut raw, pid).await;
        let second = Database::connect(database.url()).await.unwrap();
        let refused = second.lock_exclusively().await;
        assert!(matches!(refused, Err(StorageError::InUse { .. })), "{refused:?}");
        assert!(!is_lost(&lock));
    }
    drop(lock);
    raw.close().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_another_server_took_meanwhile_is_lost() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let lock = database.database().lock_exclusively().await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let pid = holder(&mut raw).await.unwrap();
    // Whoever waits for an advisory lock has it at the moment when it is given back.
    let url = database.url().to_owned();
    let other = tokio::spawn(async move {
        let mut other = PgConnection::connect(&url).await.unwrap();
        sqlx::query("SET application_name = 'the other'")
            .execute(&mut other)
            .await
            .unwrap();
        sqlx::query(
            "SELECT pg_advisory_lock((classid::bigint << 32) | objid::bigint) FROM pg_locks
             WHERE locktype = 'advisory' AND granted AND objsubid = 1
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .execute(&mut other)
        .await
        .unwrap();
        other
    });
    let waiting = async {
        let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while sqlx::query(waits)
            .fetch_optional(&mut raw)
            .await
            .unwrap()
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FAR_TOO_LONG, waiting).await.unwrap();
    assert!(!is_lost(&lock));

    end(&mut raw, pid).await;
    let told = tokio::time::timeout(FAR_TOO_LONG, lock.lost()).await.unwrap();
    let StorageError::InUse { location, holder } = told else {
        panic!("{told:?}");
    };
    assert_eq!(location, database.database().url().to_string());
    assert!(holder.starts_with("the other at "), "{holder}");
    assert!(is_lost(&lock), "who asks later is told as well");
    other.await.unwrap().close().await.unwrap();
    raw.close().await.unwrap();
}

#[tokio::test]
async fn an_old_session_that_the_server_still_believes_in_is_ended() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let (server, name) = database.url().rsplit_once('/').unwrap();
    let (scheme, server) = server.split_once("://").unwrap();
    let (user, address) = server.split_once('@').unwrap();
    let proxy = Proxy::to(address.to_owned()).await;
    let through_proxy = Database::connect(&format!("{scheme}://{user}@{}/{name}", proxy.address))
        .await
        .unwrap();
    let lock = through_proxy.lock_exclusively().await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let pid = holder(&mut raw).await.unwrap();
    proxy.cut();
    next_holder(&mut raw, pid).await;
    assert!(!is_lost(&lock));
    raw.close().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_was_dropped_can_be_taken() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let lock = database.database().lock_exclusively().await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    drop(lock);
    let released = async {
        while holder(&mut raw).await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(FAR_TOO_LONG, released).await.unwrap();
    let again = database.database().lock_exclusively().await;
    assert!(again.is_ok(), "{again:?}");
    raw.close().await.unwrap();
}

#[tokio::test]
async fn holding_the_lock_costs_no_statement() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let _lock = database.database().lock_exclusively().await.unwrap();
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let pid = holder(&mut raw).await.unwrap();
    let last_statement =
        "SELECT state, xact_start::text || query_start::text FROM pg_stat_activity WHERE pid = $1";
    let mut seen: Vec<(String, Option<String>)> = Vec::new();
    let counted = database.database().statements_executed();
    for _ in 0..2 {
        // A new connection of the pool has the session asked for a sign of life.
        database.repositories().ping().await.unwrap();
        let row = sqlx::query_as(last_statement)
            .bind(pid)
            .fetch_one(&mut raw)
            .await
            .unwrap();
        seen.push(row);
    }
    assert_eq!(seen[0].0, "idle");
    assert_eq!(seen[0], seen[1]);
    assert_eq!(database.database().statements_executed(), counted + 2);
    raw.close().await.unwrap();
}
