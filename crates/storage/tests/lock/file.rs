#![cfg(unix)]

use std::os::unix::fs::symlink;
use std::path::Path;

use ratchet_storage::test_support::TestDatabase;
use ratchet_storage::{Database, StorageError};

async fn open(file: &Path) -> Database {
    Database::connect(&format!("sqlite://{}", file.display()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_symbolic_link_leads_to_the_same_lock() {
    let database = TestDatabase::sqlite().await;
    let file = database.file().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let (link, link_to_link) = (elsewhere.path().join("a.db"), elsewhere.path().join("b.db"));
    symlink(&file, &link).unwrap();
    symlink(&link, &link_to_link).unwrap();
    let folder = elsewhere.path().join("folder");
    symlink(file.parent().unwrap(), &folder).unwrap();
    let through_folder = folder.join(file.file_name().unwrap());

    let lock = open(&link).await.lock_exclusively().await.unwrap();
    for name in [&file, &link, &link_to_link, &through_folder] {
        let refused = open(name).await.lock_exclusively().await;
        let Err(StorageError::InUse { holder, .. }) = refused else {
            panic!("{}: {refused:?}", name.display());
        };
        assert_eq!(holder, format!("process {}", std::process::id()));
        let refused = open(name).await.lock_at_once().await;
        assert!(matches!(refused, Err(StorageError::InUse { .. })), "{refused:?}");
    }
    drop(lock);
    drop(open(&link).await.lock_at_once().await.unwrap());
    let again = open(&through_folder).await.lock_exclusively().await;
    assert!(again.is_ok(), "{again:?}");
}

#[tokio::test]
async fn a_file_with_several_hard_links_is_refused_by_every_name() {
    let database = TestDatabase::sqlite().await;
    let file = database.file().unwrap();
    let lock = database.database().lock_exclusively().await.unwrap();
    let other = file.with_file_name("other.db");
    std::fs::hard_link(&file, &other).unwrap();
    for name in [&file, &other] {
        let refused = open(name).await.lock_exclusively().await.unwrap_err();
        assert!(
            matches!(&refused, StorageError::HardLinks { path, names: 2 } if path == name),
            "{refused:?}"
        );
    }
    drop(lock);
    std::fs::remove_file(&file).unwrap();
    let alone = open(&other).await.lock_exclusively().await;
    assert!(alone.is_ok(), "{alone:?}");
}

#[tokio::test]
async fn a_lock_that_is_given_back_soon_is_waited_for() {
    let database = TestDatabase::sqlite().await;
    let lock = database.database().lock_exclusively().await.unwrap();
    let other = open(&database.file().unwrap()).await;
    let waiting = tokio::spawn(async move { other.lock_exclusively().await });
    // The other has tried by then: this test has one thread, and goes on when that one waits.
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(lock);
    let taken = waiting.await.unwrap();
    assert!(taken.is_ok(), "{taken:?}");
}
