use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use ratchet_interfaces::{
    Clock, RegistryError, RegistryManager, Signal, StopSource, StopToken, ValidationIssue, with_causes,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

/// So long nothing must change before the folders are read: an editor that saves, or a copy of a folder, is many
/// changes.
const QUIET: Duration = Duration::from_millis(200);
/// So long a series of changes may put the reading off.
const LONGEST_SERIES: Duration = Duration::from_secs(5);
/// How long a synchronization that the database was away for is put off at first, and at the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Has the stored tasks synchronized whenever something changes in the folders of tasks. Nothing polls: while nothing
/// changes, nothing is done.
///
/// A folder that is deleted, or does not exist yet, is waited for in the nearest folder above it that exists.
pub struct TaskWatcher {
    manager: Arc<dyn RegistryManager>,
    clock: Arc<dyn Clock>,
    folders: Vec<PathBuf>,
    /// Held while the watcher starts or stops, so that each waits for the other.
    work: Mutex<Option<Work>>,
}

struct Work {
    stop: StopSource,
    handle: JoinHandle<()>,
}

impl TaskWatcher {
    /// A watcher of these folders, which does not watch yet.
    ///
    /// # Errors
    /// [`RegistryError::Read`] when it cannot be told where a relative path is.
    pub fn new<P: AsRef<Path>>(
        manager: Arc<dyn RegistryManager>,
        clock: Arc<dyn Clock>,
        folders: impl IntoIterator<Item = P>,
    ) -> Result<Self, RegistryError> {
        let folders: Result<_, std::io::Error> = folders.into_iter().map(std::path::absolute).collect();
        Ok(Self {
            manager,
            clock,
            folders: folders.map_err(|source| RegistryError::Read {
                registry: "files".to_owned(),
                source: source.into(),
            })?,
            work: Mutex::new(None),
        })
    }

    /// Watches, if it does not yet. Every change from the moment of the return on is seen: synchronize once after it for
    /// what was before.
    pub async fn start(&self) {
        let mut work = self.work.lock().await;
        if work.is_some() {
            return;
        }
        let changed = Signal::default();
        let stop = StopSource::default();
        let watching = Watching {
            watch: watch(&self.folders, &changed),
            folders: self.folders.clone(),
            manager: Arc::clone(&self.manager),
            clock: Arc::clone(&self.clock),
            changed,
            stop: stop.token(),
            told: Vec::new(),
        };
        let handle = tokio::spawn(watching.run());
        *work = Some(Work { stop, handle });
    }

    /// Stops watching, and returns when it has: a synchronization that runs is finished first.
    pub async fn stop(&self) {
        let mut guard = self.work.lock().await;
        let Some(work) = guard.as_mut() else {
            return;
        };
        work.stop.stop();
        if let Err(failure) = (&mut work.handle).await {
            error!(error = %failure, "the watcher of the task folders ended by a panic");
        }
        *guard = None;
    }
}

impl Drop for TaskWatcher {
    fn drop(&mut self) {
        if let Some(work) = self.work.get_mut() {
            work.stop.stop();
        }
    }
}

struct Watching {
    /// Kept because it ends when it is dropped.
    watch: Option<RecommendedWatcher>,
    folders: Vec<PathBuf>,
    manager: Arc<dyn RegistryManager>,
    clock: Arc<dyn Clock>,
    changed: Signal,
    stop: StopToken,
    /// What was told of last time, and need not be told again.
    told: Vec<ValidationIssue>,
}

impl Watching {
    async fn run(mut self) {
        while self.series_ends().await {
            // What is there now is watched anew before it is read: a folder that came back is another one.
            self.watch = watch(&self.folders, &self.changed).or(self.watch);
            self.synchronize().await;
        }
    }

    /// Waits for a change, and until nothing more changes. False when the watcher is to stop.
    async fn series_ends(&self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.stopped() => return false,
            () = self.changed.arm() => {}
        }
        let begin = self.clock.monotonic();
        while self.clock.monotonic().saturating_sub(begin) < LONGEST_SERIES {
            tokio::select! {
                biased;
                () = self.stop.stopped() => return false,
                () = self.changed.arm() => {}
                () = self.clock.sleep(QUIET) => break,
            }
        }
        true
    }

    /// Synchronizes; while the database is away, again after a pause.
    async fn synchronize(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.manager.sync().await {
                Ok(report) => {
                    self.tell(report.issues);
                    return;
                }
                Err(RegistryError::Store { registry, source }) if source.is_transient() => {
                    if pause == FIRST_PAUSE {
                        warn!(
                            registry,
                            error = with_causes(&source),
                            "tasks have changed, and cannot be stored now; it is tried again"
                        );
                    }
                }
                Err(failure) => {
                    error!(
                        error = with_causes(&failure),
                        "tasks have changed, and cannot be synchronized"
                    );
                    return;
                }
            }
            tokio::select! {
                biased;
                () = self.stop.stopped() => return,
                () = self.clock.sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    fn tell(&mut self, issues: Vec<ValidationIssue>) {
        for issue in &issues {
            if !self.told.contains(issue) {
                let ValidationIssue { task, field, message } = issue;
                warn!(task, field, "a task is not in order: {message}");
            }
        }
        if issues.is_empty() && !self.told.is_empty() {
            info!("every task is in order again");
        }
        self.told = issues;
    }
}

/// Watches the folders as they are now. What cannot be watched is told of.
fn watch(folders: &[PathBuf], changed: &Signal) -> Option<RecommendedWatcher> {
    let mut own = folders.to_vec();
    own.extend(folders.iter().filter_map(|folder| folder.canonicalize().ok()));
    let changed = changed.clone();
    let handler = move |event: notify::Result<Event>| {
        if event.map_or(true, |event| matters(&event, &own)) {
            changed.raise();
        }
    };
    let failed = |folder: &Path, failure: &notify::Error| {
        error!(
            folder = %folder.display(),
            error = with_causes(failure),
            "changes in a folder of tasks will not be noticed"
        );
    };
    let mut watcher = match RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false)) {
        Ok(watcher) => watcher,
        Err(failure) => {
            folders.iter().for_each(|folder| failed(folder, &failure));
            return None;
        }
    };
    for folder in folders {
        let (place, mode) = match folder.ancestors().find(|place| place.is_dir()) {
            Some(place) if place == folder => (place, RecursiveMode::Recursive),
            Some(above) => (above, RecursiveMode::NonRecursive),
            None => continue,
        };
        if let Err(failure) = watcher.watch(place, mode) {
            failed(folder, &failure);
        }
    }
    Some(watcher)
}

/// Whether something may have changed in the folders. That somebody reads there, as the synchronization itself does, is
/// no change.
fn matters(event: &Event, folders: &[PathBuf]) -> bool {
    let is_change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => event.need_rescan(),
        _ => true,
    };
    let is_there = |path: &PathBuf| {
        folders
            .iter()
            .any(|folder| path.starts_with(folder) || folder.starts_with(path))
    };
    is_change && (event.paths.is_empty() || event.paths.iter().any(is_there))
}
