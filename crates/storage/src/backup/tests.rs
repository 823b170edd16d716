use ratchet_interfaces::{Task, TaskDefinition, TaskId};

use super::*;
use crate::Database;

fn url(path: &Path) -> DatabaseUrl {
    path.display().to_string().parse().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn store(database: &Database, name: &str) {
    let task = Task::new(
        TaskDefinition::new(TaskId::new(), name, "1.0.0", "builtin"),
        "embedded",
        chrono::DateTime::UNIX_EPOCH,
    );
    database
        .repositories()
        .tasks()
        .task_upsert_many(&[task])
        .await
        .unwrap();
}

fn tasks(checked: &Checked) -> u64 {
    checked
        .rows
        .iter()
        .find(|(table, _)| *table == "tasks")
        .unwrap()
        .1
}

async fn in_use(path: &Path, rows: usize) -> Database {
    let database = Database::open(url(path)).await.unwrap();
    database.migrate().await.unwrap();
    for row in 0..rows {
        store(&database, &format!("task {row}")).await;
    }
    database
}

#[tokio::test]
async fn a_backup_beside_who_uses_the_database_has_what_was_committed_and_can_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy, other) = ["a.db", "copy.db", "other.db"]
        .map(|name| folder.path().join(name))
        .into();
    let database = in_use(&path, 3).await;
    let lock = database.lock_exclusively().await.unwrap();
    let checked = Backup::new(&url(&path), &copy, false)
        .unwrap()
        .make()
        .await
        .unwrap();
    assert_eq!((tasks(&checked), checked.pending), (3, 0));
    store(&database, "later").await;
    assert!(matches!(
        restore(&copy, &url(&path), true).await,
        Err(BackupError::Storage(StorageError::InUse { .. }))
    ));
    let restored = restore(&copy, &url(&other), false).await.unwrap();
    assert_eq!(restored, Restored { checked, aside: None });
    let again = Backup::new(&url(&path), &copy, true)
        .unwrap()
        .make()
        .await
        .unwrap();
    assert_eq!(tasks(&again), 4);
    drop(lock);
    database.close().await.unwrap();
    let expected = ["a.db", "a.db.lock", "copy.db", "other.db", "other.db.lock"];
    assert_eq!(names(folder.path()), expected, "nothing unfinished is left");
}

#[tokio::test]
async fn a_restored_database_takes_the_place_of_the_one_that_is_kept_aside_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    let database = in_use(&path, 1).await;
    Backup::new(&url(&path), &copy, false)
        .unwrap()
        .make()
        .await
        .unwrap();
    store(&database, "later").await;
    database.close().await.unwrap();
    fs::write(beside(&path, "-wal"), "a log that nobody has emptied").unwrap();
    assert!(matches!(
        restore(&copy, &url(&path), false).await,
        Err(BackupError::Exists { .. })
    ));
    let restored = restore(&copy, &url(&path), true).await.unwrap();
    assert_eq!(tasks(&restored.checked), 1);
    let aside = restored.aside.unwrap();
    assert_eq!(aside, path.with_file_name("a.db.before-restore"));
    assert!(beside(&aside, "-wal").exists() && !beside(&path, "-wal").exists());
    let database = in_use(&path, 0).await;
    store(&database, "after").await;
    database.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_sound_backup_is_refused_and_the_database_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bad) = (folder.path().join("a.db"), folder.path().join("bad.db"));
    in_use(&path, 1).await.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let mut damaged = before.clone();
    damaged[16_384..].fill(0xa5);
    fs::write(&bad, damaged).unwrap();
    let refused = restore(&bad, &url(&path), true).await.unwrap_err();
    assert!(
        matches!(
            refused,
            BackupError::Damaged { .. } | BackupError::Storage(StorageError::NotADatabase { .. })
        ),
        "{refused:?}"
    );
    fs::write(&bad, "").unwrap();
    assert!(matches!(
        restore(&bad, &url(&path), true).await,
        Err(BackupError::Foreign { .. })
    ));
    fs::write(beside(&bad, "-wal"), "").unwrap();
    assert!(matches!(
        restore(&bad, &url(&path), true).await,
        Err(BackupError::Refused { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
    let missing = folder.path().join("missing.db");
    assert!(matches!(
        restore(&missing, &url(&path), true).await,
        Err(BackupError::File { .. })
    ));
}

#[tokio::test]
async fn a_backup_is_not_written_over_anything_without_being_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
    in_use(&path, 1).await.close().await.unwrap();
    fs::write(&copy, "something dear").unwrap();
    let refused = |to: &Path, overwrite| Backup::new(&url(&path), to, overwrite).unwrap_err();
    assert!(matches!(refused(&copy, false), BackupError::Exists { .. }));
    assert_eq!(fs::read(&copy).unwrap(), b"something dear");
    assert!(matches!(refused(&path, true), BackupError::Refused { .. }));
    fs::write(beside(&copy, "-wal"), "").unwrap();
    assert!(matches!(refused(&copy, true), BackupError::Refused { .. }));
    let server: DatabaseUrl = "postgres://me:s3cret@db.example/ratchet".parse().unwrap();
    let told = Backup::new(&server, &copy, false).unwrap_err().to_string();
    assert!(
        told.contains("pg_dump --format=custom") && !told.contains("s3cret"),
        "{told}"
    );
}
