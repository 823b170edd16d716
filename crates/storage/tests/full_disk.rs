//! A disk without room, on SQLite. The limit that stands for it is one of the whole process, and so this test is
//! alone in its program: no file of the process may grow beyond so many bytes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::DateTime;
use futures_util::future::join_all;
use ratchet_interfaces::{RepositoryError, Task, TaskDefinition, TaskId, UnifiedSchedule};
use ratchet_storage::test_support::TestDatabase;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

/// Room for the schema and some small rows.
const ROOM: u64 = 1 << 20;

/// Sets how large a file may become; `None` is as large as the system allows.
fn limit(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    let current = bytes.or(maximum);
    setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_as_transient_and_writes_go_on_when_there_is_room_again() {
    // Whose signal is not handled is killed by it; whose is, gets an error from the write.
    signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::new(AtomicBool::new(false))).unwrap();
    let database = TestDatabase::sqlite().await;
    let repositories = database.repositories();
    let schedules = repositories.schedules();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let task = Task::new(
        TaskDefinition::new(TaskId::new(), "greet", "1.0.0", "builtin"),
        "embedded",
        now,
    );
    repositories
        .tasks()
        .task_upsert_many(std::slice::from_ref(&task))
        .await
        .unwrap();
    let schedule = |name: &str, description: String| UnifiedSchedule {
        description: Some(description),
        ..UnifiedSchedule::new(name, task.definition.id, "@daily", now)
    };
    let small = schedule("small", "x".repeat(10));
    let large = schedule("large", "x".repeat(4 << 20));
    let beside = schedule("beside the large one", "x".repeat(10));
    schedules.schedule_create(&small).await.unwrap();

    limit(Some(ROOM));
    for _ in 0..3 {
        let answer = schedules.schedule_create(&large).await;
        assert!(
            matches!(answer, Err(RepositoryError::Unavailable { .. })),
            "{answer:?}"
        );
        // What was refused is not there, and what was there can be read.
        assert_eq!(schedules.schedule_find(large.id).await.unwrap(), None);
        let found = schedules.schedule_find(small.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&small));
    }
    // The one that shares the commit is not told that it was stored.
    let writes = [&beside, &large].map(|schedule| schedules.schedule_create(schedule));
    let answers = database.together(join_all(writes)).await;
    for (schedule, answer) in [&beside, &large].into_iter().zip(answers) {
        assert!(
            answer.is_err_and(|error| error.is_transient()),
            "{}",
            schedule.name
        );
        assert_eq!(schedules.schedule_find(schedule.id).await.unwrap(), None);
    }

    limit(None);
    for schedule in [large, beside] {
        schedules.schedule_create(&schedule).await.unwrap();
        assert_eq!(
            schedules.schedule_find(schedule.id).await.unwrap(),
            Some(schedule)
        );
    }
}
