//! What is true of SQLite only: the file, and the commits that writes share.

use std::path::PathBuf;

use futures_util::FutureExt;
use futures_util::future::join_all;
use ratchet_interfaces::{
    RepositoryError, ScheduleFilter, ScheduleId, ScheduleSort, TaskId, UnifiedSchedule,
};
use ratchet_storage::test_support::TestDatabase;
use sea_orm::sqlx::{self, Connection, SqliteConnection};

use crate::harness::assert_refused;
use crate::sample::{at, everything, schedule, stored_schedule, stored_schedules};

/// How many commits the write-ahead log of the database holds: the last frame of each tells the size of the file.
fn commits(database: &TestDatabase) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let mut path = database.file().unwrap().into_os_string();
    path.push("-wal");
    let log = std::fs::read(PathBuf::from(path)).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let page = number(8) as usize;
    // The frames of an earlier round of the log have another salt.
    let salt = &log[16..24];
    (HEADER..log.len())
        .step_by(FRAME_HEADER + page)
        .take_while(|at| &log[at + 8..at + 16] == salt)
        .filter(|at| number(at + 4) != 0)
        .count()
}

#[tokio::test]
async fn the_file_is_in_write_ahead_mode() {
    let database = TestDatabase::sqlite().await;
    let mut other = SqliteConnection::connect(database.url()).await.unwrap();
    let (mode,): (String,) = sqlx::query_as("PRAGMA journal_mode")
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    other.close().await.unwrap();
}

#[tokio::test]
async fn writes_that_arrive_together_share_one_commit() {
    const WRITES: usize = 200;
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let stored = stored_schedule(&*repositories, "nightly").await;
    let before = (commits(&database), repositories.statements_executed());
    let writes = (0..WRITES).map(|_| {
        let schedules = repositories.schedules();
        async move { schedules.schedule_record_run(stored.id, at(60), None).await }
    });
    let answers = database.together(join_all(writes)).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(commits(&database) - before.0, 1);
    // An update for each, and one transaction around all of them; and before them that of the one that is refused.
    let statements = repositories.statements_executed() - before.1;
    assert_eq!(statements, WRITES as u64 + 2 + 3);
    let after = repositories
        .schedules()
        .schedule_find(stored.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(after.run_count, WRITES as u64);
}

#[tokio::test]
async fn writes_that_follow_each_other_have_a_commit_each() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let stored = stored_schedule(&*repositories, "nightly").await;
    let before = commits(&database);
    for _ in 0..5 {
        repositories
            .schedules()
            .schedule_record_run(stored.id, at(60), None)
            .await
            .unwrap();
    }
    assert_eq!(commits(&database) - before, 5);
}

#[tokio::test]
async fn a_refused_write_does_not_spoil_those_that_share_its_commit() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let taken = stored_schedule(&*repositories, "taken").await;
    let before = commits(&database);
    let wanted = [
        schedule("first", taken.task_id),
        schedule("taken", taken.task_id),
        schedule("second", taken.task_id),
        schedule("orphan", TaskId::new()),
        schedule("third", taken.task_id),
    ];
    let writes = wanted.iter().map(|schedule| {
        let schedules = repositories.schedules();
        async move { schedules.schedule_create(schedule).await }
    });
    let answers = database.together(join_all(writes)).await;
    let refused: Vec<bool> = answers.iter().map(Result::is_err).collect();
    assert_eq!(refused, [false, true, false, true, false]);
    for (schedule, answer) in wanted.iter().zip(answers) {
        match schedule.name.as_str() {
            "taken" => assert_refused!(answer, RepositoryError::AlreadyExists { .. }),
            "orphan" => assert_refused!(answer, RepositoryError::BrokenReference { .. }),
            _ => {
                let found = repositories.schedules().schedule_find(schedule.id).await.unwrap();
                assert_eq!(found.as_ref(), Some(schedule));
            }
        }
    }
    assert_eq!(commits(&database) - before, 1);
}

#[tokio::test]
async fn a_group_of_refused_writes_commits_nothing() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    stored_schedule(&*repositories, "nightly").await;
    let before = commits(&database);
    let writes = (0..7).map(|_| {
        let schedules = repositories.schedules();
        async move {
            schedules
                .schedule_record_run(ScheduleId::new(), at(60), None)
                .await
        }
    });
    let answers = database.together(join_all(writes)).await;
    for answer in answers {
        assert_refused!(answer, RepositoryError::NotFound { .. });
    }
    assert_eq!(commits(&database), before);
}

#[tokio::test]
async fn a_write_whose_caller_gave_up_is_whole() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let stored = stored_schedules(&*repositories, 1).await;
    let many: Vec<_> = (0..2_500)
        .map(|number| schedule(&format!("new {number}"), stored[0].task_id))
        .collect();
    let schedules = repositories.schedules();
    assert!(schedules.schedule_create_many(&many).now_or_never().is_none());
    // The next one waits for it in the queue.
    schedules
        .schedule_record_run(stored[0].id, at(60), None)
        .await
        .unwrap();
    let list = schedules
        .schedule_list(&ScheduleFilter::default(), ScheduleSort::default(), everything())
        .await
        .unwrap();
    assert_eq!(list.total, 2_501);
}

#[tokio::test]
async fn what_waits_is_committed_before_the_database_is_closed() {
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let stored = stored_schedule(&*repositories, "nightly").await;
    let schedules = repositories.schedules();
    let writes = join_all((0..50).map(|_| schedules.schedule_record_run(stored.id, at(60), None)));
    let (answers, closed) = tokio::join!(writes, database.database().close());
    closed.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    let again = ratchet_storage::Database::connect(database.url()).await.unwrap();
    let after = again
        .repositories()
        .schedules()
        .schedule_find(stored.id)
        .await
        .unwrap();
    assert_eq!(after.unwrap().run_count, 50);
    again.close().await.unwrap();
}

/// The log does not grow with what is written: it is moved into the file meanwhile.
#[tokio::test]
async fn the_write_ahead_log_begins_anew_while_writes_go_on() {
    const LONG: u64 = 4_000 * 8_192;
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let task = stored_schedule(&*repositories, "first").await.task_id;
    let mut log = database.file().unwrap().into_os_string();
    log.push("-wal");
    let mut written = 0;
    for round in 0..60 {
        let wide: Vec<_> = (0..500)
            .map(|number| UnifiedSchedule {
                description: Some("x".repeat(5_000)),
                ..schedule(&format!("{round} {number}"), task)
            })
            .collect();
        repositories
            .schedules()
            .schedule_create_many(&wide)
            .await
            .unwrap();
        written += 500 * 5_000;
        // A commit of its own, after which the log is looked at.
        for _ in 0..16 {
            repositories
                .schedules()
                .schedule_record_run(wide[0].id, at(60), None)
                .await
                .unwrap();
        }
    }
    assert!(written > 4 * LONG);
    let length = std::fs::metadata(PathBuf::from(log)).unwrap().len();
    assert!(length < written / 2, "{length}");
}
