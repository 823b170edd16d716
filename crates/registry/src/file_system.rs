use std::path::{Path, PathBuf};

use async_trait::async_trait;
use ratchet_interfaces::{RegistryError, TaskDefinition, TaskId, TaskListing, TaskRegistry};

use crate::scan::Scan;

/// The tasks that lie in folders. Each folder that has a `metadata.json` is a task, wherever below a root it is.
///
/// Everything is read anew each time: the folders are the truth.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ratchet_interfaces::RegistryError> {
/// use ratchet_interfaces::TaskRegistry;
/// use ratchet_registry::FileSystemRegistry;
/// let registry = FileSystemRegistry::new("files", ["no/such/folder"]);
/// assert_eq!(registry.list_tasks().await?.issues[0].task, "no/such/folder");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileSystemRegistry {
    name: String,
    roots: Vec<PathBuf>,
    may_be_absent: bool,
}

impl FileSystemRegistry {
    /// The registry of what is below some folders. Where two folders hold the same task, the first has it.
    #[must_use]
    pub fn new<P: Into<PathBuf>>(name: impl Into<String>, roots: impl IntoIterator<Item = P>) -> Self {
        Self {
            name: name.into(),
            roots: roots.into_iter().map(Into::into).collect(),
            may_be_absent: false,
        }
    }

    /// The same, but nothing is wrong with a folder that does not exist. What was read of it before is still not gone.
    #[must_use]
    pub fn where_present(self) -> Self {
        Self {
            may_be_absent: true,
            ..self
        }
    }

    /// The folders below which tasks are looked for.
    #[must_use]
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Reads every task, on this thread.
    #[must_use]
    pub fn scan(&self) -> TaskListing {
        let mut scan = Scan::default();
        let mut absent = Vec::new();
        for root in &self.roots {
            // What cannot be told, the scan tells.
            if self.may_be_absent && matches!(root.try_exists(), Ok(false)) {
                absent.push(root.display().to_string());
            } else {
                scan.root(root);
            }
        }
        let mut listing = scan.listing();
        listing.unreadable.extend(absent);
        listing
    }

    /// The folders of tasks below a folder, which may be one itself, in their order.
    #[must_use]
    pub fn task_folders(root: &Path) -> Vec<PathBuf> {
        let mut scan = Scan::default();
        scan.root(root);
        scan.folders()
    }
}

#[async_trait]
impl TaskRegistry for FileSystemRegistry {
    fn name(&self) -> &str {
        &self.name
    }

    async fn get_task_by_id(&self, id: TaskId) -> Result<Option<TaskDefinition>, RegistryError> {
        let listing = self.list_tasks().await?;
        Ok(listing.tasks.into_iter().find(|task| task.id == id))
    }

    async fn list_tasks(&self) -> Result<TaskListing, RegistryError> {
        let registry = self.clone();
        tokio::task::spawn_blocking(move || registry.scan())
            .await
            .map_err(|error| RegistryError::Read {
                registry: self.name.clone(),
                source: error.into(),
            })
    }
}
