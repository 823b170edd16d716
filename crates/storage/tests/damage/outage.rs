use ratchet_interfaces::{NodeId, RepositoryError, RepositoryFactory, UnifiedSchedule};
use ratchet_storage::test_support::TestDatabase;
use ratchet_storage::{Database, StorageError};
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::raw::damage;
use crate::sample::{at, claim, firing, stored_schedules};

fn assert_transient<T: std::fmt::Debug>(result: Result<T, RepositoryError>) {
    let error = result.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

/// Every way to write jobs and ticks, and what each says.
async fn assert_that_every_write_is_put_off(
    repositories: &dyn RepositoryFactory,
    schedule: &UnifiedSchedule,
) {
    let jobs = repositories.jobs();
    assert_transient(jobs.job_claim_many(claim(NodeId::new(), 1)).await);
    assert_transient(repositories.ticks().tick_fire_many(&[firing(schedule)]).await);
}

#[tokio::test]
async fn a_table_that_is_missing_is_no_rows_fault() {
    for database in TestDatabase::each().await {
        let repositories = database.repositories();
        let schedules = stored_schedules(&*repositories, &["one"]).await;
        damage(&database, &["ALTER TABLE jobs RENAME TO elsewhere"]).await;
        assert_that_every_write_is_put_off(&*repositories, &schedules[0]).await;
        assert_transient(repositories.jobs().job_next_run_after(at(100)).await);
        damage(&database, &["ALTER TABLE elsewhere RENAME TO jobs"]).await;
        repositories
            .ticks()
            .tick_fire_many(&[firing(&schedules[0])])
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_file_that_is_damaged_is_no_rows_fault() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let schedules = stored_schedules(&*repositories, &["one"]).await;
    database.database().close().await.unwrap();
    let file = database.file().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    // The pages that say what the file is and where its tables are stay; everything else is lost.
    for page in bytes.chunks_mut(8_192).skip(1) {
        if !page.windows(7).any(|words| words == b"CREATE ") {
            page.fill(0xa5);
        }
    }
    std::fs::write(&file, &bytes).unwrap();
    let damaged = Database::connect(database.url()).await.unwrap();
    assert_that_every_write_is_put_off(&*damaged.repositories(), &schedules[0]).await;
}

#[tokio::test]
async fn a_server_that_may_only_be_read_after_a_failover_is_no_rows_fault() {
    let Some(database) = TestDatabase::postgres().await else {
        return;
    };
    let repositories = database.repositories();
    let schedules = stored_schedules(&*repositories, &["one"]).await;
    let mut raw = PgConnection::connect(database.url()).await.unwrap();
    let name = database.url().rsplit_once('/').unwrap().1.to_owned();
    raw.execute(AssertSqlSafe(format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    )))
    .await
    .unwrap();
    raw.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
    assert_that_every_write_is_put_off(&*repositories, &schedules[0]).await;
    raw.execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    raw.execute(AssertSqlSafe(format!(
        "ALTER DATABASE {name} RESET default_transaction_read_only"
    )))
    .await
    .unwrap();
    raw.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_a_connection_and_is_silent_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let refused = Database::connect(&format!("postgres://nobody@{address}/nothing")).await;
    let Err(StorageError::Open { location, source }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(location, format!("postgres://nobody@{address}/nothing"));
    assert!(
        source.to_string().contains("did not answer within 10 s"),
        "{source}"
    );
}
