use std::path::PathBuf;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::Database;

/// The bytes of a migrated file without rows, made once a process.
static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();

/// A folder with a SQLite file in it; it goes with all that is in it.
#[derive(Debug)]
pub(super) struct SqliteFolder(TempDir);

impl SqliteFolder {
    pub(super) async fn new() -> Self {
        let template = TEMPLATE.get_or_init(migrated_file).await;
        let folder = Self(TempDir::new().expect("a temporary folder can be made"));
        std::fs::write(folder.file(), template).expect("a temporary file can be written");
        folder
    }

    pub(super) fn file(&self) -> PathBuf {
        self.0.path().join("test.db")
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite://{}", self.file().display())
    }
}

async fn migrated_file() -> Vec<u8> {
    let folder = SqliteFolder(TempDir::new().expect("a temporary folder can be made"));
    let database = Database::connect(&folder.url())
        .await
        .expect("the template opens");
    database.migrate().await.expect("the template is migrated");
    database.close().await.expect("the template is closed");
    std::fs::read(folder.file()).expect("the template can be read")
}
