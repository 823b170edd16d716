//! What a change in a folder of tasks brings about.

#![allow(clippy::unwrap_used, reason = "what a test unwraps, it asserts")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ratchet_interfaces::{
    Clock, LastSync, RegistryError, RegistryManager, RepositoryError, SyncReport, TaskRegistry, Wake,
};
use ratchet_registry::{FileSystemRegistry, TaskWatcher};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A deadline for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// On this clock every pause is over as soon as the others had their turn.
struct Hasty;

#[async_trait]
impl Clock for Hasty {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    async fn wait_until(&self, _: DateTime<Utc>) -> Wake {
        Wake::Reached
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }
}

/// Tells which tasks there are at each synchronization.
struct Told {
    registry: FileSystemRegistry,
    found: UnboundedSender<Vec<String>>,
    failures: Mutex<u32>,
}

#[async_trait]
impl RegistryManager for Told {
    async fn sync(&self) -> Result<SyncReport, RegistryError> {
        let is_away = {
            let mut failures = self.failures.lock().unwrap();
            let is_away = *failures > 0;
            *failures = failures.saturating_sub(1);
            is_away
        };
        if is_away {
            return Err(RegistryError::Store {
                registry: "files".to_owned(),
                source: RepositoryError::Unavailable {
                    during: "storing tasks",
                    source: "it is away".into(),
                },
            });
        }
        let listing = self.registry.list_tasks().await?;
        let tasks = listing.tasks.iter().map(|task| task.version.clone());
        self.found.send(tasks.collect()).unwrap();
        Ok(SyncReport::default())
    }

    fn last_sync(&self) -> Option<Arc<LastSync>> {
        None
    }
}

struct Watched {
    watcher: TaskWatcher,
    found: UnboundedReceiver<Vec<String>>,
}

impl Watched {
    fn new(root: &Path, failures: u32) -> Self {
        let (sender, found) = unbounded_channel();
        let manager = Told {
            registry: FileSystemRegistry::new("files", [root]),
            found: sender,
            failures: Mutex::new(failures),
        };
        Self {
            watcher: TaskWatcher::new(Arc::new(manager), Arc::new(Hasty), [root]).unwrap(),
            found,
        }
    }

    async fn started(root: &Path) -> Self {
        let watched = Self::new(root, 0);
        watched.watcher.start().await;
        watched
    }

    /// Waits until a synchronization finds these versions.
    async fn until(&mut self, versions: &[&str]) {
        let reached = async { while self.found.recv().await.unwrap() != versions {} };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{versions:?} is not found"));
    }
}

fn task(folder: &Path, version: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("main.js"), "() => 1").unwrap();
    let metadata = format!("{{\"name\": \"t\", \"version\": \"{version}\"}}");
    fs::write(folder.join("metadata.json"), metadata).unwrap();
}

#[tokio::test]
async fn a_new_a_changed_and_a_deleted_task_are_noticed() {
    let root = tempfile::tempdir().unwrap();
    let mut watched = Watched::started(root.path()).await;
    let folder = root.path().join("deep/down/t");
    task(&folder, "1");
    watched.until(&["1"]).await;
    task(&folder, "2");
    watched.until(&["2"]).await;
    // As editors save: another file takes the old one's place.
    let draft = folder.join("metadata.json.tmp");
    fs::write(&draft, "{\"name\": \"t\", \"version\": \"3\"}").unwrap();
    fs::rename(&draft, folder.join("metadata.json")).unwrap();
    watched.until(&["3"]).await;
    fs::remove_dir_all(&folder).unwrap();
    watched.until(&[]).await;
    watched.watcher.stop().await;
}

#[tokio::test]
async fn a_task_that_is_moved_away_and_back_is_noticed_both_times() {
    let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (here, there) = (root.path().join("t"), elsewhere.path().join("t"));
    task(&here, "1");
    let mut watched = Watched::started(root.path()).await;
    fs::rename(&here, &there).unwrap();
    watched.until(&[]).await;
    fs::rename(&there, &here).unwrap();
    watched.until(&["1"]).await;
    // What came back is watched as well.
    task(&here, "2");
    watched.until(&["2"]).await;
}

#[tokio::test]
async fn a_root_that_is_deleted_and_made_again_is_watched_again() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("not/yet/there");
    let mut watched = Watched::started(&root).await;
    for version in ["1", "2"] {
        task(&root.join("t"), version);
        watched.until(&[version]).await;
        task(&root.join("t"), "later");
        watched.until(&["later"]).await;
        fs::remove_dir_all(above.path().join("not")).unwrap();
        watched.until(&[]).await;
    }
}

#[tokio::test]
async fn a_database_that_was_away_is_asked_again_without_another_change() {
    let root = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(root.path(), 3);
    watched.watcher.start().await;
    task(&root.path().join("t"), "1");
    watched.until(&["1"]).await;
}

#[tokio::test]
async fn reading_is_no_change() {
    let root = tempfile::tempdir().unwrap();
    task(&root.path().join("t"), "1");
    let mut watched = Watched::started(root.path()).await;
    for _ in 0..3 {
        fs::read(root.path().join("t/main.js")).unwrap();
        fs::read_dir(root.path()).unwrap().count();
    }
    // Events come in order: the first synchronization is that for the change after the reading.
    task(&root.path().join("t"), "2");
    let first = tokio::time::timeout(PATIENCE, watched.found.recv())
        .await
        .unwrap();
    assert!(first.is_some());
    watched.watcher.stop().await;
    // The synchronizations themselves read, and do not go on by themselves.
    while let Ok(found) = watched.found.try_recv() {
        assert!(found == ["2"] || found.is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn a_watcher_starts_once_and_can_be_stopped_at_any_time() {
    let root = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(root.path(), 0);
    watched.watcher.stop().await;
    for version in ["1", "2"] {
        watched.watcher.start().await;
        watched.watcher.start().await;
        task(&root.path().join("t"), version);
        watched.until(&[version]).await;
        watched.watcher.stop().await;
        watched.watcher.stop().await;
    }
    while watched.found.try_recv().is_ok() {}
    task(&root.path().join("t"), "3");
    tokio::task::yield_now().await;
    assert!(
        watched.found.try_recv().is_err(),
        "a stopped watcher synchronizes"
    );
    // Dropped while it watches, it ends too.
    watched.watcher.start().await;
}
